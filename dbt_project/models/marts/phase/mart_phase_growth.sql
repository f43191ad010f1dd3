-- Visits to growth: orders beyond what the account used to buy, deals about more, and how much of the range it owns by then.
with

visits as (
    {{ phase_visits('growth') }}
),

touchpoints as (
    {{ phase_touchpoints('growth') }}
),

products as (
    select product_key, category_code, is_active from {{ ref('dim_product') }}
),

catalogue as (
    select count(distinct case when is_active and category_code <> 'unknown' then category_code end) as category_count from products
),

first_buys as (
    select
        lines.account_key,
        lines.product_key,
        products.category_code,
        min(lines.ordered_at) as first_ordered_at
    from {{ ref('fct_order_line') }} as lines
    inner join products
        on lines.product_key = products.product_key
    where not lines.is_return and not lines.is_cancelled
    group by lines.account_key, lines.product_key, products.category_code
),

first_categories as (
    select account_key, category_code, min(first_ordered_at) as first_ordered_at
    from first_buys
    where category_code <> 'unknown'
    group by account_key, category_code
),

owned_products as (
    select
        visits.journey_phase_key,
        count(*) as product_count,
        sum(case when first_buys.first_ordered_at >= visits.entered_at then 1 else 0 end) as new_product_count
    from visits
    inner join first_buys
        on
            visits.account_key = first_buys.account_key
            and (visits.exited_at is null or visits.exited_at > first_buys.first_ordered_at)
    group by visits.journey_phase_key
),

owned_categories as (
    select
        visits.journey_phase_key,
        count(*) as category_count,
        sum(case when first_categories.first_ordered_at >= visits.entered_at then 1 else 0 end) as new_category_count
    from visits
    inner join first_categories
        on
            visits.account_key = first_categories.account_key
            and (visits.exited_at is null or visits.exited_at > first_categories.first_ordered_at)
    group by visits.journey_phase_key
),

measured as (
    select
        journey_phase_key,
        sum(case when is_conversion then 1 else 0 end) as order_count,
        sum(case when is_conversion and touchpoint_phase_code = 'growth' then 1 else 0 end) as expansion_order_count,
        sum(case when is_conversion and touchpoint_phase_code = 'growth' then net_amount end) as expansion_amount,
        sum(case when touchpoint_type_code = 'deal_created' then 1 else 0 end) as deal_created_count,
        sum(case when touchpoint_type_code = 'deal_won' then 1 else 0 end) as deal_won_count,
        sum(case when touchpoint_type_code = 'deal_lost' then 1 else 0 end) as deal_lost_count
    from touchpoints
    group by journey_phase_key
),

final as (
    select
        {{ visit_columns() }},
        {{ counted('measured.order_count') }} as order_count,
        {{ money('visits.revenue_amount') }} as net_amount,
        {{ money('visits.margin_amount') }} as margin_amount,
        {{ counted('measured.expansion_order_count') }} as expansion_order_count,
        {{ money('measured.expansion_amount') }} as expansion_amount,
        {{ counted('measured.deal_created_count') }} as deal_created_count,
        {{ counted('measured.deal_won_count') }} as deal_won_count,
        {{ counted('measured.deal_lost_count') }} as deal_lost_count,
        {{ counted('owned_products.product_count') }} as products_owned_count,
        {{ counted('owned_products.new_product_count') }} as new_product_count,
        {{ counted('owned_categories.category_count') }} as categories_owned_count,
        {{ counted('owned_categories.new_category_count') }} as new_category_count,
        cast(catalogue.category_count as integer) as catalogue_category_count
    from visits
    cross join catalogue
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
    left join owned_products
        on visits.journey_phase_key = owned_products.journey_phase_key
    left join owned_categories
        on visits.journey_phase_key = owned_categories.journey_phase_key
)

select * from final
