select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    hs_timestamp,
    hs_meeting_title,
    hs_meeting_outcome,
    hs_activity_type,
    hs_meeting_start_time,
    hs_meeting_end_time,
    hubspot_owner_id,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__meetings') }}
where not is_deleted and merged_into is null
