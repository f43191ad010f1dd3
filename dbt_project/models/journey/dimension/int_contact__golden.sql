-- One row per person: of each attribute the first known value, by the precedence of the systems and then by the latest change.
-- Holds names and addresses, therefore it is never published; activation reads it under its own guard.
with

records as (
    select * from {{ ref('int_contact__record') }}
),

contact_map as (
    select * from {{ ref('int_identity__contact_map') }}
),

systems as (
    select source_system, precedence from {{ ref('source_system') }}
),

ranked as (
    select
        contact_map.contact_key,
        records.*,
        {{ country_code('records.country') }} as country_code,
        row_number() over (
            partition by contact_map.contact_key
            order by
                systems.precedence, records.updated_at desc nulls last, records.source_instance, records.source_record_id
        ) as precedence_rank
    from records
    inner join contact_map
        on
            records.source_system = contact_map.source_system
            and records.source_instance = contact_map.source_instance
            and records.source_record_id = contact_map.source_record_id
    inner join systems
        on records.source_system = systems.source_system
    {{ country_join('records.country') }}
),

golden as (
    select
        contact_key,
        {{ first_known('first_name', 'precedence_rank') }} as first_name,
        {{ first_known('last_name', 'precedence_rank') }} as last_name,
        {{ first_known('email', 'precedence_rank') }} as email,
        {{ first_known('phone', 'precedence_rank') }} as phone,
        {{ first_known('job_title', 'precedence_rank') }} as job_title,
        {{ first_known('department', 'precedence_rank') }} as department,
        {{ first_known('seniority_code', 'precedence_rank') }} as seniority_code,
        {{ first_known('persona_code', 'precedence_rank') }} as persona_code,
        {{ first_known('buying_centre_role_code', 'precedence_rank') }} as buying_centre_role_code,
        {{ first_known('language_code', 'precedence_rank') }} as language_code,
        {{ first_known('country_code', 'precedence_rank') }} as country_code,
        {{ first_known(object_key('employee', 'source_system', 'source_instance', 'owner_record_id'), 'precedence_rank') }}
            as contact_owner_key,
        coalesce({{ first_known('is_active', 'precedence_rank') }}, true) as is_active,
        min(created_at) as created_at,
        max(updated_at) as source_updated_at,
        max(loaded_at) as loaded_at,
        {{ first_known('source_system', 'precedence_rank') }} as source_system,
        {{ first_known('source_instance', 'precedence_rank') }} as source_instance,
        {{ first_known('source_record_id', 'precedence_rank') }} as source_record_id,
        cast(count(*) as integer) as source_record_count,
        cast(count(distinct source_system) as integer) as source_system_count
    from ranked
    group by contact_key
),

final as (
    select
        *,
        {{ email_domain('email') }} as email_domain,
        email is not null as has_email,
        phone is not null as has_phone
    from golden
)

select * from final
