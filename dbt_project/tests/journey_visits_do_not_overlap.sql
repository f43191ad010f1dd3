-- An account is in one phase at a time: no visit begins before the one before it has ended, and only the last may be open.
with

visits as (
    select
        account_key,
        visit_number,
        entered_at,
        exited_at,
        lead(entered_at) over (partition by account_key order by visit_number) as next_entered_at
    from {{ ref('fct_journey_phase') }}
)

select *
from visits
where
    exited_at < entered_at
    or next_entered_at < entered_at
    or (next_entered_at is not null and (exited_at is null or exited_at > next_entered_at))
