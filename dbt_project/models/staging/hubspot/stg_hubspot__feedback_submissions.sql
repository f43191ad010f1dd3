select
    'hubspot' as source_system,
    source_instance,
    record_id as source_record_id,
    hs_survey_type,
    hs_survey_name,
    hs_value,
    hs_contact_id,
    hs_ingestion_id,
    hs_content,
    hs_submission_timestamp,
    created_at,
    updated_at as source_updated_at,
    loaded_at,
    load_id
from {{ source('raw', 'hubspot__feedback_submissions') }}
where not is_deleted and merged_into is null
