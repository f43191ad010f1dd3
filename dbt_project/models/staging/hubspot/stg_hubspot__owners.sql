select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    email,
    first_name,
    last_name,
    user_id,
    teams,
    archived,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__owners') }}
where not is_deleted and merged_into is null
