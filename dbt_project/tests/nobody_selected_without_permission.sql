-- Nobody is on a list to be contacted without a person, a legal basis, and a way that is open and that no system contradicts.
with

refused as (
    select distinct contact_key
    from {{ ref('fct_consent') }}
    where is_current and purpose_code = 'marketing' and channel_code = 'email' and not is_granted
),

selected as (
    select account_key, target_contact_key, can_contact_email, can_contact_phone, legal_basis_code, is_suppressed, is_holdout
    from {{ ref('mart_retention_target') }}
    where is_selected
    union all
    select account_key, target_contact_key, can_contact_email, can_contact_phone, legal_basis_code, is_suppressed, is_holdout
    from {{ ref('mart_growth_target') }}
    where is_selected
)

select selected.*
from selected
left join refused
    on selected.target_contact_key = refused.contact_key
where
    selected.target_contact_key is null
    or not (selected.can_contact_email or selected.can_contact_phone)
    or selected.legal_basis_code = 'none'
    or selected.is_suppressed
    or selected.is_holdout
    or (selected.can_contact_email and refused.contact_key is not null)
