select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    from_type,
    from_id,
    to_type,
    to_id,
    type_id,
    label,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__associations') }}
where not is_deleted and merged_into is null
