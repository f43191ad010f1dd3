select
    'shopware' as source_system,
    source_instance,
    record_id as source_record_id,
    email,
    first_name,
    last_name,
    status,
    confirmed_at,
    sales_channel_id,
    language_id,
    zip_code,
    city,
    tags,
    custom_fields,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'shopware__newsletter_recipients') }}
where not is_deleted and merged_into is null
