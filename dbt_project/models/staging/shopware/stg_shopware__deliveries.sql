select
    'shopware' as source_system,
    source_instance,
    record_id as source_record_id,
    version_id,
    order_id,
    shipping_method_id,
    shipping_method_name,
    shipping_date_earliest,
    shipping_date_latest,
    shipping_total,
    tracking_codes,
    state_id,
    state,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'shopware__deliveries') }}
where not is_deleted and merged_into is null
