select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    webinar,
    topic,
    held_at,
    email,
    first_name,
    last_name,
    company,
    attended,
    minutes,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__webinar_attendance') }}
where not is_deleted and merged_into is null
