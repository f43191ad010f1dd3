select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    hs_sku,
    price,
    hs_cost_of_goods_sold,
    hs_product_type,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__products') }}
where not is_deleted and merged_into is null
