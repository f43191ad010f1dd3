{# Time arithmetic. Engines disagree on datediff (boundaries or full units) and on date minus date (number or interval). #}

{# Whole seconds from a to b, floor; bigint; null when either is null. #}
{% macro seconds_between(a, b) %}{{ return(adapter.dispatch('seconds_between')(a, b)) }}{% endmacro %}
{% macro default__seconds_between(a, b) %}cast(floor(extract(epoch from ({{ b }} - {{ a }}))) as bigint){% endmacro %}
{% macro duckdb__seconds_between(a, b) %}cast(floor((epoch_us({{ b }}) - epoch_us({{ a }})) / 1000000) as bigint){% endmacro %}
{% macro spark__seconds_between(a, b) %}cast(floor((unix_micros({{ b }}) - unix_micros({{ a }})) / 1000000) as bigint){% endmacro %}

{# Calendar days from a to b; integer; timestamps count by their date. #}
{% macro days_between(a, b) %}{{ return(adapter.dispatch('days_between')(a, b)) }}{% endmacro %}
{% macro default__days_between(a, b) %}cast(cast({{ b }} as date) - cast({{ a }} as date) as integer){% endmacro %}
{% macro duckdb__days_between(a, b) %}cast(cast({{ b }} as date) - cast({{ a }} as date) as integer){% endmacro %}
{% macro spark__days_between(a, b) %}datediff(cast({{ b }} as date), cast({{ a }} as date)){% endmacro %}

{# Timestamp or date plus n days (n may be an expression); a date stays a date. #}
{% macro add_days(value, n) %}{{ return(adapter.dispatch('add_days')(value, n)) }}{% endmacro %}
{% macro default__add_days(value, n) %}({{ value }} + ({{ n }}) * interval '1' day){% endmacro %}
{% macro spark__add_days(value, n) %}({{ value }} + make_interval(0, 0, 0, {{ n }})){% endmacro %}

{# Date plus n calendar months (n may be negative or an expression); a date. #}
{% macro add_months(value, n) %}{{ return(adapter.dispatch('add_months')(value, n)) }}{% endmacro %}
{% macro default__add_months(value, n) %}cast({{ value }} + ({{ n }}) * interval '1' month as date){% endmacro %}
{% macro spark__add_months(value, n) %}add_months({{ value }}, {{ n }}){% endmacro %}

{# First day of the month; a date. #}
{% macro month_start(value) -%}cast(date_trunc('month', {{ value }}) as date){%- endmacro %}

{# ISO day of the week: Monday 1 to Sunday 7; integer. #}
{% macro day_of_week(value) %}{{ return(adapter.dispatch('day_of_week')(value)) }}{% endmacro %}
{% macro default__day_of_week(value) %}cast(extract(isodow from {{ value }}) as integer){% endmacro %}
{% macro spark__day_of_week(value) %}(weekday({{ value }}) + 1){% endmacro %}

{# yyyymmdd as integer; the key of dim_date. #}
{% macro date_key(value) -%}
    cast(extract(year from {{ value }}) * 10000 + extract(month from {{ value }}) * 100 + extract(day from {{ value }}) as integer)
{%- endmacro %}

{# One row a day, both ends included: column date_on. The ends are literals or scalar subqueries. #}
{% macro date_spine(first_on, last_on) %}{{ return(adapter.dispatch('date_spine')(first_on, last_on)) }}{% endmacro %}
{% macro default__date_spine(first_on, last_on) %}
    select cast(days.day_at as date) as date_on
    from generate_series({{ first_on }}, {{ last_on }}, interval '1' day) as days (day_at)
{% endmacro %}
{% macro duckdb__date_spine(first_on, last_on) %}
    select cast(days.day_at as date) as date_on
    from (select unnest(generate_series({{ first_on }}, {{ last_on }}, interval '1' day)) as day_at) as days
{% endmacro %}
{% macro spark__date_spine(first_on, last_on) %}
    select explode(sequence({{ first_on }}, {{ last_on }}, interval 1 day)) as date_on
{% endmacro %}
