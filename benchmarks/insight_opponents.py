"""What others would have scored: opponents measured beside our own figures, in the same run and on the same data.

Recency and popularity need no library and stand beside their bars. Here are those that do: scikit-learn's boosted trees and
logistic regression for who orders again, Splink for who is who. None of it is ever imported by the product; here only where it is used, because the bar on memory
imports this file as well.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from insight import quality

if TYPE_CHECKING:
    from benchmarks.insight_orders import At

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FEATURES = (
    "orders", "orders_365d", "days_silent", "tenure_days", "mean_gap_days", "overdue_ratio", "longest_gap_days",
    "revenue_365d", "baseline_90d", "own_value",
)  # fmt: skip


def learned(at: At, before: At) -> dict[str, float]:
    """AUC of models that were taught on the accounts of `before`, one horizon ago, and judged on the active ones of `at`."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    assert before.as_of + timedelta(days=90) <= at.as_of, "what is taught must have happened before"
    models: dict[str, Any] = {
        "boosted trees": HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=150, max_leaf_nodes=15, min_samples_leaf=40, early_stopping=False,
            random_state=0,
        ),
        "logistic regression": make_pipeline(
            SimpleImputer(), QuantileTransformer(output_distribution="normal", random_state=0),
            LogisticRegression(max_iter=1000),
        ),
    }  # fmt: skip
    found = {}
    for name, model in models.items():
        model.fit(_features(before)[before.active], before.y[before.active])
        p = model.predict_proba(_features(at)[at.active])[:, 1]
        found[name] = quality.auc(at.y[at.active], p)
    return found


def _features(at: At) -> Floats:
    result: Floats = at.table.select(pl.col(FEATURES).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return result


def splink_pairs(records: pl.DataFrame, possible: int) -> tuple[Ints, Ints, Floats]:
    """Pairs of rows across the two sides with Splink's match weight, down to a probability of one in a hundred.

    Companies by name without place, place and founding date; weights by expectation maximisation. Of six settings tried on
    the first two draws this one had the highest F1.

    Args:
        records: row, side, core, core4, city, founded.
        possible: pairs across the two sides.
    """
    import splink.comparison_library as compare
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI()
    chosen = records.select(pl.col("row").alias("unique_id"), "side", "core", "core4", "city", "founded")
    tables = [
        api.register(chosen.filter(pl.col("side") == side).drop("side").to_arrow(), dataset_display_name=side)
        for side in ("l", "r")
    ]
    blocks = ("core4", "city", "founded")
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            compare.JaroWinklerAtThresholds("core", [0.97, 0.92, 0.85, 0.75]),
            compare.JaroWinklerAtThresholds("city", [0.88]),
            compare.LevenshteinAtThresholds("founded", [1, 2]),
        ],
        blocking_rules_to_generate_predictions=[block_on(b) for b in blocks],
        probability_two_random_records_match=records.height / 2 / possible,
    )
    linker = Linker(tables, settings, log_level=logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for block in blocks:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(block))
    scored = pl.from_arrow(linker.inference.predict(threshold_match_probability=0.01).as_pyarrow_table())
    assert isinstance(scored, pl.DataFrame)
    scored = scored.sort("unique_id_l", "unique_id_r")
    a, b = (scored[c].to_numpy().astype(np.int64) for c in ("unique_id_l", "unique_id_r"))
    return a, b, scored["match_weight"].to_numpy()
