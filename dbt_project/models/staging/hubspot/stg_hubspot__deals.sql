select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    dealname,
    pipeline,
    dealstage,
    deal_currency_code,
    dealtype,
    closed_lost_reason,
    amount,
    closedate,
    hs_is_closed,
    hs_is_closed_won,
    hs_is_closed_lost,
    hubspot_owner_id,
    hs_merged_object_ids,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__deals') }}
where not is_deleted and merged_into is null
