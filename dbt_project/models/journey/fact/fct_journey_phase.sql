-- Visits of accounts to phases, with what happened during each.
with

visits as (
    select * from {{ ref('int_journey__visit') }}
),

journey as (
    select * from {{ ref('fct_customer_journey') }}
),

measured as (
    select
        journey_phase_key,
        sum(case when direction = 'inbound' then 1 else 0 end) as inbound_count,
        sum(case when is_content_consumption then 1 else 0 end) as content_count,
        count(distinct contact_key) as contact_count,
        sum(value_points) as value_points,
        sum(case when is_conversion then net_amount end) as revenue_amount,
        sum(case when is_conversion then margin_amount end) as margin_amount
    from journey
    where journey_phase_key is not null
    group by journey_phase_key
),

surveys as (
    select
        journey_phase_key,
        avg(case when touchpoint_type_code = 'nps_response' then rating_value end) as nps_average,
        avg(case when touchpoint_type_code = 'csat_response' and rating_scale = '1-5' then rating_value end) as csat_average,
        avg(case when touchpoint_type_code = 'ces_response' then rating_value end) as ces_average
    from journey
    where journey_phase_key is not null
    group by journey_phase_key
),

timed as (
    select
        *,
        {{ days_between('entered_at', 'coalesce(exited_at, as_of_at)') }} as days_in_phase
    from visits
),

final as (
    select
        timed.journey_phase_key,
        timed.account_key,
        timed.journey_cycle_number,
        timed.visit_number,
        timed.journey_phase_code,
        timed.phase_visit_number,
        timed.previous_phase_code,
        timed.next_phase_code,
        timed.entered_at,
        timed.last_touchpoint_at,
        timed.exited_at,
        timed.is_current,
        timed.outcome_code,
        timed.is_resumption,
        timed.is_skipped_entry,
        timed.days_in_phase,
        cast(sum(timed.days_in_phase) over (
            partition by timed.account_key, timed.journey_phase_code order by timed.visit_number
            rows between unbounded preceding and current row
        ) as integer) as cumulative_days_in_phase,
        timed.days_in_phase - timed.target_days as days_vs_target,
        timed.active_days,
        timed.idle_days_max,
        timed.inactivity_threshold_days,
        timed.touchpoint_count,
        cast(coalesce(measured.inbound_count, 0) as integer) as inbound_count,
        cast(coalesce(measured.content_count, 0) as integer) as content_count,
        cast(coalesce(measured.contact_count, 0) as integer) as contact_count,
        cast(coalesce(measured.value_points, 0) as decimal(18, 2)) as value_points,
        cast(coalesce(measured.revenue_amount, 0) as decimal(18, 2)) as revenue_amount,
        cast(coalesce(measured.margin_amount, 0) as decimal(18, 2)) as margin_amount,
        cast(surveys.nps_average as decimal(9, 2)) as nps_average,
        cast(surveys.csat_average as decimal(9, 2)) as csat_average,
        cast(surveys.ces_average as decimal(9, 2)) as ces_average,
        timed.opened_by_touchpoint_key,
        timed.opened_by_rule_id,
        timed.closed_by_touchpoint_key
    from timed
    left join measured
        on timed.journey_phase_key = measured.journey_phase_key
    left join surveys
        on timed.journey_phase_key = surveys.journey_phase_key
)

select * from final
