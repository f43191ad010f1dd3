-- State: which phase the account was in at each of its moments. Moments are touchpoints and what time alone brings: the step from purchase
-- to retention some days later, the lapse of an account that no longer orders. Only openers move an account; everything else inherits.
with

evidence as (
    select * from {{ ref('int_journey__evidence') }}
    where account_key <> {{ unknown_key() }}
),

phases as (
    select * from {{ ref('journey_phase') }}
),

lapses as (
    select * from {{ ref('int_journey__lapse') }}
    where account_key <> {{ unknown_key() }}
),

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

numbered as (
    select
        *,
        row_number() over (partition by account_key order by occurred_at, touchpoint_key) as account_touchpoint_number
    from evidence
),

-- The first touchpoint opens whatever it speaks for: an account is never in no phase.
openers as (
    select
        account_key,
        occurred_at,
        touchpoint_key as moment_key,
        journey_phase_rule_id as rule_id,
        touchpoint_phase_code as journey_phase_code,
        1 as moment_rank
    from numbered
    where opens_phase or account_touchpoint_number = 1
    union all
    select
        account_key,
        occurred_at,
        {{ surrogate_key(["'lapse'", 'account_key', 'occurred_at']) }} as moment_key,
        'lapse_' || lapse_code as rule_id,
        'exit' as journey_phase_code,
        0 as moment_rank
    from lapses
),

openers_with_next as (
    select
        openers.*,
        lead(openers.occurred_at) over (
            partition by openers.account_key order by openers.occurred_at, openers.moment_rank, openers.moment_key
        ) as next_opened_at
    from openers
),

by_time as (
    select
        openers_with_next.account_key,
        {{ add_days('openers_with_next.occurred_at', 'phases.auto_next_days') }} as occurred_at,
        {{ surrogate_key(["'time'", 'openers_with_next.moment_key']) }} as moment_key,
        'after_' || openers_with_next.journey_phase_code as rule_id,
        phases.auto_next_phase_code as journey_phase_code,
        0 as moment_rank
    from openers_with_next
    inner join phases
        on openers_with_next.journey_phase_code = phases.journey_phase_code
    cross join run
    where
        phases.auto_next_phase_code is not null
        and {{ add_days('openers_with_next.occurred_at', 'phases.auto_next_days') }}
        < coalesce(openers_with_next.next_opened_at, run.as_of_at)
),

moments as (
    select account_key, occurred_at, moment_key, rule_id, journey_phase_code, moment_rank, true as is_opener, false as is_touchpoint
    from openers
    where moment_rank = 0
    union all
    select account_key, occurred_at, moment_key, rule_id, journey_phase_code, moment_rank, true, false from by_time
    union all
    select
        account_key,
        occurred_at,
        touchpoint_key,
        journey_phase_rule_id,
        case when opens_phase or account_touchpoint_number = 1 then touchpoint_phase_code end,
        1,
        opens_phase or account_touchpoint_number = 1,
        true
    from numbered
),

grouped as (
    select
        *,
        sum(case when is_opener then 1 else 0 end) over (
            partition by account_key order by occurred_at, moment_rank, moment_key
            rows between unbounded preceding and current row
        ) as opener_number
    from moments
),

with_phase as (
    select
        *,
        max(journey_phase_code) over (partition by account_key, opener_number) as account_phase_code
    from grouped
),

with_previous as (
    select
        with_phase.*,
        lag(account_phase_code) over (
            partition by account_key order by occurred_at, moment_rank, moment_key
        ) as previous_phase_code,
        lag(occurred_at) over (
            partition by account_key order by occurred_at, moment_rank, moment_key
        ) as previous_moment_at
    from with_phase
),

-- A visit begins where the phase changes, or where the account was silent for longer than the phase allows: that is a resumption.
visits as (
    select
        with_previous.*,
        with_previous.previous_phase_code is null
        or with_previous.previous_phase_code <> with_previous.account_phase_code
        or {{ days_between('with_previous.previous_moment_at', 'with_previous.occurred_at') }} > phases.inactivity_days
        as starts_visit
    from with_previous
    left join phases
        on with_previous.previous_phase_code = phases.journey_phase_code
),

final as (
    select
        account_key,
        occurred_at,
        moment_key,
        moment_rank,
        is_touchpoint,
        is_opener,
        rule_id,
        account_phase_code,
        starts_visit,
        cast(sum(case when starts_visit then 1 else 0 end) over (
            partition by account_key order by occurred_at, moment_rank, moment_key
            rows between unbounded preceding and current row
        ) as integer) as visit_number
    from visits
)

select * from final
