select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    subject,
    hs_pipeline,
    hs_pipeline_stage,
    hs_ticket_priority,
    hs_ticket_category,
    closed_date,
    first_agent_reply_date,
    hubspot_owner_id,
    hs_merged_object_ids,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__tickets') }}
where not is_deleted and merged_into is null
