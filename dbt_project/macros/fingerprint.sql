{# How a fact is carried on account by account, and when it must not be. #}

{# Settings of such a fact, with the hook that takes the touched accounts out before their new rows come in. #}
{% macro rebuilt_by_account(touched) -%}
    {{ config(
        pre_hook="{% if is_incremental() %}delete from {{ this }} where account_key in (select account_key from {{ ref('" ~ touched ~ "') }}){% endif %}",
        **fact_config()
    ) }}
{%- endmacro %}

{# The stored table of that name in the published database; none before it was first built. #}
{% macro stored(name) -%}
    {%- set place = {'database': adapter.dispatch('published_database')() | trim, 'schema': adapter.dispatch('published_schema')() | trim} -%}
    {{ return(adapter.get_relation(identifier=name, **place) if execute else none) }}
{%- endmacro %}

{# True when the stored table may be carried on: it exists, nobody asked for a full refresh, and it was made by the same code and the same
   steward's tables as now. `built` is the model that keeps the fingerprint of the last build that succeeded. #}
{% macro may_carry_on(name, built) -%}
    {%- set kept = adapter.get_relation(database=this.database, schema=this.schema, identifier=built) if execute else none -%}
    {%- if not kept or flags.FULL_REFRESH or not stored(name) -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set then = run_query('select max(fingerprint) as fingerprint from ' ~ kept).columns[0].values()[0] -%}
    {{ return(then == fingerprint(name)) }}
{%- endmacro %}

{# What a model is made by: the checksums of its own code and of everything it is made from, seeds included. Macros have no checksum:
   a change there needs a full refresh. #}
{% macro fingerprint(name) -%}
    {%- set seen = [] -%}
    {%- if execute -%}
        {%- do collect_checksums('model.wegpunkt.' ~ name, seen) -%}
    {%- endif -%}
    {{ return(local_md5(seen | sort | join('|'))) }}
{%- endmacro %}

{% macro collect_checksums(unique_id, seen) -%}
    {%- set node = graph.nodes.get(unique_id) -%}
    {%- if node -%}
        {%- set entry = unique_id ~ '=' ~ node.checksum.checksum -%}
        {%- if entry not in seen -%}
            {%- do seen.append(entry) -%}
            {%- for parent in node.depends_on.nodes | default([]) -%}
                {%- do collect_checksums(parent, seen) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
