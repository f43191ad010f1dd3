select
    'odoo' as source_system,
    source_instance,
    record_id as source_record_id,
    model,
    res_id,
    message_type,
    subtype_id,
    subtype_name,
    subject,
    sent_at,
    email_from,
    author_id,
    parent_id,
    mail_activity_type_id,
    mail_activity_type_name,
    is_internal,
    created_at,
    written_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'odoo__messages') }}
where not is_deleted and merged_into is null
