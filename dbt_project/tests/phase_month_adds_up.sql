-- Over all months the flow is that of the visits, and the touchpoints are those of the journey.
with

months as (
    select
        sum(entered_count) as entered_count,
        sum(resumed_count) as resumed_count,
        sum(touchpoint_count) as touchpoint_count
    from {{ ref('mart_journey_phase_month') }}
),

visits as (
    select
        count(*) as entered_count,
        sum(case when is_resumption then 1 else 0 end) as resumed_count,
        sum(touchpoint_count) as touchpoint_count
    from {{ ref('fct_journey_phase') }}
)

select months.*, visits.entered_count as visits_entered, visits.touchpoint_count as visits_touchpoints
from months
cross join visits
where
    months.entered_count <> visits.entered_count
    or months.resumed_count <> visits.resumed_count
    or months.touchpoint_count <> visits.touchpoint_count
