"""The tables that the scores and the resolution fill: columns and DuckDB types, in their order.

A frame that leaves insight/pipeline.py has exactly these columns; models and readers may rely on them.
"""

from __future__ import annotations

import polars as pl

_KEY = "VARCHAR"
_MONEY = "DECIMAL(18,2)"

_REASONS: dict[str, str] = {
    column: kind
    for n in (1, 2, 3)
    for column, kind in (
        (f"reason_code_{n}", "VARCHAR"),
        (f"reason_text_en_{n}", "VARCHAR"),
        (f"reason_text_de_{n}", "VARCHAR"),
        (f"reason_weight_{n}", "DOUBLE"),
    )
}

SCHEMAS: dict[str, dict[str, str]] = {
    "identity": {
        "entity_type": "VARCHAR",
        "source_system": "VARCHAR",
        "source_instance": "VARCHAR",
        "source_record_id": "VARCHAR",
        "entity_key": _KEY,
        "match_rule_id": "VARCHAR",
        "match_confidence": "DECIMAL(5,4)",
        "matched_identifier_type": "VARCHAR",
        "cluster_size": "INTEGER",
    },
    "identity_edge": {
        "entity_type": "VARCHAR",
        "a_system": "VARCHAR",
        "a_instance": "VARCHAR",
        "a_record_id": "VARCHAR",
        "b_system": "VARCHAR",
        "b_instance": "VARCHAR",
        "b_record_id": "VARCHAR",
        "rule_id": "VARCHAR",
        "points": "DOUBLE",
        "evidence": "VARCHAR",
        "decision": "VARCHAR",
    },
    "retention_score": {
        "account_key": _KEY,
        "as_of_on": "DATE",
        "horizon_days": "INTEGER",
        "score_method": "VARCHAR",
        "orders": "INTEGER",
        "orders_365d": "INTEGER",
        "first_order_on": "DATE",
        "last_order_on": "DATE",
        "days_silent": "INTEGER",
        "mean_gap_days": "DOUBLE",
        "overdue_ratio": "DOUBLE",
        "longest_gap_days": "INTEGER",
        "p_order": "DOUBLE",
        "churn_risk_score": "INTEGER",
        "churn_risk_band": "VARCHAR",
        "expected_orders": "DOUBLE",
        "logit_reference": "DOUBLE",
        "logit_level": "DOUBLE",
        "logit_silence": "DOUBLE",
        "logit_season": "DOUBLE",
        "logit_signals": "DOUBLE",
        **_REASONS,
        "score_version": "VARCHAR",
        "fallback_level": "INTEGER",
        "fallback_text_en": "VARCHAR",
        "fallback_text_de": "VARCHAR",
    },
    "account_value": {
        "account_key": _KEY,
        "as_of_on": "DATE",
        "revenue_365d_amount": _MONEY,
        "baseline_90d_amount": _MONEY,
        "expected_order_amount": _MONEY,
        "expected_revenue_amount": _MONEY,
        "value_at_risk_amount": _MONEY,
        "clv_remaining_amount": _MONEY,
        "clv_horizon_months": "INTEGER",
        "score_version": "VARCHAR",
    },
    "recommendation": {
        "account_key": _KEY,
        "product_key": _KEY,
        "as_of_on": "DATE",
        "rank": "INTEGER",
        "method": "VARCHAR",
        "score": "DOUBLE",
        "purchase_propensity": "DOUBLE",
        "because_product_key_1": _KEY,
        "because_product_key_2": _KEY,
        "because_product_key_3": _KEY,
        "because_share_1": "DOUBLE",
        "because_share_2": "DOUBLE",
        "because_share_3": "DOUBLE",
        "peer_penetration_pct": "DOUBLE",
        "support": "INTEGER",
        "confidence": "DOUBLE",
        "lift": "DOUBLE",
        "expected_order_amount": _MONEY,
        "expected_value_amount": _MONEY,
        "reason_text_en": "VARCHAR",
        "reason_text_de": "VARCHAR",
        "score_version": "VARCHAR",
    },
    "upsell_gap": {
        "account_key": _KEY,
        "category_code": "VARCHAR",
        "as_of_on": "DATE",
        "own_level_gap_amount": _MONEY,
        "peer_gap_amount": _MONEY,
        "peers": "INTEGER",
        "potential_amount": _MONEY,
        "method": "VARCHAR",
        "reason_text_en": "VARCHAR",
        "reason_text_de": "VARCHAR",
        "score_version": "VARCHAR",
    },
    "whitespace": {
        "account_key": _KEY,
        "category_code": "VARCHAR",
        "as_of_on": "DATE",
        "rank": "INTEGER",
        "method": "VARCHAR",
        "peer_penetration_pct": "DOUBLE",
        "peers": "INTEGER",
        "support": "INTEGER",
        "potential_amount": _MONEY,
        "expected_order_amount": _MONEY,
        "reason_text_en": "VARCHAR",
        "reason_text_de": "VARCHAR",
        "score_version": "VARCHAR",
    },
    "replenishment": {
        "account_key": _KEY,
        "product_key": _KEY,
        "as_of_on": "DATE",
        "last_order_on": "DATE",
        "mean_gap_days": "DOUBLE",
        "due_on": "DATE",
        "overdue_days": "INTEGER",
        "expected_order_amount": _MONEY,
        "reason_text_en": "VARCHAR",
        "reason_text_de": "VARCHAR",
        "score_version": "VARCHAR",
    },
    "score_quality": {
        "score_name": "VARCHAR",
        "score_version": "VARCHAR",
        "basis": "VARCHAR",
        "as_of_on": "DATE",
        "horizon_days": "INTEGER",
        "population": "VARCHAR",
        "accounts": "INTEGER",
        "base_rate": "DOUBLE",
        "auc": "DOUBLE",
        "auc_recency": "DOUBLE",
        "auc_low": "DOUBLE",
        "auc_high": "DOUBLE",
        "pr_auc_no_order": "DOUBLE",
        "lift_top10": "DOUBLE",
        "brier": "DOUBLE",
        "brier_base_rate": "DOUBLE",
        "ece": "DOUBLE",
        "predicted_total": "DOUBLE",
        "actual_total": "DOUBLE",
        "recall_at_10": "DOUBLE",
        "recall_at_10_popularity": "DOUBLE",
        "coverage": "DOUBLE",
        "beats_baseline": "BOOLEAN",
        "published_as": "VARCHAR",
        "note": "VARCHAR",
    },
    "score_run": {
        "score_version": "VARCHAR",
        "as_of_on": "DATE",
        "horizon_days": "INTEGER",
        "model": "VARCHAR",
        "r": "DOUBLE",
        "alpha": "DOUBLE",
        "a": "DOUBLE",
        "b": "DOUBLE",
        "log_likelihood": "DOUBLE",
        "season_shift": "DOUBLE",
        "season_factor": "DOUBLE",
        "season_note": "VARCHAR",
        "affinity_lambda": "DOUBLE",
        "affinity_exponent": "DOUBLE",
        "value_k": "DOUBLE",
        "accounts": "INTEGER",
        "orders": "INTEGER",
        "history_days": "INTEGER",
        "fallback_level": "INTEGER",
        "fallback_text_en": "VARCHAR",
        "fallback_text_de": "VARCHAR",
        "published_as": "VARCHAR",
        "input_hash": "VARCHAR",
        "code_version": "VARCHAR",
    },
}

