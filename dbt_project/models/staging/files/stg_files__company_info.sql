select
    'files' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    register_no,
    vat_id,
    street,
    zipcode,
    city,
    employees,
    industry,
    as_of,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'files__company_info') }}
where not is_deleted and merged_into is null
