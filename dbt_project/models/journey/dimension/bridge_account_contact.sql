-- Which people act for which companies. Sources tell only what holds now: the validity opens when the relation was last confirmed.
with

pairs as (
    select * from {{ ref('int_identity__contact_account') }}
),

people as (
    select contact_key, buying_centre_role_code from {{ ref('int_contact__golden') }}
),

final as (
    select
        {{ surrogate_key(['pairs.account_key', 'pairs.contact_key']) }} as account_contact_key,
        pairs.account_key,
        pairs.contact_key,
        pairs.relation_type as relation_type_code,
        people.buying_centre_role_code,
        pairs.is_primary,
        pairs.updated_at as valid_from,
        cast(null as timestamp) as valid_to,
        true as is_current,
        pairs.assigned_by
    from pairs
    left join people
        on pairs.contact_key = people.contact_key
)

select * from final
