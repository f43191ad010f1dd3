select
    'zendesk' as source_system,
    source_instance,
    record_id as source_record_id,
    ticket_id,
    metric,
    instance_id,
    type,
    occurred_at,
    status_calendar_minutes,
    status_business_minutes,
    sla,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'zendesk__ticket_metric_events') }}
where not is_deleted and merged_into is null
