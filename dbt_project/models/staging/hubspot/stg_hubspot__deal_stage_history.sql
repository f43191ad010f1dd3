select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    deal_id,
    stage_id,
    entered_at,
    source_type,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__deal_stage_history') }}
where not is_deleted and merged_into is null
