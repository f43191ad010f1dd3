select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    hs_timestamp,
    hs_task_subject,
    hs_task_status,
    hs_task_type,
    hs_task_completion_date,
    hubspot_owner_id,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__tasks') }}
where not is_deleted and merged_into is null
