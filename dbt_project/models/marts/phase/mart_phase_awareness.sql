-- Visits to awareness: how the company heard of us, and when its first person became known.
with

visits as (
    {{ phase_visits('awareness') }}
),

touchpoints as (
    {{ phase_touchpoints('awareness') }}
),

contacts as (
    select contact_key, persona_code, buying_centre_role_code from {{ ref('dim_contact') }}
),

firsts as (
    select
        touchpoints.journey_phase_key,
        touchpoints.touchpoint_type_code,
        touchpoints.channel_code,
        touchpoints.campaign_key,
        contacts.persona_code,
        contacts.buying_centre_role_code
    from touchpoints
    left join contacts
        on touchpoints.contact_key = contacts.contact_key
    where touchpoints.phase_touchpoint_number = 1
),

measured as (
    select
        journey_phase_key,
        sum(case when is_exposure then 1 else 0 end) as exposure_count,
        sum(case when direction = 'inbound' then 1 else 0 end) as inbound_count,
        sum(case when is_content_consumption then 1 else 0 end) as content_count,
        count(distinct channel_code) as channel_count,
        min(case when contact_key is not null then occurred_at end) as known_contact_at
    from touchpoints
    group by journey_phase_key
),

final as (
    select
        {{ visit_columns() }},
        firsts.touchpoint_type_code as first_touchpoint_type_code,
        firsts.channel_code as first_channel_code,
        firsts.campaign_key as first_campaign_key,
        firsts.persona_code as first_persona_code,
        firsts.buying_centre_role_code as first_buying_centre_role_code,
        {{ counted('measured.exposure_count') }} as exposure_count,
        {{ counted('measured.inbound_count') }} as inbound_count,
        {{ counted('measured.content_count') }} as content_count,
        {{ counted('measured.channel_count') }} as channel_count,
        measured.known_contact_at,
        {{ days_between('visits.entered_at', 'measured.known_contact_at') }} as days_to_known_contact,
        visits.visit_number = 1 as is_new_account
    from visits
    left join firsts
        on visits.journey_phase_key = firsts.journey_phase_key
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
)

select * from final
