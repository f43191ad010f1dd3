{# Where a relation lives follows from its name: readers meet dim_, fct_, bridge_ and mart_ only, and they lie in the published
   database; everything else is the pipeline's own and stays in the build database under the schema of its folder. #}

{% macro is_published(name) %}
    {{- return(name.split('_')[0] in ['dim', 'fct', 'bridge', 'mart']) -}}
{% endmacro %}

{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if node.resource_type == 'model' and is_published(node.name) -%}
        {{ adapter.dispatch('published_schema')() }}
    {%- else -%}
        {{ (custom_schema_name or target.schema) | trim }}
    {%- endif -%}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {%- if node is not none and node.resource_type == 'model' and is_published(node.name) -%}
        {{ adapter.dispatch('published_database')() }}
    {%- else -%}
        {{ (custom_database_name or target.database) | trim }}
    {%- endif -%}
{%- endmacro %}

{% macro default__published_database() %}{{ target.database }}{% endmacro %}
{% macro duckdb__published_database() %}pub{% endmacro %}
{% macro default__published_schema() %}marts{% endmacro %}
{% macro duckdb__published_schema() %}main{% endmacro %}

{# The table of vendors' pages exists even when nobody configured an address. #}
{% macro ensure_record_links() -%}
    create table if not exists {{ target.database }}.ops.record_link (
        source_system {{ text_type() }}, source_instance {{ text_type() }}, source_object {{ text_type() }}, url_template {{ text_type() }}
    )
{%- endmacro %}
