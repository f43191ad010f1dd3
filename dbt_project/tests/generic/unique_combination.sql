{# Fails for each combination of the columns that stands in more than one row. #}
{% test unique_combination(model, combination) %}
select {{ combination | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ combination | join(', ') }}
having count(*) > 1
{% endtest %}
