-- Products as the scores read them.
select
    product_key,
    product_name,
    category_code,
    product_family,
    unit_price_amount as unit_price,
    is_active
from {{ ref('dim_product') }}
