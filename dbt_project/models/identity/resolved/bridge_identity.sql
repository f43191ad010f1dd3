-- Every source record and the account or contact it is part of. Identity is resolved anew for all history in every run, so a row
-- holds for all time: the validity columns are there for readers who join by time, and stay open.
with

entities as (
    select * from {{ ref('int_identity__entity') }}
),

final as (
    select
        {{ surrogate_key(['entity_type', 'source_system', 'source_instance', 'source_record_id']) }} as identity_key,
        entity_type,
        entity_key,
        source_system,
        source_instance,
        source_record_id,
        match_rule_id,
        match_confidence,
        matched_identifier_type,
        resolution_reason,
        cast(null as timestamp) as valid_from,
        cast(null as timestamp) as valid_to,
        true as is_current,
        loaded_at as resolved_at_watermark
    from entities
)

select * from final
