{# Following records that were merged in their own system. #}

{# From a relation of (entity_type, source_system, source_instance, source_record_id, merged_into): the end of each chain as
   survivor_record_id. Pointers are doubled, so `doublings` rounds follow chains of 2^doublings merges without recursion, which not
   every engine has. A record that points at itself, or a ring, ends somewhere inside: the caller keeps only survivors that live. #}
{% macro merge_chain(relation, doublings=4) %}
{%- set grain = ['entity_type', 'source_system', 'source_instance'] -%}
with hop_0 as (
    select {{ grain | join(', ') }}, source_record_id, merged_into as survivor_record_id
    from {{ relation }}
){% for n in range(1, doublings + 1) %},
hop_{{ n }} as (
    select
        {% for column in grain %}near.{{ column }}, {% endfor %}
        near.source_record_id,
        coalesce(far.survivor_record_id, near.survivor_record_id) as survivor_record_id
    from hop_{{ n - 1 }} as near
    left join hop_{{ n - 1 }} as far
        on {% for column in grain %}near.{{ column }} = far.{{ column }} and {% endfor %}near.survivor_record_id = far.source_record_id
){% endfor %}
select * from hop_{{ doublings }}
{% endmacro %}

{# What follows the @ of an address, folded; null where there is none. #}
{% macro email_domain(email) -%}
    nullif(lower(trim(split_part({{ email }}, '@', 2))), '')
{%- endmacro %}
