{{ config(materialized='table') }}

-- Every reason not to address an account now, with its place in the steward's precedence; the marts show the first. An open deal bars growth
-- only: whoever is about to leave is called all the same. A reason that the steward took out of the list holds nobody back.
with

accounts as (
    select * from {{ ref('int_target__account') }}
),

reasons as (
    select * from {{ ref('suppression_reason') }}
),

holding as (
    select account_key, 'unknown_account' as suppression_reason_code from accounts
    where is_unknown
    union all
    select account_key, 'blocked' from accounts
    where is_blocked or lower(exit_reason_code) like 'insol%'
    union all
    select account_key, 'competitor_or_partner' from accounts
    where lower(account_type_code) in ('competitor', 'partner', 'reseller', 'supplier', 'vendor')
    union all
    select account_key, 'left' from accounts
    where current_phase_code = 'exit'
    union all
    select account_key, 'open_complaint' from accounts
    where open_complaint_count > 0
    union all
    select account_key, 'consent_withdrawn' from accounts
    where contact_count > 0 and not is_reachable and has_withdrawn
    union all
    select account_key, 'hard_bounce' from accounts
    where contact_count > 0 and not is_reachable and has_bounced
    union all
    select account_key, 'no_consent' from accounts
    where contact_count > 0 and not is_reachable
    union all
    select account_key, 'no_contactable_contact' from accounts
    where contact_count = 0
    union all
    select account_key, 'open_opportunity' from accounts
    where open_deal_count > 0
),

final as (
    select
        holding.account_key,
        holding.suppression_reason_code,
        reasons.name_en as suppression_text_en,
        reasons.name_de as suppression_text_de,
        reasons.precedence,
        holding.suppression_reason_code <> 'open_opportunity' as bars_retention
    from holding
    inner join reasons
        on holding.suppression_reason_code = reasons.suppression_reason_code
)

select * from final
