select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    platform,
    order_number,
    ordered_at,
    company,
    zipcode,
    city,
    product_number,
    quantity,
    net,
    currency,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__marketplace_orders') }}
where not is_deleted and merged_into is null
