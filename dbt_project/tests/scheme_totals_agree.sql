-- Every scheme names every phase once, so a total under any scheme is the total of the eight phases.
with

phase_totals as (
    select journey_phase_code, count(*) as visit_count
    from {{ ref('fct_journey_phase') }}
    group by journey_phase_code
),

house as (
    select sum(visit_count) as visit_count from phase_totals
),

schemes as (
    select dim.scheme_code, sum(phase_totals.visit_count) as visit_count
    from {{ ref('dim_journey_phase') }} as dim
    inner join phase_totals
        on dim.journey_phase_code = phase_totals.journey_phase_code
    group by dim.scheme_code
)

select schemes.scheme_code, schemes.visit_count, house.visit_count as house_count
from schemes
cross join house
where schemes.visit_count <> house.visit_count
