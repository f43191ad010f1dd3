{{ config(materialized='view') }}

-- What the newsletter tool tells: what was sent to whom and what they did with it.
with

events as (
    select * from {{ ref('stg_brevo__contact_events') }}
),

final as (
    select
        {{ touchpoint('events', 'contact_events', 'event', {
            'event_type': 'events.event_type',
            'touchpoint_type_code': brevo_touchpoint_type('events.event_type'),
            'occurred_at': 'events.occurred_at',
            'contact_record_id': 'events.contact_id',
            'campaign_record_id': "nullif(events.campaign_id, 'none')",
            'consent_basis_code': "case when events.event_type in ('sent', 'delivered') then 'consent' end",
            'source_metadata': json_object_text({'url': 'events.url'})
        }) }}
    from events
)

select * from final
