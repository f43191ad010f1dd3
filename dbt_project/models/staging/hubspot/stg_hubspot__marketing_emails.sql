select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    subject,
    state,
    type,
    campaign_id,
    published_at,
    stats,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__marketing_emails') }}
where not is_deleted and merged_into is null
