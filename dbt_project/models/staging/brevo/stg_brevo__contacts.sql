select
    'brevo' as source_system,
    source_instance,
    record_id as source_record_id,
    email,
    first_name,
    last_name,
    company,
    phone,
    double_opt_in,
    opt_in_at,
    ext_id,
    email_blacklisted,
    sms_blacklisted,
    list_ids,
    list_unsubscribed,
    attributes,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'brevo__contacts') }}
where not is_deleted and merged_into is null
