-- What the company did to be heard: mailings, fairs, webinars and paid campaigns.
with

records as (
    select * from {{ ref('int_campaign__record') }}
),

final as (
    select
        {{ object_key('campaign', 'records.source_system', 'records.source_instance', 'records.source_record_id') }} as campaign_key,
        coalesce(records.campaign_name, 'unnamed') as campaign_name,
        records.campaign_type_code,
        records.channel_code,
        records.started_at,
        records.ended_at,
        {{ reporting_amount('records.cost_amount', 'records.currency_code') }} as cost_amount,
        records.currency_code as original_currency_code,
        records.source_system,
        records.source_instance,
        records.source_object,
        records.source_record_id,
        records.source_updated_at,
        records.loaded_at,
        records.load_id
    from records
    {{ rate_join('records', 'records.started_at', 'cost_amount') }}
)

select * from final
