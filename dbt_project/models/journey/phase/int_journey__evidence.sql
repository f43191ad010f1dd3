-- Evidence: the phase that each touchpoint speaks for, the rule that said so, and whether it may move the account.
with

signatures as (
    select * from {{ ref('int_journey__signature') }}
),

resolution as (
    select * from {{ ref('int_journey__rule_resolution') }}
),

final as (
    select
        signatures.touchpoint_key,
        signatures.account_key,
        signatures.occurred_at,
        signatures.touchpoint_type_code,
        signatures.account_lifecycle_code,
        resolution.journey_phase_code as touchpoint_phase_code,
        resolution.rule_id as journey_phase_rule_id,
        resolution.confidence as phase_confidence,
        resolution.opens_phase
    from signatures
    inner join resolution
        on
            signatures.source_system = resolution.source_system
            and signatures.touchpoint_type_code = resolution.touchpoint_type_code
            and signatures.account_lifecycle_code = resolution.account_lifecycle_code
            and signatures.is_expansion = resolution.is_expansion
            and signatures.sentiment_code = resolution.sentiment_code
)

select * from final
