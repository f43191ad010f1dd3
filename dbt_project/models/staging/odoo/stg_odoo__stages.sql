select
    'odoo' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    sequence,
    is_won,
    fold,
    team_id,
    created_at,
    written_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'odoo__stages') }}
where not is_deleted and merged_into is null
