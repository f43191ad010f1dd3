select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    webinar,
    held_at,
    company,
    first_name,
    last_name,
    email,
    attended,
    minutes,
    file_name,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__webinar_attendance') }}
where not is_deleted and merged_into is null
