-- The rule of each distinct signature. Wildcards are tried on the few signatures, not on the many touchpoints.
with

signatures as (
    select distinct source_system, touchpoint_type_code, account_lifecycle_code, is_expansion, sentiment_code
    from {{ ref('int_journey__signature') }}
),

rules as (
    select * from {{ ref('journey_phase_rule') }}
    where is_active
),

fitting as (
    select
        signatures.*,
        rules.rule_id,
        rules.journey_phase_code,
        rules.opens_phase,
        rules.confidence,
        row_number() over (
            partition by
                signatures.source_system, signatures.touchpoint_type_code, signatures.account_lifecycle_code,
                signatures.is_expansion, signatures.sentiment_code
            order by rules.priority, rules.rule_id
        ) as fit_number
    from signatures
    inner join rules
        on
            rules.source_system in ('*', signatures.source_system)
            and rules.touchpoint_type_code in ('*', signatures.touchpoint_type_code)
            and rules.account_lifecycle_code in ('*', signatures.account_lifecycle_code)
            and rules.is_expansion in ('*', signatures.is_expansion)
            and rules.sentiment_code in ('*', signatures.sentiment_code)
)

select
    source_system,
    touchpoint_type_code,
    account_lifecycle_code,
    is_expansion,
    sentiment_code,
    rule_id,
    journey_phase_code,
    opens_phase,
    confidence
from fitting
where fit_number = 1
