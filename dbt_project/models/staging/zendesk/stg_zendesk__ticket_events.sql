select
    'zendesk' as source_system,
    source_instance,
    record_id as source_record_id,
    ticket_id,
    updater_id,
    event_type,
    via,
    child_events,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'zendesk__ticket_events') }}
where not is_deleted and merged_into is null
