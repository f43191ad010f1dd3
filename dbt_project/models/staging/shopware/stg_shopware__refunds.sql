select
    'shopware' as source_system,
    source_instance,
    record_id as source_record_id,
    version_id,
    capture_id,
    transaction_id,
    order_id,
    amount,
    reason,
    external_reference,
    state_id,
    state,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'shopware__refunds') }}
where not is_deleted and merged_into is null