_POLARS: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DOUBLE": pl.Float64(),
    "INTEGER": pl.Int32(),
    "DATE": pl.Date(),
    "BOOLEAN": pl.Boolean(),
    "DECIMAL(18,2)": pl.Decimal(18, 2),
    "DECIMAL(5,4)": pl.Decimal(5, 4),
}


def empty(table: str) -> pl.DataFrame:
    """The table without rows."""
    return pl.DataFrame(schema={column: _POLARS[kind] for column, kind in SCHEMAS[table].items()})


def columns_of(table: str) -> dict[str, pl.DataType]:
    """Its columns while they are calculated: money as floats, without the day and version that all tables are stamped with."""
    columns = empty(table).schema.items()
    return {k: (pl.Float64() if v.is_decimal() else v) for k, v in columns if k not in ("as_of_on", "score_version")}


def fitted(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with exactly the table's columns and types; columns that it lacks are null.

    Money and probabilities are rounded half to even at their scale.
    """
    schema = SCHEMAS[table]
    columns = []
    for name, kind in schema.items():
        dtype = _POLARS[kind]
        if name not in frame.columns:
            columns.append(pl.lit(None, dtype=dtype).alias(name))
            continue
        column = pl.col(name)
        if isinstance(dtype, pl.Decimal) and frame.schema[name].is_float():
            column = column.round(dtype.scale)
        columns.append(column.cast(dtype).alias(name))
    return frame.select(columns)
