{{ config(materialized='view') }}

-- Products as each system knows them, one row per live source record that has a product number.
with

shop_products as (
    select * from {{ ref('stg_shopware__products') }}
),

erp_products as (
    select * from {{ ref('stg_odoo__products') }}
),

crm_products as (
    select * from {{ ref('stg_hubspot__products') }}
),

shopware as (
    select
        {{ conform('product', from_record('shop_products', 'products', {
            'product_number': 'shop_products.product_number',
            'product_name': 'shop_products.name',
            'category_code': "lower(" ~ json_text(json_first('shop_products.categories'), 'name') ~ ")",
            'product_family': json_text('shop_products.custom_fields', 'product_family'),
            'unit_price': 'shop_products.price_net',
            'unit_cost': 'shop_products.purchase_price_net',
            'currency_code': "'" ~ var('reporting_currency') ~ "'",
            'is_active': 'coalesce(shop_products.active, true)'
        })) }}
    from shop_products
),

odoo as (
    select
        {{ conform('product', from_record('erp_products', 'products', {
            'product_number': 'erp_products.default_code',
            'product_name': 'erp_products.name',
            'category_code': 'lower(erp_products.categ_name)',
            'unit_price': 'erp_products.lst_price',
            'unit_cost': 'erp_products.standard_price',
            'currency_code': 'erp_products.currency_code',
            'is_active': 'coalesce(erp_products.active, true)'
        })) }}
    from erp_products
    where erp_products.default_code is not null
),

hubspot as (
    select
        {{ conform('product', from_record('crm_products', 'products', {
            'product_number': 'crm_products.hs_sku',
            'product_name': 'crm_products.name',
            'unit_price': 'crm_products.price',
            'unit_cost': 'crm_products.hs_cost_of_goods_sold',
            'is_active': 'true'
        })) }}
    from crm_products
    where crm_products.hs_sku is not null
)

select * from shopware
union all
select * from odoo
union all
select * from hubspot
