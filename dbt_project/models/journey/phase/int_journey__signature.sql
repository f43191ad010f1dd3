-- What the phase rules look at, one narrow row per touchpoint: kinds of touchpoints are many times fewer than touchpoints.
with

touchpoints as (
    select
        touchpoint_key,
        account_key,
        occurred_at,
        source_system,
        touchpoint_type_code,
        opportunity_key,
        order_key,
        sentiment_code
    from {{ ref('int_touchpoint__unioned') }}
),

lines as (
    select * from {{ ref('fct_order_line') }}
    where not is_cancelled and not is_return
),

products as (
    select
        product_key,
        category_code,
        coalesce(product_family, category_code) as family,
        unit_price_amount
    from {{ ref('dim_product') }}
),

consumables as (
    select category_code from {{ ref('consumable_category') }}
),

order_numbers as (
    select
        account_key,
        order_key,
        row_number() over (partition by account_key order by min(ordered_at), order_key) as account_order_number
    from lines
    group by account_key, order_key
),

-- Consumables and spare parts are left out: whoever orders another kind of screw does not grow.
bought as (
    select
        lines.account_key,
        lines.order_key,
        products.family,
        max(products.unit_price_amount) as unit_price_amount,
        min(lines.ordered_at) as ordered_at
    from lines
    inner join products
        on lines.product_key = products.product_key
    left join consumables
        on products.category_code = consumables.category_code
    where consumables.category_code is null
    group by lines.account_key, lines.order_key, products.family
),

compared as (
    select
        account_key,
        order_key,
        row_number() over (partition by account_key, family order by ordered_at, order_key) = 1 as is_new_family,
        unit_price_amount > max(unit_price_amount) over (
            partition by account_key, family order by ordered_at, order_key
            rows between unbounded preceding and 1 preceding
        ) as is_bigger_model
    from bought
),

-- An order with a family that the account never bought, or with a dearer model than it has. The first order of all is none: it only
-- fulfils the deal.
expanding_orders as (
    select distinct compared.account_key, compared.order_key
    from compared
    inner join order_numbers
        on compared.account_key = order_numbers.account_key and compared.order_key = order_numbers.order_key
    where order_numbers.account_order_number > 1 and (compared.is_new_family or compared.is_bigger_model)
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

-- The deal behind the first purchase is often closed days after the order: it expands nothing. One that was opened with a customer does.
opened_deals as (
    select account_key, opportunity_key, min(occurred_at) as opened_at
    from touchpoints
    where opportunity_key is not null and touchpoint_type_code = 'deal_created'
    group by account_key, opportunity_key
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
        case
            when expanding_orders.order_key is not null then 'true'
            when opened_deals.opened_at > conversions.customer_since_at then 'true'
            else 'false'
        end as is_expansion,
        coalesce(touchpoints.sentiment_code, 'none') as sentiment_code
    from touchpoints
    left join conversions
        on touchpoints.account_key = conversions.account_key and conversions.conversion_number = 1
    left join expanding_orders
        on
            touchpoints.account_key = expanding_orders.account_key
            and touchpoints.order_key = expanding_orders.order_key
    left join opened_deals
        on
            touchpoints.account_key = opened_deals.account_key
            and touchpoints.opportunity_key = opened_deals.opportunity_key
)

select * from final
