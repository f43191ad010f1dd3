select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    hs_sku,
    hs_product_type,
    price,
    hs_cost_of_goods_sold,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__products') }}
where not is_deleted and merged_into is null
