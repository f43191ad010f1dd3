-- Associations in both directions under singular object names, so that readers ask "from a call to its company" and need not know
-- from which side the pair was read.
with

associations as (
    select * from {{ ref('stg_hubspot__associations') }}
),

both_ways as (
    select source_instance, from_type, from_id, to_type, to_id, label, source_updated_at, loaded_at
    from associations
    union all
    select source_instance, to_type as from_type, to_id as from_id, from_type as to_type, from_id as to_id, label, source_updated_at, loaded_at
    from associations
),

final as (
    select
        source_instance,
        {{ hubspot_object('from_type') }} as from_type,
        from_id,
        {{ hubspot_object('to_type') }} as to_type,
        to_id,
        max(case when lower(label) like 'primary%' then 1 else 0 end) = 1 as is_primary,
        min(label) as label,
        max(source_updated_at) as source_updated_at,
        max(loaded_at) as loaded_at
    from both_ways
    group by source_instance, {{ hubspot_object('from_type') }}, from_id, {{ hubspot_object('to_type') }}, to_id
)

select * from final
