-- What the phase rules look at, one narrow row per touchpoint: kinds of touchpoints are many times fewer than touchpoints.
with

touchpoints as (
    select
        touchpoint_key,
        account_key,
        occurred_at,
        source_system,
        touchpoint_type_code,
        order_key,
        sentiment_code
    from {{ ref('int_touchpoint__unioned') }}
),

lines as (
    select * from {{ ref('fct_order_line') }}
    where not is_cancelled and not is_return
),

products as (
    select product_key, category_code from {{ ref('dim_product') }}
),

bought as (
    select
        lines.account_key,
        lines.order_key,
        products.category_code,
        min(lines.ordered_at) as ordered_at
    from lines
    left join products
        on lines.product_key = products.product_key
    group by lines.account_key, lines.order_key, products.category_code
),

first_of_category as (
    select
        account_key,
        order_key,
        row_number() over (partition by account_key, category_code order by ordered_at, order_key) as category_order_number,
        dense_rank() over (partition by account_key order by ordered_at, order_key) as account_order_number
    from bought
),

-- An order with a category that the account never bought before. The first order of all is none: it only fulfils the deal.
expanding_orders as (
    select distinct account_key, order_key
    from first_of_category
    where category_order_number = 1 and account_order_number > 1
),

-- The first order or won deal makes a customer. It is itself a prospect's; what happened in the same moment is a customer's.
conversions as (
    select
        touchpoints.account_key,
        touchpoints.touchpoint_key,
        touchpoints.occurred_at as customer_since_at,
        row_number() over (partition by touchpoints.account_key order by touchpoints.occurred_at, touchpoints.touchpoint_key) as conversion_number
    from touchpoints
    inner join {{ ref('touchpoint_type') }} as types
        on touchpoints.touchpoint_type_code = types.touchpoint_type_code
    where types.is_conversion or touchpoints.touchpoint_type_code = 'deal_won'
),

final as (
    select
        touchpoints.touchpoint_key,
        touchpoints.account_key,
        touchpoints.occurred_at,
        touchpoints.source_system,
        touchpoints.touchpoint_type_code,
        case
            when conversions.customer_since_at is null or touchpoints.occurred_at < conversions.customer_since_at then 'prospect'
            when touchpoints.touchpoint_key = conversions.touchpoint_key then 'prospect'
            else 'customer'
        end as account_lifecycle_code,
        case when expanding_orders.order_key is null then 'false' else 'true' end as is_expansion,
        coalesce(touchpoints.sentiment_code, 'none') as sentiment_code
    from touchpoints
    left join conversions
        on touchpoints.account_key = conversions.account_key and conversions.conversion_number = 1
    left join expanding_orders
        on
            touchpoints.account_key = expanding_orders.account_key
            and touchpoints.order_key = expanding_orders.order_key
)

select * from final
