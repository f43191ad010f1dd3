select
    'brevo' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    subject,
    type,
    status,
    tag,
    sent_at,
    scheduled_at,
    lists,
    sent,
    delivered,
    unique_views,
    unique_clicks,
    unsubscriptions,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'brevo__campaigns') }}
where not is_deleted and merged_into is null
