{# Surrogate keys: md5 as 32 hex digits, the same on every engine and in every run. #}

{# Key of the given expressions. A null counts as '~', so that it differs from an empty text. #}
{% macro surrogate_key(parts) -%}
    md5({% for part in parts %}coalesce(cast({{ part }} as {{ dbt.type_string() }}), '~'){% if not loop.last %} || '|' || {% endif %}{% endfor %})
{%- endmacro %}

{# Key of the unknown member: a fact's foreign key is never null where every row must belong somewhere. #}
{% macro unknown_key() -%}
    md5('unknown')
{%- endmacro %}

{# Key of an entity whose only record this is; the resolution mints keys by the same rule from the earliest record of a cluster. #}
{% macro entity_key(entity_type, source_system, source_instance, source_record_id) -%}
    md5('{{ entity_type }}' || '|' || {{ source_system }} || '|' || {{ source_instance }} || '|' || {{ source_record_id }})
{%- endmacro %}

{# Key of a deal, order, case, campaign, product or employee: these are never merged across systems. Null when the id is null. #}
{% macro object_key(object_name, source_system, source_instance, record_id) -%}
    md5('{{ object_name }}' || '|' || {{ source_system }} || '|' || {{ source_instance }} || '|' || {{ record_id }})
{%- endmacro %}

{# Key of a product. Shop, CRM and marketplace know one product by its number, so the number is the identity. #}
{% macro product_key(product_number) -%}
    md5('product|' || lower(trim({{ product_number }})))
{%- endmacro %}
