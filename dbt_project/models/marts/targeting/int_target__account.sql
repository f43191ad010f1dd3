{{ config(materialized='table') }}

-- What a campaign must know of an account: whom to address, how, and what is going on with it.
with

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

accounts as (
    select * from {{ ref('dim_account') }}
),

members as (
    select
        bridge.account_key,
        bridge.is_primary,
        contacts.*
    from {{ ref('bridge_account_contact') }} as bridge
    inner join {{ ref('int_target__contact') }} as contacts
        on bridge.contact_key = contacts.contact_key
    where bridge.is_current
),

-- The best person to address: reachable by e-mail before phone only, deciders first, those whose company it primarily is before guests.
ranked as (
    select
        *,
        row_number() over (
            partition by account_key
            order by
                case when can_contact_email then 0 else 1 end,
                case buying_centre_role_code
                    when 'decider' then 1 when 'buyer' then 2 when 'initiator' then 3 when 'influencer' then 4 when 'user' then 5
                    when 'gatekeeper' then 7 else 6
                end,
                case when is_primary then 0 else 1 end,
                contact_key
        ) as choice_number
    from members
    where can_contact_email or can_contact_phone
),

reach as (
    select
        account_key,
        count(*) as contact_count,
        max(case when can_contact_email or can_contact_phone then 1 else 0 end) = 1 as is_reachable,
        max(case when is_withdrawn then 1 else 0 end) = 1 as has_withdrawn,
        max(case when is_email_permitted and is_bounced then 1 else 0 end) = 1 as has_bounced
    from members
    group by account_key
),

complaints as (
    select account_key, count(*) as open_complaint_count
    from {{ ref('fct_service_case') }}
    where is_complaint and is_open
    group by account_key
),

open_cases as (
    select account_key, count(*) as open_case_count
    from {{ ref('fct_service_case') }}
    where is_open
    group by account_key
),

deals as (
    select
        account_key,
        opportunity_key,
        max(case when touchpoint_type_code in ('deal_won', 'deal_lost') then 1 else 0 end) = 1 as is_closed,
        max(case when touchpoint_type_code = 'deal_created' then 1 else 0 end) = 1 as is_created
    from {{ ref('fct_customer_journey') }}
    where opportunity_key is not null
    group by account_key, opportunity_key
),

open_deals as (
    select account_key, count(*) as open_deal_count
    from deals
    where is_created and not is_closed
    group by account_key
),

visits as (
    select account_key, journey_phase_code from {{ ref('fct_journey_phase') }}
    where is_current
),

last_nps as (
    select
        journey.account_key,
        journey.rating_value,
        row_number() over (partition by journey.account_key order by journey.occurred_at desc, journey.touchpoint_key) as recency
    from {{ ref('fct_customer_journey') }} as journey
    where journey.touchpoint_type_code = 'nps_response'
),

joined as (
    select
        accounts.account_key,
        accounts.account_name,
        accounts.segment_code,
        accounts.industry_code,
        accounts.country_code,
        accounts.account_owner_key,
        accounts.account_type_code,
        accounts.is_unknown,
        accounts.is_blocked,
        accounts.exit_reason_code,
        accounts.renewal_on,
        visits.journey_phase_code as current_phase_code,
        ranked.contact_key as target_contact_key,
        ranked.buying_centre_role_code as target_contact_role_code,
        coalesce(ranked.can_contact_email, false) as can_contact_email,
        coalesce(ranked.can_contact_phone, false) as can_contact_phone,
        case when ranked.can_contact_phone then 'phone' when ranked.can_contact_email then 'email' end as recommended_channel_code,
        coalesce(ranked.legal_basis_code, 'none') as legal_basis_code,
        coalesce(reach.contact_count, 0) as contact_count,
        coalesce(reach.is_reachable, false) as is_reachable,
        coalesce(reach.has_withdrawn, false) as has_withdrawn,
        coalesce(reach.has_bounced, false) as has_bounced,
        coalesce(complaints.open_complaint_count, 0) as open_complaint_count,
        coalesce(open_cases.open_case_count, 0) as open_case_count,
        coalesce(open_deals.open_deal_count, 0) as open_deal_count,
        last_nps.rating_value as nps_last,
        cast(run.as_of_at as date) as as_of_on
    from accounts
    cross join run
    left join visits
        on accounts.account_key = visits.account_key
    left join ranked
        on accounts.account_key = ranked.account_key and ranked.choice_number = 1
    left join reach
        on accounts.account_key = reach.account_key
    left join complaints
        on accounts.account_key = complaints.account_key
    left join open_cases
        on accounts.account_key = open_cases.account_key
    left join open_deals
        on accounts.account_key = open_deals.account_key
    left join last_nps
        on accounts.account_key = last_nps.account_key and last_nps.recency = 1
)

select * from joined
