select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    provider_id,
    name,
    domain,
    vat_id,
    register_no,
    street,
    zip,
    city,
    country,
    industry,
    employee_count,
    annual_revenue,
    valid_from,
    file_name,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__company_info') }}
where not is_deleted and merged_into is null
