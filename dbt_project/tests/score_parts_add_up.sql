-- A reason explains a score only when all parts together are the score: their sum is the logit of the probability, and what is at
-- risk is the probability of no order times the account's own usual revenue.
with

scores as (
    select
        account_key,
        p_order,
        1 / (1 + exp(-(logit_reference + logit_level + logit_silence + logit_season + logit_signals))) as p_of_parts
    from {{ source('insight', 'retention_score') }}
    where score_method = 'model'
),

amounts as (
    select account_key, baseline_90d_amount, value_at_risk_amount from {{ source('insight', 'account_value') }}
)

select
    targets.account_key,
    targets.order_probability,
    scores.p_order,
    scores.p_of_parts,
    targets.value_at_risk_amount,
    amounts.baseline_90d_amount
from {{ ref('mart_retention_target') }} as targets
inner join scores on targets.account_key = scores.account_key
inner join amounts on targets.account_key = amounts.account_key
where
    scores.p_of_parts is null
    or abs(scores.p_of_parts - scores.p_order) > 0.000001
    or abs(targets.order_probability - scores.p_order) > 0.0001
    or abs(targets.value_at_risk_amount - (1 - scores.p_order) * amounts.baseline_90d_amount) > 0.02
