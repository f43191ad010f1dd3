{# What Zendesk's own words mean here. #}

{# A ticket is a complaint when the desk tagged it so; tags are a JSON list as text. #}
{% macro is_complaint(tags) -%}
    coalesce({{ rx_match('lower(' ~ tags ~ ')', '"(complaint|beschwerde|reklamation)') }}, false)
{%- endmacro %}

{# 'good', 'good_with_comment' -> 1; 'bad…' -> 0; anything else (offered, unoffered) is no answer. #}
{% macro zendesk_score(score) -%}
    case when {{ score }} like 'good%' then 1 when {{ score }} like 'bad%' then 0 end
{%- endmacro %}
