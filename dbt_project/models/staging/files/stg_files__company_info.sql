select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    domain,
    vat_id,
    industry,
    employee_count,
    annual_revenue,
    country,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__company_info') }}
where not is_deleted and merged_into is null
