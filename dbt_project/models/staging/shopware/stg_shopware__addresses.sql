select
    'shopware' as source_system,
    source_instance,
    record_id as source_record_id,
    customer_id,
    company,
    department,
    first_name,
    last_name,
    street,
    zipcode,
    city,
    country_id,
    country_iso,
    phone_number,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'shopware__addresses') }}
where not is_deleted and merged_into is null
