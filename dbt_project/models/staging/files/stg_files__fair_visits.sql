select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    fair,
    visited_on,
    company,
    first_name,
    last_name,
    email,
    phone,
    street,
    zip,
    city,
    topic,
    file_name,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__fair_visits') }}
where not is_deleted and merged_into is null
