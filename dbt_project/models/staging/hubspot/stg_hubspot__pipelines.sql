select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    pipeline_id,
    pipeline_label,
    stage_id,
    stage_label,
    object_type,
    display_order,
    is_closed,
    is_won,
    probability,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__pipelines') }}
where not is_deleted and merged_into is null
