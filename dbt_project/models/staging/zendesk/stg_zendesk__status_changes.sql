-- One row per change of a ticket's status, taken out of the ticket events, whose changes are a list.
with

changes as (
    {{ json_rows(ref('stg_zendesk__ticket_events'),
                 ['source_system', 'source_instance', 'source_record_id', 'ticket_id', 'created_at', 'source_updated_at', 'loaded_at', 'load_id'],
                 'child_events') }}
),

parsed as (
    select
        *,
        {{ json_text('element', 'id') }} as change_id,
        {{ json_text('element', 'status') }} as to_status,
        {{ json_text('element', 'previous_value') }} as from_status
    from changes
)

select
    source_system,
    source_instance,
    source_record_id || ':' || coalesce(change_id, to_status) as source_record_id,
    ticket_id,
    from_status,
    to_status,
    created_at,
    source_updated_at,
    loaded_at,
    load_id
from parsed
where to_status is not null
