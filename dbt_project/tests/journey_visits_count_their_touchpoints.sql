-- What the visits count is what the journey holds, visit by visit.
with

counted as (
    select journey_phase_key, count(*) as touchpoint_count
    from {{ ref('fct_customer_journey') }}
    where journey_phase_key is not null
    group by journey_phase_key
)

select visits.journey_phase_key, visits.touchpoint_count, counted.touchpoint_count as counted
from {{ ref('fct_journey_phase') }} as visits
full outer join counted
    on visits.journey_phase_key = counted.journey_phase_key
where coalesce(visits.touchpoint_count, 0) <> coalesce(counted.touchpoint_count, 0) or visits.journey_phase_key is null
