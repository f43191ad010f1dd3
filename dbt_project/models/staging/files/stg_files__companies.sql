-- Companies that some file names. A name in two files is one company when the postcode is the same too.
with

named as (
    select
        source_system, source_instance, company as name, zipcode, city, phone, email, cast(null as {{ text_type() }}) as street,
        cast(null as {{ text_type() }}) as register_no, cast(null as {{ text_type() }}) as vat_id, cast(null as integer) as employees,
        cast(null as {{ text_type() }}) as industry, cast(visited_on as timestamp) as created_at, source_updated_at, loaded_at
    from {{ ref('stg_files__fair_visits') }}
    union all
    select
        source_system, source_instance, company, null, null, null, email, null, null, null, null, null, held_at, source_updated_at, loaded_at
    from {{ ref('stg_files__webinar_attendance') }}
    union all
    select
        source_system, source_instance, company, zipcode, city, null, null, null, null, null, null, null, ordered_at, source_updated_at, loaded_at
    from {{ ref('stg_files__marketplace_orders') }}
    union all
    select
        source_system, source_instance, name, zipcode, city, null, null, street, register_no, vat_id, employees, industry,
        cast(as_of as timestamp), source_updated_at, loaded_at
    from {{ ref('stg_files__company_info') }}
),

addressed as (
    select
        named.*,
        {{ file_company_id('named.name', 'named.zipcode') }} as source_record_id,
        case when free_mail.domain is null then {{ email_domain('named.email') }} end as domain
    from named
    left join {{ ref('free_mail_domain') }} as free_mail
        on {{ email_domain('named.email') }} = free_mail.domain
    where trim(named.name) <> ''
),

final as (
    select
        source_system,
        source_instance,
        source_record_id,
        min(name) as name,
        -- Visitors who name one company but write from two are no evidence of its domain.
        case when count(distinct domain) = 1 then min(domain) end as domain,
        max(register_no) as register_no,
        max(vat_id) as vat_id,
        max(phone) as phone,
        max(street) as street,
        max(zipcode) as zipcode,
        max(city) as city,
        max(employees) as employees,
        max(industry) as industry,
        min(created_at) as created_at,
        max(source_updated_at) as source_updated_at,
        max(loaded_at) as loaded_at
    from addressed
    group by source_system, source_instance, source_record_id
)

select * from final
