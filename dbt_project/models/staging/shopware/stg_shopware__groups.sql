select
    'shopware' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    display_gross,
    registration_active,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'shopware__groups') }}
where not is_deleted and merged_into is null
