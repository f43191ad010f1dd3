select
    'zendesk' as source_system,
    source_instance,
    record_id as source_record_id,
    ticket_id,
    requester_id,
    assignee_id,
    group_id,
    score,
    reason,
    comment,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'zendesk__satisfaction_ratings') }}
where not is_deleted and merged_into is null
