-- Whether the scores keep what they promise: earlier scores against what happened afterwards.
select
    {{ surrogate_key(['score_name', 'score_version', 'basis', 'as_of_on', 'horizon_days', 'population']) }} as score_quality_key,
    score_name as score_code,
    score_version,
    basis as basis_code,
    as_of_on,
    horizon_days,
    population as population_code,
    accounts as account_count,
    {% for column in [
        'base_rate', 'auc', 'auc_recency', 'auc_low', 'auc_high', 'pr_auc_no_order', 'lift_top10', 'brier', 'brier_base_rate', 'ece',
        'predicted_total', 'actual_total', 'recall_at_10', 'recall_at_10_popularity', 'coverage'
    ] -%}
    cast({{ column }} as decimal(18, 6)) as {{ column }},
    {% endfor -%}
    beats_baseline,
    published_as,
    note
from {{ source('insight', 'score_quality') }}
