select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    fair,
    visited_on,
    scanned_at,
    company,
    first_name,
    last_name,
    email,
    phone,
    zipcode,
    city,
    interest,
    note,
    newsletter,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__fair_visits') }}
where not is_deleted and merged_into is null
