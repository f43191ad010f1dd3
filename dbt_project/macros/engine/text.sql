{# Text, JSON and casts. Each macro says what every engine returns, because the bare functions differ silently. #}

{# Text type without a length. #}
{% macro text_type() %}{{ return(dbt.type_string()) }}{% endmacro %}

{# Cast that yields null instead of an error where the text is not of the type. PostgreSQL has none: plain cast there. #}
{% macro try_cast(expression, type) %}{{ return(adapter.dispatch('try_cast')(expression, type)) }}{% endmacro %}
{% macro default__try_cast(expression, type) %}cast({{ expression }} as {{ type }}){% endmacro %}
{% macro duckdb__try_cast(expression, type) %}try_cast({{ expression }} as {{ type }}){% endmacro %}
{% macro spark__try_cast(expression, type) %}try_cast({{ expression }} as {{ type }}){% endmacro %}

{# Scalar at a path of plain keys ('a.b') in JSON text; text; null when absent or JSON null. #}
{% macro json_text(expression, path) %}{{ return(adapter.dispatch('json_text')(expression, path)) }}{% endmacro %}
{% macro default__json_text(expression, path) %}cast({{ expression }} as jsonb) #>> '{ {{- path | replace('.', ',') -}} }'{% endmacro %}
{% macro duckdb__json_text(expression, path) %}json_extract_string({{ expression }}, '$.{{ path }}'){% endmacro %}
{% macro spark__json_text(expression, path) %}get_json_object({{ expression }}, '$.{{ path }}'){% endmacro %}

{# JSON object as text from name and value pairs; a null value becomes JSON null. Values are given as text. #}
{% macro json_object_text(pairs) %}{{ return(adapter.dispatch('json_object_text')(pairs)) }}{% endmacro %}
{% macro default__json_object_text(pairs) %}cast(json_build_object({% for k, v in pairs.items() %}'{{ k }}', {{ v }}{% if not loop.last %}, {% endif %}{% endfor %}) as text){% endmacro %}
{% macro duckdb__json_object_text(pairs) %}cast(json_object({% for k, v in pairs.items() %}'{{ k }}', {{ v }}{% if not loop.last %}, {% endif %}{% endfor %}) as varchar){% endmacro %}
{% macro spark__json_object_text(pairs) %}to_json(named_struct({% for k, v in pairs.items() %}'{{ k }}', {{ v }}{% if not loop.last %}, {% endif %}{% endfor %})){% endmacro %}

{# True where the pattern occurs anywhere in the text. #}
{% macro rx_match(expression, pattern) %}{{ return(adapter.dispatch('rx_match')(expression, pattern)) }}{% endmacro %}
{% macro default__rx_match(expression, pattern) %}({{ expression }} ~ '{{ pattern }}'){% endmacro %}
{% macro duckdb__rx_match(expression, pattern) %}regexp_matches({{ expression }}, '{{ pattern }}'){% endmacro %}
{% macro spark__rx_match(expression, pattern) %}({{ expression }} rlike '{{ pattern | replace('\\', '\\\\') }}'){% endmacro %}

{# First group of the first match; null where nothing matches (DuckDB and Spark return '' by themselves). #}
{% macro rx_extract(expression, pattern) %}{{ return(adapter.dispatch('rx_extract')(expression, pattern)) }}{% endmacro %}
{% macro default__rx_extract(expression, pattern) %}nullif(substring({{ expression }} from '{{ pattern }}'), ''){% endmacro %}
{% macro duckdb__rx_extract(expression, pattern) %}nullif(regexp_extract({{ expression }}, '{{ pattern }}', 1), ''){% endmacro %}
{% macro spark__rx_extract(expression, pattern) %}nullif(regexp_extract({{ expression }}, '{{ pattern | replace('\\', '\\\\') }}', 1), ''){% endmacro %}

{# Every match replaced (DuckDB and PostgreSQL replace only the first by themselves). #}
{% macro rx_replace(expression, pattern, replacement) %}{{ return(adapter.dispatch('rx_replace')(expression, pattern, replacement)) }}{% endmacro %}
{% macro default__rx_replace(expression, pattern, replacement) %}regexp_replace({{ expression }}, '{{ pattern }}', '{{ replacement }}', 'g'){% endmacro %}
{% macro spark__rx_replace(expression, pattern, replacement) %}regexp_replace({{ expression }}, '{{ pattern | replace('\\', '\\\\') }}', '{{ replacement }}'){% endmacro %}

{# A table with one row for each piece of a separated text: columns of `keys` and `piece`. Rows without text vanish. #}
{% macro split_rows(relation, keys, expression, separator) %}{{ return(adapter.dispatch('split_rows')(relation, keys, expression, separator)) }}{% endmacro %}
{% macro default__split_rows(relation, keys, expression, separator) %}
    select {{ keys | join(', ') }}, trim(pieces.piece) as piece
    from {{ relation }} cross join unnest(string_to_array({{ expression }}, '{{ separator }}')) as pieces (piece)
{% endmacro %}
{% macro duckdb__split_rows(relation, keys, expression, separator) %}
    select {{ keys | join(', ') }}, trim(unnest(string_split({{ expression }}, '{{ separator }}'))) as piece
    from {{ relation }}
    where {{ expression }} is not null
{% endmacro %}
{% macro spark__split_rows(relation, keys, expression, separator) %}
    select {{ keys | join(', ') }}, trim(explode(split({{ expression }}, '{{ separator }}'))) as piece
    from {{ relation }}
{% endmacro %}

{# A table with one row for each element of a JSON array held as text: columns of `keys` and `element` (text). #}
{% macro json_rows(relation, keys, expression) %}{{ return(adapter.dispatch('json_rows')(relation, keys, expression)) }}{% endmacro %}
{% macro default__json_rows(relation, keys, expression) %}
    select {{ keys | join(', ') }}, elements.element
    from {{ relation }} cross join jsonb_array_elements_text(cast({{ expression }} as jsonb)) as elements (element)
{% endmacro %}
{% macro duckdb__json_rows(relation, keys, expression) %}
    select {{ keys | join(', ') }}, unnest(json_extract_string({{ expression }}, '$[*]')) as element
    from {{ relation }}
    where {{ expression }} is not null
{% endmacro %}
{% macro spark__json_rows(relation, keys, expression) %}
    select {{ keys | join(', ') }}, explode(from_json({{ expression }}, 'array<string>')) as element
    from {{ relation }}
{% endmacro %}

{# First element of a JSON array held as text; text; null when the array is empty. #}
{% macro json_first(expression) %}{{ return(adapter.dispatch('json_first')(expression)) }}{% endmacro %}
{% macro default__json_first(expression) %}cast({{ expression }} as jsonb) ->> 0{% endmacro %}
{% macro duckdb__json_first(expression) %}json_extract_string({{ expression }}, '$[0]'){% endmacro %}
{% macro spark__json_first(expression) %}get_json_object({{ expression }}, '$[0]'){% endmacro %}
