-- The touchpoints of an account are numbered 1 to n; a gap or a repetition means that a window saw only a part of its history.
select
    account_key,
    count(*) as touchpoint_count,
    count(distinct account_touchpoint_number) as number_count,
    min(account_touchpoint_number) as first_number,
    max(account_touchpoint_number) as last_number
from {{ ref('fct_customer_journey') }}
group by account_key
having
    count(*) <> count(distinct account_touchpoint_number)
    or min(account_touchpoint_number) <> 1
    or max(account_touchpoint_number) <> count(*)
