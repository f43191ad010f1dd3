-- For each HubSpot object the one company, person and deal that a touchpoint of it counts for: the primary one first, then the one
-- with the smallest id, so that the choice is the same in each run. Everyone else who took part stays in the links.
with

links as (
    select * from {{ ref('stg_hubspot__links') }}
    where to_type in ('company', 'contact', 'deal')
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_instance, from_type, from_id, to_type
            order by is_primary desc nulls last, length(to_id) nulls last, to_id nulls last
        ) as rank_number
    from links
),

final as (
    select
        source_instance,
        from_type,
        from_id,
        max(case when to_type = 'company' then to_id end) as company_id,
        max(case when to_type = 'contact' then to_id end) as contact_id,
        max(case when to_type = 'deal' then to_id end) as deal_id
    from ranked
    where rank_number = 1
    group by source_instance, from_type, from_id
)

select * from final
