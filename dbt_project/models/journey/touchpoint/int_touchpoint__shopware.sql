{{ config(materialized='view') }}

-- What the shop tells: registrations, orders and what becomes of them, refunds, the newsletter's double opt-in.
with

customers as (
    select * from {{ ref('stg_shopware__customers') }}
),

orders as (
    select * from {{ ref('stg_shopware__orders') }}
),

order_costs as (
    select
        source_instance,
        order_record_id,
        sum(cost_amount) as cost_amount
    from {{ ref('int_order__line') }}
    where source_system = 'shopware' and not is_return
    group by source_instance, order_record_id
),

deliveries as (
    select * from {{ ref('stg_shopware__deliveries') }}
),

state_changes as (
    select * from {{ ref('stg_shopware__state_history') }}
),

refunds as (
    select * from {{ ref('stg_shopware__refunds') }}
),

recipients as (
    select * from {{ ref('stg_shopware__newsletter_recipients') }}
),

registered as (
    select
        {{ touchpoint('customers', 'customers', 'registered', {
            'touchpoint_type_code': "'shop_registered'",
            'occurred_at': 'customers.created_at',
            'account_record_id': 'customers.source_record_id',
            'contact_record_id': 'customers.source_record_id'
        }) }}
    from customers
    where not coalesce(customers.guest, false)
),

ordered as (
    select
        {{ touchpoint('orders', 'orders', 'ordered', {
            'touchpoint_type_code': "'order_placed'",
            'occurred_at': 'orders.order_date_time',
            'account_record_id': 'orders.customer_id',
            'contact_record_id': 'orders.customer_id',
            'order_record_id': 'orders.source_record_id',
            'gross_amount': 'orders.amount_total',
            'net_amount': 'orders.amount_net',
            'margin_amount': 'orders.amount_net - order_costs.cost_amount',
            'currency_code': 'orders.currency_iso',
            'source_metadata': json_object_text({'order_number': 'orders.order_number', 'sales_channel': 'orders.sales_channel_name'})
        }) }}
    from orders
    left join order_costs
        on orders.source_instance = order_costs.source_instance and orders.source_record_id = order_costs.order_record_id
    where orders.state <> 'cancelled'
),

-- An order that was cancelled is no purchase; what remains is that it was called off.
cancelled as (
    select
        {{ touchpoint('orders', 'orders', 'cancelled', {
            'touchpoint_type_code': "'order_cancelled'",
            'occurred_at': 'coalesce(orders.source_updated_at, orders.order_date_time)',
            'account_record_id': 'orders.customer_id',
            'contact_record_id': 'orders.customer_id',
            'order_record_id': 'orders.source_record_id'
        }) }}
    from orders
    where orders.state = 'cancelled'
),

delivery_changes as (
    select
        {{ touchpoint('state_changes', 'state_history', 'delivery', {
            'touchpoint_type_code': "case state_changes.to_state when 'shipped' then 'order_shipped' else 'order_returned' end",
            'occurred_at': 'state_changes.created_at',
            'account_record_id': 'orders.customer_id',
            'contact_record_id': 'orders.customer_id',
            'order_record_id': 'deliveries.order_id'
        }) }}
    from state_changes
    inner join deliveries
        on state_changes.source_instance = deliveries.source_instance and state_changes.referenced_id = deliveries.source_record_id
    inner join orders
        on deliveries.source_instance = orders.source_instance and deliveries.order_id = orders.source_record_id
    where state_changes.entity_name = 'order_delivery' and state_changes.to_state in ('shipped', 'returned')
),

refunded as (
    select
        {{ touchpoint('refunds', 'refunds', 'refunded', {
            'touchpoint_type_code': "'refund_issued'",
            'occurred_at': 'refunds.created_at',
            'account_record_id': 'orders.customer_id',
            'contact_record_id': 'orders.customer_id',
            'order_record_id': 'orders.source_record_id',
            'gross_amount': '-refunds.amount',
            'net_amount': '-' ~ wide('refunds.amount') ~ ' * orders.amount_net / nullif(orders.amount_total, 0)',
            'currency_code': 'orders.currency_iso'
        }) }}
    from refunds
    inner join orders
        on refunds.source_instance = orders.source_instance and refunds.order_id = orders.source_record_id
    where refunds.state = 'completed'
),

subscribed as (
    select
        {{ touchpoint('recipients', 'newsletter_recipients', 'subscribed', {
            'touchpoint_type_code': "'newsletter_subscribed'",
            'occurred_at': 'coalesce(recipients.confirmed_at, recipients.created_at)',
            'contact_record_id': "'newsletter_recipient:' || recipients.source_record_id",
            'consent_basis_code': "'consent'"
        }) }}
    from recipients
    where recipients.status in ('optIn', 'direct') or recipients.confirmed_at is not null
),

unsubscribed as (
    select
        {{ touchpoint('recipients', 'newsletter_recipients', 'unsubscribed', {
            'touchpoint_type_code': "'newsletter_unsubscribed'",
            'occurred_at': 'coalesce(recipients.source_updated_at, recipients.created_at)',
            'contact_record_id': "'newsletter_recipient:' || recipients.source_record_id"
        }) }}
    from recipients
    where recipients.status = 'optOut'
)

select * from registered
union all
select * from ordered
union all
select * from cancelled
union all
select * from delivery_changes
union all
select * from refunded
union all
select * from subscribed
union all
select * from unsubscribed
