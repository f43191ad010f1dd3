select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    month,
    channel,
    campaign,
    cost,
    currency,
    impressions,
    clicks,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__ad_spend') }}
where not is_deleted and merged_into is null
