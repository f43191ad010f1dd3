-- Visits to decision: deals on the table, what moved them, and who of the buying centre took part.
with

visits as (
    {{ phase_visits('decision') }}
),

touchpoints as (
    {{ phase_touchpoints('decision') }}
),

contacts as (
    select contact_key, buying_centre_role_code from {{ ref('dim_contact') }}
),

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

measured as (
    select
        touchpoints.journey_phase_key,
        count(distinct touchpoints.opportunity_key) as deal_count,
        sum(case when touchpoints.touchpoint_type_code = 'quote_sent' then 1 else 0 end) as quote_count,
        sum(case when touchpoints.touchpoint_type_code = 'meeting_held' then 1 else 0 end) as meeting_count,
        sum(case when touchpoints.touchpoint_type_code = 'demo_held' then 1 else 0 end) as demo_count,
        sum(case when touchpoints.touchpoint_type_code in ('call_inbound', 'call_outbound') then 1 else 0 end) as call_count,
        sum(case when touchpoints.touchpoint_type_code = 'deal_stage_entered' then 1 else 0 end) as deal_stage_count,
        sum(case when touchpoints.touchpoint_type_code = 'deal_lost' then 1 else 0 end) as deal_lost_count,
        max(case when contacts.buying_centre_role_code = 'decider' then 1 else 0 end) = 1 as is_decider_engaged
    from touchpoints
    left join contacts
        on touchpoints.contact_key = contacts.contact_key
    group by touchpoints.journey_phase_key
),

final as (
    select
        {{ visit_columns() }},
        {{ counted('measured.deal_count') }} as deal_count,
        {{ counted('measured.quote_count') }} as quote_count,
        {{ counted('measured.meeting_count') }} as meeting_count,
        {{ counted('measured.demo_count') }} as demo_count,
        {{ counted('measured.call_count') }} as call_count,
        {{ counted('measured.deal_stage_count') }} as deal_stage_count,
        {{ counted('measured.deal_lost_count') }} as deal_lost_count,
        coalesce(measured.is_decider_engaged, false) as is_decider_engaged,
        coalesce(visits.next_phase_code = 'purchase', false) as is_won,
        visits.last_touchpoint_at,
        {{ days_between('visits.last_touchpoint_at', 'coalesce(visits.exited_at, run.as_of_at)') }} as days_since_last_touchpoint
    from visits
    cross join run
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
)

select * from final
