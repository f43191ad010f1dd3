select
    'odoo' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    login,
    email,
    partner_id,
    sale_team_id,
    sale_team_name,
    share,
    active,
    created_at,
    written_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'odoo__users') }}
where not is_deleted and merged_into is null
