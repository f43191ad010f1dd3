select
    'odoo' as source_system,
    source_instance,
    record_id as source_record_id,
    rating,
    rating_text,
    feedback,
    consumed,
    partner_id,
    rated_partner_id,
    res_model,
    res_id,
    res_name,
    parent_res_model,
    parent_res_id,
    is_internal,
    created_at,
    written_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'odoo__ratings') }}
where not is_deleted and merged_into is null
