select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    campaign,
    channel,
    spent_on,
    impressions,
    clicks,
    cost_amount,
    currency_code,
    file_name,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__ad_spend') }}
where not is_deleted and merged_into is null
