-- State: which phase the account was in at each of its moments. Moments are touchpoints and what time alone brings: the step from purchase
-- to retention some days later, the lapse of an account that no longer orders. Only openers move an account; everything else
-- inherits.
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

types as (
    select * from {{ ref('touchpoint_type') }}
),

-- The first touchpoint opens whatever it speaks for: an account is never in no phase. So does an order after a lapse: the account is back.
numbered as (
    select
        evidence.*,
        coalesce(types.is_conversion, false) as is_conversion,
        evidence.opens_phase
        or lapses.returned_on is not null
        or row_number() over (partition by evidence.account_key order by evidence.occurred_at, evidence.touchpoint_key) = 1 as may_open,
        {{ days_between(
            'lag(evidence.occurred_at) over (partition by evidence.account_key order by evidence.occurred_at, evidence.touchpoint_key)',
            'evidence.occurred_at'
        ) }} as silent_days
    from evidence
    left join types
        on evidence.touchpoint_type_code = types.touchpoint_type_code
    left join lapses
        on
            evidence.account_key = lapses.account_key
            and case when types.is_conversion then cast(evidence.occurred_at as date) end = lapses.returned_on
),

patience as (
    select
        min(inactivity_days) as silence_days,
        min(phase_order) as first_phase_order
    from phases
    where phase_group_code = 'pre_purchase'
),

-- Before the purchase an account does not fall back with every e-mail: within a spell it only goes forward. A spell ends with a lost deal,
-- with a long silence and with whatever belongs to a later phase; then the account shows anew where it is. Only the first phase does not
-- come back: nobody hears of us for the first time twice.
spells as (
    select
        numbered.*,
        phases.phase_order,
        phases.phase_group_code = 'pre_purchase' as is_before_purchase,
        phases.phase_order = patience.first_phase_order as is_first_phase,
        sum(case
            when numbered.touchpoint_type_code = 'deal_lost' then 1
            when numbered.silent_days > patience.silence_days then 1
            when numbered.may_open and phases.phase_group_code <> 'pre_purchase' then 1
            else 0
        end) over (
            partition by numbered.account_key order by numbered.occurred_at, numbered.touchpoint_key
            rows between unbounded preceding and current row
        ) as spell_number
    from numbered
    cross join patience
    inner join phases
        on numbered.touchpoint_phase_code = phases.journey_phase_code
),

judged as (
    select
        *,
        may_open and not coalesce(is_before_purchase and phase_order < max(case when may_open and is_before_purchase then phase_order end) over (
            partition by account_key, spell_number order by occurred_at, touchpoint_key
            rows between unbounded preceding and 1 preceding
        ), false)
        and not coalesce(is_first_phase and phase_order < max(case when may_open then phase_order end) over (
            partition by account_key order by occurred_at, touchpoint_key
            rows between unbounded preceding and 1 preceding
        ), false) as is_mover
    from spells
),

opened as (
    select
        *,
        sum(case when is_mover then 1 else 0 end) over (
            partition by account_key order by occurred_at, touchpoint_key
            rows between unbounded preceding and current row
        ) as mover_number
    from judged
),

since as (
    select
        *,
        min(occurred_at) over (partition by account_key, mover_number) as moved_at,
        max(case when is_mover then touchpoint_phase_code end) over (partition by account_key, mover_number) as moved_phase_code
    from opened
),

-- Growth and advocacy last until the everyday is back: an order like any other, some weeks later, opens the phase that it speaks for.
settled as (
    select
        since.*,
        since.is_mover or coalesce(
            since.is_conversion and {{ days_between('since.moved_at', 'since.occurred_at') }} >= moved_phases.settles_after_days, false
        ) as is_opener
    from since
    left join phases as moved_phases
        on since.moved_phase_code = moved_phases.journey_phase_code
),

openers as (
    select
        account_key,
        occurred_at,
        touchpoint_key as moment_key,
        journey_phase_rule_id as rule_id,
        touchpoint_phase_code as journey_phase_code,
        1 as moment_rank
    from settled
    where is_opener
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

-- Growth and advocacy end with the first routine order some time after they began.
by_order as (
    select
        openers_with_next.account_key,
        min(numbered.occurred_at) as occurred_at,
        {{ surrogate_key(["'order'", 'openers_with_next.moment_key']) }} as moment_key,
        min('routine_after_' || openers_with_next.journey_phase_code) as rule_id,
        min(phases.return_phase_code) as journey_phase_code,
        0 as moment_rank
    from openers_with_next
    inner join phases
        on openers_with_next.journey_phase_code = phases.journey_phase_code
    inner join numbered
        on
            openers_with_next.account_key = numbered.account_key
            and numbered.occurred_at > {{ add_days('openers_with_next.occurred_at', 'phases.return_after_days') }}
            and (openers_with_next.next_opened_at is null or openers_with_next.next_opened_at > numbered.occurred_at)
    where
        phases.return_phase_code is not null
        and not numbered.opens_phase
        and numbered.touchpoint_type_code in ('order_placed', 'marketplace_order')
    group by openers_with_next.account_key, openers_with_next.moment_key
),

moments as (
    select account_key, occurred_at, moment_key, rule_id, journey_phase_code, moment_rank, true as is_opener, false as is_touchpoint
    from openers
    where moment_rank = 0
    union all
    select account_key, occurred_at, moment_key, rule_id, journey_phase_code, moment_rank, true, false from by_time
    union all
    select account_key, occurred_at, moment_key, rule_id, journey_phase_code, moment_rank, true, false from by_order
    union all
    select
        account_key,
        occurred_at,
        touchpoint_key,
        journey_phase_rule_id,
        case when is_opener then touchpoint_phase_code end,
        1,
        is_opener,
        true
    from settled
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
        lag(with_phase.account_phase_code) over (
            partition by with_phase.account_key order by with_phase.occurred_at, with_phase.moment_rank, with_phase.moment_key
        ) as previous_phase_code,
        lag(with_phase.occurred_at) over (
            partition by with_phase.account_key order by with_phase.occurred_at, with_phase.moment_rank, with_phase.moment_key
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
