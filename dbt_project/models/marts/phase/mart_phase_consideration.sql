-- Visits to consideration: what was read and attended, by how many people in how many roles, and how much it took until the purchase.
with

visits as (
    {{ phase_visits('consideration') }}
),

touchpoints as (
    {{ phase_touchpoints('consideration') }}
),

contacts as (
    select contact_key, persona_code from {{ ref('dim_contact') }}
),

cycles as (
    select account_key, journey_cycle_number, contents_before_purchase, resumption_count, converted_at
    from {{ ref('fct_journey_cycle') }}
),

measured as (
    select
        touchpoints.journey_phase_key,
        sum(case when touchpoints.is_content_consumption then 1 else 0 end) as content_count,
        count(distinct case when touchpoints.is_content_consumption then touchpoints.touchpoint_type_code end) as content_type_count,
        sum(case when touchpoints.touchpoint_type_code = 'webinar_attended' then 1 else 0 end) as webinar_count,
        sum(case when touchpoints.touchpoint_type_code = 'newsletter_clicked' then 1 else 0 end) as newsletter_click_count,
        sum(case when touchpoints.touchpoint_type_code in ('meeting_held', 'demo_held') then 1 else 0 end) as meeting_count,
        sum(case when touchpoints.direction = 'inbound' then 1 else 0 end) as inbound_count,
        count(distinct contacts.persona_code) as persona_count,
        sum(touchpoints.value_points) as value_points
    from touchpoints
    left join contacts
        on touchpoints.contact_key = contacts.contact_key
    group by touchpoints.journey_phase_key
),

final as (
    select
        {{ visit_columns() }},
        {{ counted('measured.content_count') }} as content_count,
        {{ counted('measured.content_type_count') }} as content_type_count,
        {{ counted('measured.webinar_count') }} as webinar_count,
        {{ counted('measured.newsletter_click_count') }} as newsletter_click_count,
        {{ counted('measured.meeting_count') }} as meeting_count,
        {{ counted('measured.inbound_count') }} as inbound_count,
        {{ counted('measured.persona_count') }} as persona_count,
        {{ money('measured.value_points') }} as value_points,
        case when cycles.converted_at is not null then cycles.contents_before_purchase end as contents_before_purchase,
        case when cycles.converted_at is not null then cycles.contents_before_purchase > 11 end as has_more_than_11_contents,
        {{ counted('cycles.resumption_count') }} as cycle_resumption_count,
        visits.idle_days_max
    from visits
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
    left join cycles
        on
            visits.account_key = cycles.account_key
            and visits.journey_cycle_number = cycles.journey_cycle_number
)

select * from final
