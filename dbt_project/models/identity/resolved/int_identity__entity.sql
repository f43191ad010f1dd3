-- One row per source record, live or merged away in its own system, with the account or contact it belongs to.
-- A record that the resolution has not seen yet is an entity of its own, under the key that the resolution would mint for it.
with

records as (
    select * from {{ ref('int_identity__record') }}
),

resolved as (
    select * from {{ source('insight', 'identity') }}
),

merged_records as (
    select * from {{ ref('int_identity__merge') }}
),

live as (
    select
        records.entity_type,
        records.source_system,
        records.source_instance,
        records.source_record_id,
        coalesce(
            resolved.entity_key,
            {{ surrogate_key(['records.entity_type', 'records.source_system', 'records.source_instance', 'records.source_record_id']) }}
        ) as entity_key,
        coalesce(resolved.match_rule_id, 'single_record') as match_rule_id,
        coalesce(resolved.match_confidence, 1) as match_confidence,
        resolved.matched_identifier_type,
        case when coalesce(resolved.cluster_size, 1) > 1 then 'accreted' else 'born' end as resolution_reason,
        records.loaded_at
    from records
    left join resolved
        on
            records.entity_type = resolved.entity_type
            and records.source_system = resolved.source_system
            and records.source_instance = resolved.source_instance
            and records.source_record_id = resolved.source_record_id
),

merged_away as (
    select
        merged_records.entity_type,
        merged_records.source_system,
        merged_records.source_instance,
        merged_records.source_record_id,
        live.entity_key,
        'merged_in_source' as match_rule_id,
        1 as match_confidence,
        'merged_into' as matched_identifier_type,
        'repointed' as resolution_reason,
        merged_records.loaded_at
    from merged_records
    inner join live
        on
            merged_records.entity_type = live.entity_type
            and merged_records.source_system = live.source_system
            and merged_records.source_instance = live.source_instance
            and merged_records.survivor_record_id = live.source_record_id
    -- A system that still shows the record as live contradicts its own merge: the live record counts.
    left join live as still_live
        on
            merged_records.entity_type = still_live.entity_type
            and merged_records.source_system = still_live.source_system
            and merged_records.source_instance = still_live.source_instance
            and merged_records.source_record_id = still_live.source_record_id
    where still_live.entity_key is null
),

final as (
    select
        entity_type, source_system, source_instance, source_record_id, entity_key, match_rule_id,
        cast(match_confidence as decimal(5, 4)) as match_confidence, matched_identifier_type, resolution_reason, loaded_at
    from live
    union all
    select
        entity_type, source_system, source_instance, source_record_id, entity_key, match_rule_id,
        cast(match_confidence as decimal(5, 4)) as match_confidence, matched_identifier_type, resolution_reason, loaded_at
    from merged_away
)

select * from final
