select
    'zendesk' as source_system,
    source_instance,
    record_id as source_record_id,
    external_id,
    name,
    email,
    phone,
    role,
    organization_id,
    active,
    suspended,
    verified,
    locale,
    tags,
    user_fields,
    last_login_at,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'zendesk__users') }}
where not is_deleted and merged_into is null
