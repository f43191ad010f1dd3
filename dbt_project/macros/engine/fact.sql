{# How a fact is rebuilt for the accounts that were touched. Engines that cannot delete rows replace partitions instead. #}

{% macro fact_config(unique_key='account_key') %}{{ return(adapter.dispatch('fact_config')(unique_key)) }}{% endmacro %}
{% macro default__fact_config(unique_key) %}
    {{ return({'materialized': 'incremental', 'incremental_strategy': 'delete+insert', 'unique_key': unique_key,
               'on_schema_change': 'fail'}) }}
{% endmacro %}
{% macro spark__fact_config(unique_key) %}
    {{ return({'materialized': 'incremental', 'incremental_strategy': 'insert_overwrite', 'partition_by': ['account_bucket'],
               'file_format': 'parquet', 'on_schema_change': 'fail'}) }}
{% endmacro %}

{# The column by which touched rows are replaced as a whole. #}
{% macro scope_key() %}{{ return(adapter.dispatch('scope_key')()) }}{% endmacro %}
{% macro default__scope_key() %}account_key{% endmacro %}
{% macro spark__scope_key() %}account_bucket{% endmacro %}

{# First hex digit of the md5 of the key: the same bucket on every engine. #}
{% macro account_bucket(key) -%}left(md5({{ key }}), 1){%- endmacro %}

{# Median and quantile of a group; decimal is up to the caller. Exact; keep it to small marts (Spark's weak spot). #}
{% macro median(expression) -%}percentile_cont(0.5) within group (order by {{ expression }}){%- endmacro %}
{% macro quantile(expression, share) -%}percentile_cont({{ share }}) within group (order by {{ expression }}){%- endmacro %}
