select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    marketplace,
    order_number,
    ordered_at,
    buyer_company,
    buyer_email,
    buyer_vat_id,
    buyer_zip,
    buyer_city,
    buyer_street,
    product_number,
    quantity,
    net_amount,
    currency_code,
    file_name,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__marketplace_orders') }}
where not is_deleted and merged_into is null
