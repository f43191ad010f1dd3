-- Visits to exit: why and after how long an account left, what it had brought in the year before, and whether it came back.
with

visits as (
    {{ phase_visits('exit') }}
),

accounts as (
    select account_key, exit_reason_code from {{ ref('dim_account') }}
),

lines as (
    select account_key, ordered_at, is_return, net_amount, margin_amount from {{ ref('fct_order_line') }}
    where not is_cancelled
),

bought as (
    select
        visits.journey_phase_key,
        min(case when not lines.is_return then lines.ordered_at end) as first_ordered_at,
        max(case when not lines.is_return then lines.ordered_at end) as last_ordered_at
    from visits
    inner join lines
        on visits.account_key = lines.account_key and visits.entered_at > lines.ordered_at
    group by visits.journey_phase_key
),

lost as (
    select
        visits.journey_phase_key,
        sum(lines.net_amount) as net_amount,
        sum(lines.margin_amount) as margin_amount
    from visits
    inner join bought
        on visits.journey_phase_key = bought.journey_phase_key
    inner join lines
        on
            visits.account_key = lines.account_key
            and lines.ordered_at > {{ add_days('bought.last_ordered_at', -365) }}
            and visits.entered_at > lines.ordered_at
    group by visits.journey_phase_key
),

cases as (
    select
        visits.journey_phase_key,
        max(cases.opened_at) as last_case_opened_at,
        sum(case when cases.is_complaint and cases.opened_at >= {{ add_days('visits.entered_at', -365) }} then 1 else 0 end) as complaint_count
    from visits
    inner join {{ ref('fct_service_case') }} as cases
        on visits.account_key = cases.account_key and visits.entered_at >= cases.opened_at
    group by visits.journey_phase_key
),

last_nps as (
    select
        visits.journey_phase_key,
        journey.rating_value,
        row_number() over (partition by visits.journey_phase_key order by journey.occurred_at desc, journey.touchpoint_key) as recency
    from visits
    inner join {{ ref('fct_customer_journey') }} as journey
        on
            visits.account_key = journey.account_key
            and journey.touchpoint_type_code = 'nps_response'
            and visits.entered_at >= journey.occurred_at
),

final as (
    select
        {{ visit_columns() }},
        case visits.opened_by_rule_id
            when 'lapse_own_rhythm' then 'lapsed'
            when 'lapse_told' then 'told'
            else 'flagged'
        end as exit_type_code,
        -- The reason is what the CRM says today: it belongs to the exit that still lasts.
        case when visits.is_current then accounts.exit_reason_code end as exit_reason_code,
        bought.first_ordered_at,
        bought.last_ordered_at,
        {{ days_between('bought.first_ordered_at', 'visits.entered_at') }} as tenure_days,
        {{ money('lost.net_amount') }} as lost_revenue_amount,
        cast(lost.margin_amount as decimal(18, 2)) as lost_margin_amount,
        lost.margin_amount > 0 as was_profitable,
        cast(last_nps.rating_value as decimal(9, 2)) as nps_last,
        {{ days_between('cases.last_case_opened_at', 'visits.entered_at') }} as days_since_last_case,
        {{ counted('cases.complaint_count') }} as complaint_365d_count,
        not visits.is_current as is_won_back
    from visits
    left join accounts
        on visits.account_key = accounts.account_key
    left join bought
        on visits.journey_phase_key = bought.journey_phase_key
    left join lost
        on visits.journey_phase_key = lost.journey_phase_key
    left join cases
        on visits.journey_phase_key = cases.journey_phase_key
    left join last_nps
        on visits.journey_phase_key = last_nps.journey_phase_key and last_nps.recency = 1
)

select * from final
