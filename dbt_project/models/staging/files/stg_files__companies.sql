-- Companies that some file names. A name in two files is one company when the postcode is the same too.
{%- set named = {
    'fair_visits': {
        'name': 'company', 'email': 'email', 'zip': 'zip', 'city': 'city', 'street': 'street', 'phone': 'phone', 'seen_at': 'visited_on'
    },
    'webinar_attendance': {'name': 'company', 'email': 'email', 'seen_at': 'held_at'},
    'marketplace_orders': {
        'name': 'buyer_company', 'email': 'buyer_email', 'vat_id': 'buyer_vat_id', 'zip': 'buyer_zip', 'city': 'buyer_city',
        'street': 'buyer_street', 'seen_at': 'ordered_at'
    },
    'company_info': {
        'name': 'name', 'domain': 'domain', 'vat_id': 'vat_id', 'register_no': 'register_no', 'zip': 'zip', 'city': 'city',
        'street': 'street', 'country': 'country', 'industry': 'industry', 'employee_count': 'employee_count',
        'annual_revenue': 'annual_revenue', 'seen_at': 'valid_from'
    }
} %}
with

named as (
    {% for stream, known in named.items() -%}
    select
        source_system,
        source_instance,
        {% for column in ['name', 'email', 'domain', 'vat_id', 'register_no', 'phone', 'street', 'zip', 'city', 'country', 'industry'] -%}
        cast({{ known.get(column, 'null') }} as {{ text_type() }}) as {{ column }},
        {% endfor -%}
        cast({{ known.get('employee_count', 'null') }} as bigint) as employee_count,
        cast({{ known.get('annual_revenue', 'null') }} as decimal(18, 2)) as annual_revenue,
        cast({{ known['seen_at'] }} as timestamp) as seen_at,
        source_updated_at,
        loaded_at
    from {{ ref('stg_files__' ~ stream) }}
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

addressed as (
    select
        named.*,
        {{ file_company_id('named.name', 'named.zip') }} as source_record_id,
        coalesce(
            {{ web_domain('named.domain') }},
            case when free_mail.domain is null then {{ email_domain('named.email') }} end
        ) as known_domain
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
        case when count(distinct known_domain) = 1 then min(known_domain) end as domain,
        max(register_no) as register_no,
        max(vat_id) as vat_id,
        max(phone) as phone,
        max(street) as street,
        max(zip) as zip,
        max(city) as city,
        max(country) as country,
        max(industry) as industry,
        max(employee_count) as employee_count,
        max(annual_revenue) as annual_revenue,
        min(seen_at) as created_at,
        max(source_updated_at) as source_updated_at,
        max(loaded_at) as loaded_at
    from addressed
    group by source_system, source_instance, source_record_id
)

select * from final
