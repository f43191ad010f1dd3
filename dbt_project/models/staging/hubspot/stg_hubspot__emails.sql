select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    hs_timestamp,
    hs_email_subject,
    hs_email_direction,
    hs_email_status,
    hubspot_owner_id,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__emails') }}
where not is_deleted and merged_into is null
