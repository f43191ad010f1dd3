{# Fails when the model has not exactly as many rows as the other relation: the guard against joins that fan out or drop rows. #}
{% test same_row_count(model, compare_with, compare_where='true') %}
select ours.row_count as our_rows, theirs.row_count as their_rows
from (select count(*) as row_count from {{ model }}) as ours
cross join (select count(*) as row_count from {{ compare_with }} where {{ compare_where }}) as theirs
where ours.row_count <> theirs.row_count
{% endtest %}
