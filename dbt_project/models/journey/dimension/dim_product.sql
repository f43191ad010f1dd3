-- What is sold: one row per product number over all systems, the shop's words before the ERP's and the CRM's.
with

records as (
    select * from {{ ref('int_product__record') }}
),

systems as (
    select
        source_system,
        case system_kind when 'shop' then 0 else precedence end as precedence
    from {{ ref('source_system') }}
),

-- A marketplace may sell a number that no catalogue lists: it still is a product.
sold as (
    select
        product_number,
        min(ordered_at) as first_ordered_at
    from {{ ref('int_order__line') }}
    where product_number is not null
    group by product_number
),

ranked as (
    select
        {{ product_key('records.product_number') }} as product_key,
        records.*,
        row_number() over (
            partition by {{ product_key('records.product_number') }}
            order by
                systems.precedence, records.source_updated_at desc nulls last, records.source_instance, records.source_record_id
        ) as precedence_rank
    from records
    inner join systems
        on records.source_system = systems.source_system
),

catalogued as (
    select
        product_key,
        {{ first_known('product_number', 'precedence_rank') }} as product_number,
        {{ first_known('product_name', 'precedence_rank') }} as product_name,
        {{ first_known('category_code', 'precedence_rank') }} as category_code,
        {{ first_known('product_family', 'precedence_rank') }} as product_family,
        {{ first_known('unit_price', 'precedence_rank') }} as unit_price,
        {{ first_known('unit_cost', 'precedence_rank') }} as unit_cost,
        {{ first_known('currency_code', 'precedence_rank') }} as currency_code,
        bool_or(is_active) as is_active,
        {{ first_known('source_system', 'precedence_rank') }} as source_system,
        {{ first_known('source_instance', 'precedence_rank') }} as source_instance,
        {{ first_known('source_record_id', 'precedence_rank') }} as source_record_id,
        max(source_updated_at) as source_updated_at,
        max(loaded_at) as loaded_at
    from ranked
    group by product_key
),

uncatalogued as (
    select
        {{ product_key('sold.product_number') }} as product_key,
        min(sold.product_number) as product_number
    from sold
    left join catalogued
        on {{ product_key('sold.product_number') }} = catalogued.product_key
    where catalogued.product_key is null
    group by {{ product_key('sold.product_number') }}
),

final as (
    select
        product_key,
        product_number,
        coalesce(product_name, product_number) as product_name,
        coalesce(category_code, 'unknown') as category_code,
        product_family,
        cast(unit_price as decimal(18, 2)) as unit_price_amount,
        cast(unit_cost as decimal(18, 2)) as unit_cost_amount,
        currency_code,
        is_active,
        true as is_catalogued,
        source_system,
        source_instance,
        source_record_id,
        source_updated_at,
        loaded_at
    from catalogued
    union all
    select
        product_key, product_number, product_number as product_name, 'unknown', null, null, null, null, false, false, null, null, null, null, null
    from uncatalogued
)

select
    product_key, product_number, product_name, category_code, product_family, unit_price_amount, unit_cost_amount, currency_code,
    is_active, is_catalogued, source_system, source_instance, source_record_id, source_updated_at, loaded_at
from final
