select
    'odoo' as source_system,
    source_instance,
    record_id as source_record_id,
    survey_id,
    survey_name,
    state,
    partner_id,
    email,
    test_entry,
    started_at,
    scoring_percentage,
    scoring_total,
    scoring_success,
    created_at,
    written_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'odoo__survey_responses') }}
where not is_deleted and merged_into is null
