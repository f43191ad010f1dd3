{{ config(materialized='table') }}

-- One row per company or person that its own system merged into another, with the record at the end of the chain. Systems tell of a
-- merge in two ways: the loser points at its survivor, or the survivor lists whom it swallowed.
{%- set pointing = [
    ('account', 'hubspot', 'companies'), ('contact', 'hubspot', 'contacts'), ('account', 'zendesk', 'organizations'), ('contact', 'zendesk', 'users'),
    ('account', 'odoo', 'partners'), ('contact', 'odoo', 'partners'), ('account', 'shopware', 'customers'), ('contact', 'shopware', 'customers'),
    ('contact', 'brevo', 'contacts')
] -%}
{%- set listing = [('account', 'companies'), ('contact', 'contacts')] %}
with

stated as (
    {% for entity_type, vendor, stream in pointing -%}
    select
        '{{ entity_type }}' as entity_type, '{{ vendor }}' as source_system, source_instance, record_id as source_record_id, merged_into, loaded_at
    from {{ source('raw', vendor ~ '__' ~ stream) }}
    where merged_into is not null and merged_into <> record_id
    union all
    {% endfor -%}
    {%- for entity_type, stream in listing %}
    select
        '{{ entity_type }}' as entity_type, 'hubspot' as source_system, source_instance, piece as source_record_id,
        source_record_id as merged_into, loaded_at
    from ({{ split_rows(ref('stg_hubspot__' ~ stream), ['source_instance', 'source_record_id', 'loaded_at'], 'hs_merged_object_ids', ';') }}) as swallowed
    where piece <> '' and piece <> source_record_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

merged_records as (
    select
        entity_type,
        source_system,
        source_instance,
        source_record_id,
        min(merged_into) as merged_into,
        max(loaded_at) as loaded_at
    from stated
    group by entity_type, source_system, source_instance, source_record_id
),

chains as (
    {{ merge_chain('merged_records') }}
),

final as (
    select
        merged_records.entity_type,
        merged_records.source_system,
        merged_records.source_instance,
        merged_records.source_record_id,
        chains.survivor_record_id,
        merged_records.loaded_at
    from merged_records
    inner join chains
        on
            merged_records.entity_type = chains.entity_type
            and merged_records.source_system = chains.source_system
            and merged_records.source_instance = chains.source_instance
            and merged_records.source_record_id = chains.source_record_id
)

select * from final
