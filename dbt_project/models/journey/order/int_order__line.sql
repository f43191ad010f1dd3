{{ config(materialized='view') }}

-- Order lines of every system that takes orders, still under the vendors' own ids. What was given back is a row with negative amounts.
with

shop_orders as (
    select * from {{ ref('stg_shopware__orders') }}
),

shop_lines as (
    select * from {{ ref('stg_shopware__order_line_items') }}
),

shop_products as (
    select * from {{ ref('stg_shopware__products') }}
),

shop_refunds as (
    select * from {{ ref('stg_shopware__refunds') }}
),

-- What the goods cost does not depend on where they were sold.
shop_costs as (
    select
        lower(trim(product_number)) as product_number,
        max(purchase_price_net) as purchase_price_net
    from shop_products
    group by lower(trim(product_number))
),

marketplace_orders as (
    select * from {{ ref('stg_files__marketplace_orders') }}
),

erp_orders as (
    select * from {{ ref('stg_odoo__sale_orders') }}
),

erp_lines as (
    select * from {{ ref('stg_odoo__sale_order_lines') }}
),

erp_products as (
    select * from {{ ref('stg_odoo__products') }}
),

erp_refunds as (
    select * from {{ ref('stg_odoo__invoices') }}
    where state = 'posted' and move_type = 'out_refund' and invoice_date is not null
),

shopware_lines as (
    select
        {{ conform('order_line', from_record('shop_lines', 'order_line_items', {
            'order_record_id': 'shop_lines.order_id',
            'account_record_id': 'shop_orders.customer_id',
            'contact_record_id': 'shop_orders.customer_id',
            'ordered_at': 'shop_orders.order_date_time',
            'line_number': 'shop_lines.position',
            'product_number': 'coalesce(shop_lines.product_number, shop_products.product_number)',
            'quantity': 'shop_lines.quantity',
            'gross_amount':
                "shop_lines.total_price + case when shop_orders.tax_status = 'net' then coalesce(shop_lines.tax_amount, 0) else 0 end",
            'net_amount':
                "shop_lines.total_price - case when shop_orders.tax_status = 'gross' then coalesce(shop_lines.tax_amount, 0) else 0 end",
            'cost_amount': wide('shop_lines.quantity') ~ ' * shop_products.purchase_price_net',
            'currency_code': 'shop_orders.currency_iso',
            'is_return': 'false',
            'order_state_code':
                "case shop_orders.state when 'cancelled' then 'cancelled' when 'completed' then 'completed' else 'open' end",
            'channel_code': shop_channel('shop_orders.sales_channel_name')
        })) }}
    from shop_lines
    inner join shop_orders
        on shop_lines.source_instance = shop_orders.source_instance and shop_lines.order_id = shop_orders.source_record_id
    left join shop_products
        on shop_lines.source_instance = shop_products.source_instance and shop_lines.product_id = shop_products.source_record_id
    -- Parts of a bundle are priced with their parent line.
    where shop_lines.parent_id is null
),

shopware_refunds as (
    select
        {{ conform('order_line', from_record('shop_refunds', 'refunds', {
            'order_record_id': 'shop_refunds.order_id',
            'account_record_id': 'shop_orders.customer_id',
            'contact_record_id': 'shop_orders.customer_id',
            'ordered_at': 'shop_refunds.created_at',
            'gross_amount': '-shop_refunds.amount',
            'net_amount': '-' ~ wide('shop_refunds.amount') ~ ' * shop_orders.amount_net / nullif(shop_orders.amount_total, 0)',
            'currency_code': 'shop_orders.currency_iso',
            'is_return': 'true',
            'order_state_code': "'completed'",
            'channel_code': shop_channel('shop_orders.sales_channel_name')
        })) }}
    from shop_refunds
    inner join shop_orders
        on shop_refunds.source_instance = shop_orders.source_instance and shop_refunds.order_id = shop_orders.source_record_id
    where shop_refunds.state = 'completed'
),

odoo_lines as (
    select
        {{ conform('order_line', from_record('erp_lines', 'sale_order_lines', {
            'order_record_id': 'erp_lines.order_id',
            'account_record_id': 'erp_orders.partner_id',
            'contact_record_id': 'erp_orders.partner_id',
            'ordered_at': 'erp_orders.date_order',
            'line_number': 'erp_lines.sequence',
            'product_number': 'erp_products.default_code',
            'quantity': 'erp_lines.product_uom_qty',
            'gross_amount': 'erp_lines.price_total',
            'net_amount': 'erp_lines.price_subtotal',
            'cost_amount': wide('erp_lines.product_uom_qty') ~ ' * erp_products.standard_price',
            'currency_code': 'erp_orders.currency_code',
            'is_return': 'false',
            'order_state_code': "case erp_orders.state when 'cancel' then 'cancelled' when 'done' then 'completed' else 'open' end",
            'channel_code': "case when erp_orders.website_id is null then 'sales' else 'own_shop' end",
            'campaign_record_id': "'utm:' || erp_orders.campaign_id"
        })) }}
    from erp_lines
    inner join erp_orders
        on erp_lines.source_instance = erp_orders.source_instance and erp_lines.order_id = erp_orders.source_record_id
    left join erp_products
        on erp_lines.source_instance = erp_products.source_instance and erp_lines.product_id = erp_products.source_record_id
    -- Quotations are no orders, headings and notes no goods, and a down payment is invoiced again with the goods.
    where
        erp_orders.state in ('sale', 'done', 'cancel')
        and erp_orders.date_order is not null
        and erp_lines.display_type is null
        and not coalesce(erp_lines.is_downpayment, false)
),

odoo_refunds as (
    select
        {{ conform('order_line', from_record('erp_refunds', 'invoices', {
            'order_record_id': "'refund:' || erp_refunds.source_record_id",
            'account_record_id': 'erp_refunds.commercial_partner_id',
            'contact_record_id': 'erp_refunds.partner_id',
            'ordered_at': 'cast(erp_refunds.invoice_date as timestamp)',
            'gross_amount': '-erp_refunds.amount_total',
            'net_amount': '-erp_refunds.amount_untaxed',
            'currency_code': 'erp_refunds.currency_code',
            'is_return': 'true',
            'order_state_code': "'completed'",
            'channel_code': "'sales'"
        })) }}
    from erp_refunds
),

files_lines as (
    select
        {{ conform('order_line', from_record('marketplace_orders', 'marketplace_orders', {
            'order_record_id': "marketplace_orders.marketplace || ':' || marketplace_orders.order_number",
            'account_record_id': file_company_id('marketplace_orders.buyer_company', 'marketplace_orders.buyer_zip'),
            'ordered_at': 'marketplace_orders.ordered_at',
            'product_number': 'marketplace_orders.product_number',
            'quantity': 'marketplace_orders.quantity',
            'net_amount': 'marketplace_orders.net_amount',
            'cost_amount': wide('marketplace_orders.quantity') ~ ' * shop_costs.purchase_price_net',
            'currency_code': 'marketplace_orders.currency_code',
            'is_return': 'false',
            'order_state_code': "'completed'",
            'channel_code': "'marketplace'"
        })) }}
    from marketplace_orders
    left join shop_costs
        on lower(trim(marketplace_orders.product_number)) = shop_costs.product_number
)

select * from shopware_lines
union all
select * from shopware_refunds
union all
select * from odoo_lines
union all
select * from odoo_refunds
union all
select * from files_lines
