-- Lines of orders in the company's own shop, on marketplaces and through sales; returns are rows of their own with negative amounts.
with

lines as (
    select * from {{ ref('int_order__line') }}
),

final as (
    select
        {{ surrogate_key(['lines.source_system', 'lines.source_instance', 'lines.source_object', 'lines.source_record_id']) }} as order_line_key,
        {{ object_key('order', 'lines.source_system', 'lines.source_instance', 'lines.order_record_id') }} as order_key,
        {{ mapped_account_key() }} as account_key,
        {{ mapped_contact_key() }} as contact_key,
        {{ product_key('lines.product_number') }} as product_key,
        {{ object_key('campaign', 'lines.source_system', 'lines.source_instance', 'lines.campaign_record_id') }} as campaign_key,
        lines.ordered_at,
        cast(lines.ordered_at as date) as ordered_on,
        {{ date_key('lines.ordered_at') }} as ordered_date_key,
        lines.channel_code,
        lines.order_state_code,
        lines.order_state_code = 'cancelled' as is_cancelled,
        lines.is_return,
        cast(lines.line_number as integer) as line_number,
        cast(lines.quantity as decimal(18, 2)) as quantity,
        {{ reporting_amount('lines.gross_amount', 'lines.currency_code') }} as gross_amount,
        {{ reporting_amount('lines.net_amount', 'lines.currency_code') }} as net_amount,
        {{ reporting_amount('lines.cost_amount', 'lines.currency_code') }} as cost_amount,
        cast(
            {{ reporting_amount('lines.net_amount', 'lines.currency_code') }}
            - {{ reporting_amount('lines.cost_amount', 'lines.currency_code') }} as decimal(18, 2)
        ) as margin_amount,
        lines.currency_code as original_currency_code,
        cast(lines.net_amount as decimal(18, 2)) as original_net_amount,
        lines.source_system,
        lines.source_instance,
        lines.source_object,
        lines.source_record_id,
        lines.source_updated_at,
        lines.loaded_at,
        lines.load_id
    from lines
    {{ map_joins('lines') }}
    {{ rate_join('lines', 'lines.ordered_at', 'net_amount') }}
)

select * from final
