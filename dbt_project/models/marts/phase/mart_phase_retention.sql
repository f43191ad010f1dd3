-- Visits to retention: repeated orders, service and satisfaction meanwhile, and for the current visit the risk of losing the account.
with

visits as (
    {{ phase_visits('retention') }}
),

touchpoints as (
    {{ phase_touchpoints('retention') }}
),

accounts as (
    select account_key, has_running_contract, renewal_on from {{ ref('dim_account') }}
),

scores as (
    select * from {{ source('insight', 'retention_score') }}
),

account_values as (
    select * from {{ source('insight', 'account_value') }}
),

cases as (
    select
        visits.journey_phase_key,
        count(*) as case_count,
        sum(case when cases.is_complaint then 1 else 0 end) as complaint_count,
        sum(cases.reopened_count) as reopened_count,
        sum(case when cases.is_open then 1 else 0 end) as open_case_count,
        sum(cases.first_reply_seconds) as first_reply_seconds_sum,
        count(cases.first_reply_seconds) as first_reply_seconds_count
    from visits
    inner join {{ ref('fct_service_case') }} as cases
        on
            visits.account_key = cases.account_key
            and visits.entered_at <= cases.opened_at
            and (visits.exited_at is null or visits.exited_at > cases.opened_at)
    group by visits.journey_phase_key
),

measured as (
    select
        journey_phase_key,
        sum(case when is_conversion then 1 else 0 end) as order_count,
        count(distinct case when is_conversion then cast(occurred_at as date) end) as order_day_count,
        min(case when is_conversion then occurred_at end) as first_ordered_at,
        max(case when is_conversion then occurred_at end) as last_ordered_at,
        sum(case when touchpoint_type_code = 'order_returned' then 1 else 0 end) as order_returned_count,
        sum(case when touchpoint_type_code = 'csat_response' and rating_scale = '1-5' then rating_value end) as csat_sum,
        count(case when touchpoint_type_code = 'csat_response' and rating_scale = '1-5' then rating_value end) as csat_count,
        sum(case when touchpoint_type_code = 'ces_response' then rating_value end) as ces_sum,
        count(case when touchpoint_type_code = 'ces_response' then rating_value end) as ces_count
    from touchpoints
    group by journey_phase_key
),

last_nps as (
    select
        journey_phase_key,
        rating_value,
        row_number() over (partition by journey_phase_key order by occurred_at desc, touchpoint_key) as recency
    from touchpoints
    where touchpoint_type_code = 'nps_response'
),

final as (
    select
        {{ visit_columns() }},
        {{ counted('measured.order_count') }} as order_count,
        {{ money('visits.revenue_amount') }} as net_amount,
        {{ money('visits.margin_amount') }} as margin_amount,
        {{ counted('measured.order_returned_count') }} as order_returned_count,
        {{ days_between('measured.first_ordered_at', 'measured.last_ordered_at') }} as order_gap_days_sum,
        cast(case when measured.order_day_count > 1 then measured.order_day_count - 1 else 0 end as integer) as order_gap_count,
        measured.last_ordered_at,
        {{ counted('cases.case_count') }} as case_count,
        {{ counted('cases.complaint_count') }} as complaint_count,
        {{ counted('cases.reopened_count') }} as reopened_count,
        {{ counted('cases.open_case_count') }} as open_case_count,
        cast(coalesce(cases.first_reply_seconds_sum, 0) as bigint) as first_reply_seconds_sum,
        {{ counted('cases.first_reply_seconds_count') }} as first_reply_seconds_count,
        cast(coalesce(measured.csat_sum, 0) as decimal(18, 2)) as csat_sum,
        {{ counted('measured.csat_count') }} as csat_count,
        cast(coalesce(measured.ces_sum, 0) as decimal(18, 2)) as ces_sum,
        {{ counted('measured.ces_count') }} as ces_count,
        cast(last_nps.rating_value as decimal(9, 2)) as nps_last,
        accounts.has_running_contract,
        accounts.renewal_on,
        case when visits.is_current then scores.churn_risk_score end as churn_risk_score,
        case when visits.is_current then scores.churn_risk_band end as churn_risk_band,
        case when visits.is_current then {{ try_cast('scores.overdue_ratio', 'decimal(18, 4)') }} end as overdue_ratio,
        case when visits.is_current then account_values.value_at_risk_amount end as value_at_risk_amount
    from visits
    left join accounts
        on visits.account_key = accounts.account_key
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
    left join cases
        on visits.journey_phase_key = cases.journey_phase_key
    left join last_nps
        on visits.journey_phase_key = last_nps.journey_phase_key and last_nps.recency = 1
    left join scores
        on visits.account_key = scores.account_key
    left join account_values
        on visits.account_key = account_values.account_key
)

select * from final
