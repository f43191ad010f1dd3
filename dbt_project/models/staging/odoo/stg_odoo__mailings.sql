select
    'odoo' as source_system,
    source_instance,
    record_id as source_record_id,
    subject,
    state,
    mailing_type,
    campaign_id,
    campaign_name,
    medium_id,
    medium_name,
    source_id,
    source_name,
    user_id,
    sent_at,
    scheduled_at,
    active,
    created_at,
    written_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'odoo__mailings') }}
where not is_deleted and merged_into is null
