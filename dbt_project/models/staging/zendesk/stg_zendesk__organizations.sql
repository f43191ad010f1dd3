select
    'zendesk' as source_system,
    source_instance,
    record_id as source_record_id,
    external_id,
    name,
    domain_names,
    group_id,
    tags,
    crm_company_id,
    organization_fields,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'zendesk__organizations') }}
where not is_deleted and merged_into is null
