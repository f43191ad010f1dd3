{{ config(materialized='table') }}

-- One row per visit of an account to a phase: when it began and ended, and how.
with

state as (
    select * from {{ ref('int_journey__state') }}
),

phases as (
    select * from {{ ref('journey_phase') }}
),

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

moments as (
    select
        *,
        row_number() over (partition by account_key, visit_number order by occurred_at, moment_rank, moment_key) as moment_number,
        {{ days_between(
            'lag(occurred_at) over (partition by account_key, visit_number order by occurred_at, moment_rank, moment_key)', 'occurred_at'
        ) }} as idle_days
    from state
),

aggregated as (
    select
        account_key,
        visit_number,
        min(account_phase_code) as journey_phase_code,
        min(occurred_at) as entered_at,
        max(occurred_at) as last_touchpoint_at,
        min(case when moment_number = 1 then moment_key end) as opened_by_touchpoint_key,
        min(case when moment_number = 1 then rule_id end) as opened_by_rule_id,
        cast(sum(case when is_touchpoint then 1 else 0 end) as integer) as touchpoint_count,
        cast(count(distinct cast(occurred_at as date)) as integer) as active_days,
        cast(coalesce(max(idle_days), 0) as integer) as idle_days_max
    from moments
    group by account_key, visit_number
),

neighbours as (
    select
        aggregated.*,
        lag(aggregated.journey_phase_code) over (partition by aggregated.account_key order by aggregated.visit_number) as previous_phase_code,
        lead(aggregated.journey_phase_code) over (partition by aggregated.account_key order by aggregated.visit_number) as next_phase_code,
        lead(aggregated.entered_at) over (partition by aggregated.account_key order by aggregated.visit_number) as next_entered_at,
        lead(aggregated.opened_by_touchpoint_key) over (partition by aggregated.account_key order by aggregated.visit_number) as closed_by_touchpoint_key,
        row_number() over (partition by aggregated.account_key, aggregated.journey_phase_code order by aggregated.visit_number) as phase_visit_number,
        -- A cycle ends with a purchase or an exit; what follows belongs to the next.
        1 + coalesce(sum(case when aggregated.journey_phase_code in ('purchase', 'exit') then 1 else 0 end) over (
            partition by aggregated.account_key order by aggregated.visit_number rows between unbounded preceding and 1 preceding
        ), 0) as journey_cycle_number
    from aggregated
),

judged as (
    select
        neighbours.*,
        phases.phase_order,
        phases.target_days,
        phases.inactivity_days as inactivity_threshold_days,
        next_phases.phase_order as next_phase_order,
        previous_phases.phase_order as previous_phase_order,
        phases.is_terminal,
        {{ days_between('neighbours.last_touchpoint_at', 'coalesce(neighbours.next_entered_at, run.as_of_at)') }} > phases.inactivity_days
        and not phases.is_terminal as is_abandoned,
        run.as_of_at
    from neighbours
    cross join run
    inner join phases
        on neighbours.journey_phase_code = phases.journey_phase_code
    left join phases as next_phases
        on neighbours.next_phase_code = next_phases.journey_phase_code
    left join phases as previous_phases
        on neighbours.previous_phase_code = previous_phases.journey_phase_code
),

final as (
    select
        {{ surrogate_key(['account_key', 'opened_by_touchpoint_key']) }} as journey_phase_key,
        account_key,
        cast(journey_cycle_number as integer) as journey_cycle_number,
        visit_number,
        journey_phase_code,
        cast(phase_visit_number as integer) as phase_visit_number,
        previous_phase_code,
        next_phase_code,
        entered_at,
        last_touchpoint_at,
        case
            when is_abandoned then {{ add_days('last_touchpoint_at', 'inactivity_threshold_days') }}
            else next_entered_at
        end as exited_at,
        next_entered_at is null as is_current,
        case
            when is_abandoned then 'abandoned'
            when next_entered_at is null then 'open'
            when next_phase_code = 'exit' then 'exited'
            when next_phase_order < phase_order then 'regressed'
            else 'advanced'
        end as outcome_code,
        previous_phase_code is not null and previous_phase_code = journey_phase_code as is_resumption,
        previous_phase_order is not null and phase_order - previous_phase_order > 1 and journey_phase_code <> 'exit' as is_skipped_entry,
        target_days,
        inactivity_threshold_days,
        opened_by_touchpoint_key,
        opened_by_rule_id,
        closed_by_touchpoint_key,
        touchpoint_count,
        active_days,
        idle_days_max,
        as_of_at
    from judged
)

select * from final
