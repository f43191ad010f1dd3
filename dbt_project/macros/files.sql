{# What the handed-in files mean here. #}

{# Files have no ids for companies: the folded name and the postcode are one. #}
{% macro file_company_id(name, postcode) -%}
    'company:' || md5(lower(trim({{ name }})) || '|' || coalesce(trim({{ postcode }}), ''))
{%- endmacro %}
