select
    'brevo' as source_system,
    source_instance,
    record_id as source_record_id,
    contact_id,
    campaign_id,
    event_type,
    occurred_at,
    url,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'brevo__contact_events') }}
where not is_deleted and merged_into is null
