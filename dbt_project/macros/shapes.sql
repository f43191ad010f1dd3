{# The shapes in which every vendor's records meet. A vendor names only what it knows; the rest is null of the right type.
   Ids are the vendor's own (…_record_id): who they are is decided once, by the joins of macros/mapped.sql. #}

{% macro shape(name) -%}
    {%- set t = text_type() -%}
    {%- set origin = {'source_system': t, 'source_instance': t, 'source_object': t, 'source_record_id': t} -%}
    {%- set load = {'source_updated_at': 'timestamp', 'loaded_at': 'timestamp', 'load_id': t} -%}
    {%- set whose = {'account_record_id': t, 'contact_record_id': t} -%}
    {%- set entity = {
        'source_system': t, 'source_instance': t, 'source_record_id': t, 'email': t, 'phone': t, 'street': t, 'postcode': t, 'city': t,
        'country': t, 'linked_system': t, 'linked_instance': t, 'linked_record_id': t, 'owner_record_id': t
    } -%}
    {%- set seen = {'created_at': 'timestamp', 'updated_at': 'timestamp', 'loaded_at': 'timestamp'} -%}
    {%- set shapes = {
        'account': dict(entity, name=t, legal_form=t, vat_id=t, register_no=t, domain=t, parent_record_id=t, industry_code=t,
            employee_count='bigint', annual_revenue_amount='decimal(18, 2)', segment_code=t, account_type_code=t, account_class_code=t,
            has_running_contract='boolean', renewal_on='date', is_blocked='boolean', exit_reason_code=t, **seen),
        'contact': dict(entity, first_name=t, last_name=t, account_record_id=t, job_title=t, department=t, seniority_code=t,
            persona_code=t, buying_centre_role_code=t, language_code=t, is_active='boolean', **seen),
        'contact_account': {'source_system': t, 'source_instance': t, 'contact_record_id': t, 'account_record_id': t,
            'relation_type': t, 'is_primary': 'boolean', 'updated_at': 'timestamp'},
        'touchpoint': dict(origin, event_type=t, touchpoint_type_code=t, occurred_at='timestamp', **dict(whose,
            opportunity_record_id=t, order_record_id=t, case_record_id=t, campaign_record_id=t, product_number=t, employee_record_id=t,
            opportunity_stage_category=t, gross_amount='decimal(18, 2)', net_amount='decimal(18, 2)', margin_amount='decimal(18, 2)',
            currency_code=t, duration_seconds='bigint', rating_value='decimal(9, 2)', rating_scale=t, sentiment_code=t,
            consent_basis_code=t, source_metadata=t, **load)),
        'order_line': dict(origin, order_record_id=t, **dict(whose, ordered_at='timestamp', line_number='bigint', product_number=t,
            quantity='decimal(18, 4)', gross_amount='decimal(18, 4)', net_amount='decimal(18, 4)', cost_amount='decimal(18, 4)',
            currency_code=t, is_return='boolean', order_state_code=t, channel_code=t, campaign_record_id=t, **load)),
        'service_case': dict(origin, **dict(whose, employee_record_id=t, case_type_code=t, priority_code=t, status_code=t,
            channel_code=t, is_complaint='boolean', opened_at='timestamp', first_replied_at='timestamp', solved_at='timestamp',
            reopened_count='bigint', reply_count='bigint', satisfaction_code=t, **load)),
        'survey_response': dict(origin, **dict(whose, case_record_id=t, survey_type_code=t, responded_at='timestamp',
            score='decimal(9, 2)', score_min='decimal(9, 2)', score_max='decimal(9, 2)', sentiment_code=t, has_comment='boolean', **load)),
        'consent': dict(origin, **dict(whose, purpose_code=t, channel_code=t, is_granted='boolean', legal_basis_code=t,
            statement_code=t, stated_at='timestamp', **load)),
        'campaign': dict(origin, campaign_name=t, campaign_type_code=t, channel_code=t, started_at='timestamp', ended_at='timestamp',
            cost_amount='decimal(18, 2)', currency_code=t, **load),
        'product': dict(origin, product_number=t, product_name=t, category_code=t, product_family=t, unit_price='decimal(18, 4)',
            unit_cost='decimal(18, 4)', currency_code=t, is_active='boolean', **load)
    } -%}
    {{ return(shapes[name]) }}
{%- endmacro %}

{# The select list of one shape. `known` maps column to expression; a name that the shape does not have stops the build. #}
{% macro conform(shape_name, known) -%}
    {%- set columns = shape(shape_name) -%}
    {%- for name in known if name not in columns -%}
        {{ exceptions.raise_compiler_error("conform: '" ~ name ~ "' is no column of the shape '" ~ shape_name ~ "'; use one of " ~ columns.keys() | join(', ')) }}
    {%- endfor -%}
    {%- for name, type in columns.items() %}
    cast({{ known.get(name, 'null') }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Origin and load columns of a row that stems from one staging record. The source object is the stream's name, so that
   raw.<source_system>__<source_object> is where the row comes from. #}
{% macro from_record(alias, source_object, known) -%}
    {{ return(dict({
        'source_system': alias ~ '.source_system', 'source_instance': alias ~ '.source_instance', 'source_object': "'" ~ source_object ~ "'",
        'source_record_id': alias ~ '.source_record_id', 'source_updated_at': alias ~ '.source_updated_at',
        'loaded_at': alias ~ '.loaded_at', 'load_id': alias ~ '.load_id'
    }, **known)) }}
{%- endmacro %}

{# A touchpoint told by one staging record. `event_type` tells apart several touchpoints of the same record. #}
{% macro touchpoint(alias, source_object, event_type, known) -%}
    {{ conform('touchpoint', from_record(alias, source_object, dict({'event_type': "'" ~ event_type ~ "'"}, **known))) }}
{%- endmacro %}

{# An account or contact told by one staging record. #}
{% macro entity_record(shape_name, alias, known) -%}
    {{ conform(shape_name, dict({
        'source_system': alias ~ '.source_system', 'source_instance': alias ~ '.source_instance',
        'source_record_id': alias ~ '.source_record_id', 'created_at': alias ~ '.created_at',
        'updated_at': alias ~ '.source_updated_at', 'loaded_at': alias ~ '.loaded_at'
    }, **known)) }}
{%- endmacro %}

{# The one instance of a vendor; null when several are read, because then a carried foreign id does not say which it means. #}
{% macro only_instance(staging_model) -%}
    (select min(source_instance) from {{ ref(staging_model) }} having count(distinct source_instance) = 1)
{%- endmacro %}

{# Host of a web address, folded: 'https://www.Example.de/shop' -> 'example.de'; null where there is none. #}
{% macro web_domain(expression) -%}
    nullif(split_part(split_part({{ rx_replace('lower(trim(' ~ expression ~ '))', '^(https?://)?(www[.])?', '') }}, '/', 1), ':', 1), '')
{%- endmacro %}
