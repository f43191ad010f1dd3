select
    'shopware' as source_system,
    source_instance,
    record_id as source_record_id,
    entity_name,
    referenced_id,
    referenced_version_id,
    state_machine,
    from_state,
    to_state,
    transition_action_name,
    user_id,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'shopware__state_history') }}
where not is_deleted and merged_into is null
