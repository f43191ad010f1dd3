select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    hs_timestamp,
    hs_call_title,
    hs_call_direction,
    hs_call_disposition,
    hs_call_status,
    hs_call_duration,
    hubspot_owner_id,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__calls') }}
where not is_deleted and merged_into is null
