-- Visits to purchase: what was ordered, and how long it took from the deal on the table.
with

visits as (
    {{ phase_visits('purchase') }}
),

touchpoints as (
    {{ phase_touchpoints('purchase') }}
),

cycles as (
    select account_key, journey_cycle_number, started_at, decision_entered_at, contents_before_purchase
    from {{ ref('fct_journey_cycle') }}
),

orders as (
    select distinct journey_phase_key, order_key
    from touchpoints
    where is_conversion and order_key is not null
),

products as (
    select product_key, category_code from {{ ref('dim_product') }}
),

baskets as (
    select
        orders.journey_phase_key,
        count(distinct lines.product_key) as product_count,
        count(distinct products.category_code) as category_count,
        sum(lines.quantity) as quantity
    from orders
    inner join {{ ref('fct_order_line') }} as lines
        on orders.order_key = lines.order_key
    left join products
        on lines.product_key = products.product_key
    where not lines.is_return and not lines.is_cancelled
    group by orders.journey_phase_key
),

measured as (
    select
        journey_phase_key,
        sum(case when is_conversion then 1 else 0 end) as order_count,
        min(case when is_conversion then occurred_at end) as first_ordered_at,
        sum(case when is_conversion then gross_amount end) as gross_amount,
        sum(case when touchpoint_type_code = 'deal_won' then 1 else 0 end) as deal_won_count,
        sum(case when touchpoint_type_code = 'order_cancelled' then 1 else 0 end) as order_cancelled_count,
        sum(case when touchpoint_type_code = 'order_returned' then 1 else 0 end) as order_returned_count
    from touchpoints
    group by journey_phase_key
),

channels as (
    select
        journey_phase_key,
        channel_code,
        row_number() over (partition by journey_phase_key order by occurred_at, touchpoint_key) as order_number
    from touchpoints
    where is_conversion
),

final as (
    select
        {{ visit_columns() }},
        {{ counted('measured.order_count') }} as order_count,
        {{ counted('measured.deal_won_count') }} as deal_won_count,
        {{ counted('measured.order_cancelled_count') }} as order_cancelled_count,
        {{ counted('measured.order_returned_count') }} as order_returned_count,
        {{ money('visits.revenue_amount') }} as net_amount,
        {{ money('measured.gross_amount') }} as gross_amount,
        {{ money('visits.margin_amount') }} as margin_amount,
        {{ counted('baskets.product_count') }} as product_count,
        {{ counted('baskets.category_count') }} as category_count,
        cast(coalesce(baskets.quantity, 0) as decimal(18, 2)) as quantity,
        measured.first_ordered_at,
        channels.channel_code as first_order_channel_code,
        visits.phase_visit_number = 1 as is_first_purchase,
        {{ days_between('cycles.decision_entered_at', 'visits.entered_at') }} as days_from_decision,
        {{ days_between('cycles.started_at', 'visits.entered_at') }} as days_from_cycle_start,
        {{ counted('cycles.contents_before_purchase') }} as contents_before_purchase
    from visits
    left join measured
        on visits.journey_phase_key = measured.journey_phase_key
    left join baskets
        on visits.journey_phase_key = baskets.journey_phase_key
    left join channels
        on visits.journey_phase_key = channels.journey_phase_key and channels.order_number = 1
    left join cycles
        on
            visits.account_key = cycles.account_key
            and visits.journey_cycle_number = cycles.journey_cycle_number
)

select * from final
