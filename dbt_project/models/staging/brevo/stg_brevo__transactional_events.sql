select
    'brevo' as source_system,
    source_instance,
    record_id as source_record_id,
    email,
    event,
    message_id,
    occurred_at,
    subject,
    tag,
    reason,
    link,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'brevo__transactional_events') }}
where not is_deleted and merged_into is null
