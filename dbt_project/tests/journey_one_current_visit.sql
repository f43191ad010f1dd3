-- Every account with a touchpoint is in exactly one phase now.
with

journeys as (
    select distinct account_key
    from {{ ref('fct_customer_journey') }}
    where account_key <> {{ unknown_key() }}
),

currents as (
    select account_key, sum(case when is_current then 1 else 0 end) as current_count
    from {{ ref('fct_journey_phase') }}
    group by account_key
)

select journeys.account_key, currents.current_count
from journeys
left join currents
    on journeys.account_key = currents.account_key
where coalesce(currents.current_count, 0) <> 1
