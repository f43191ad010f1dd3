{# Choosing one value of a group. #}

{# The first value that is not null, by ascending rank; ranks within the group must differ for the answer to be the same each time. #}
{% macro first_known(value, rank) %}{{ return(adapter.dispatch('first_known')(value, rank)) }}{% endmacro %}
{% macro default__first_known(value, rank) %}(array_agg({{ value }} order by {{ rank }}) filter (where {{ value }} is not null))[1]{% endmacro %}
{% macro duckdb__first_known(value, rank) %}arg_min({{ value }}, case when {{ value }} is not null then {{ rank }} end){% endmacro %}
{% macro spark__first_known(value, rank) %}min_by({{ value }}, case when {{ value }} is not null then {{ rank }} end){% endmacro %}
