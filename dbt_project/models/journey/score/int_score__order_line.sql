-- Order lines as the scores read them: known accounts, nothing cancelled.
select
    lines.account_key,
    lines.order_key,
    lines.ordered_on,
    lines.product_key,
    products.category_code,
    lines.quantity,
    lines.net_amount,
    lines.is_return
from {{ ref('fct_order_line') }} as lines
left join {{ ref('dim_product') }} as products
    on lines.product_key = products.product_key
where
    not lines.is_cancelled
    and lines.account_key <> {{ unknown_key() }}
    and lines.net_amount is not null
