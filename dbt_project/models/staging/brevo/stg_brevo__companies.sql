select
    'brevo' as source_system,
    source_instance,
    record_id as source_record_id,
    name,
    domain,
    phone,
    industry,
    owner,
    linked_contacts_ids,
    linked_deals_ids,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'brevo__companies') }}
where not is_deleted and merged_into is null
