"""Were past scores right: each score of an earlier day against what happened afterwards, and against a simple baseline.

AUC by ranks, with ties halved; Brier score and expected calibration error in ten bins of equal count; intervals from 200
bootstrap samples with a fixed seed, so that the same data gives the same interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
BOOTSTRAPS, SEED = 200, 7


def auc(y: Floats, score: Floats) -> float:
    """Area under the ROC curve: the probability that a positive ranks above a negative; NaN with one class only."""
    positives = float(y.sum())
    negatives = len(y) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[y > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(y: Floats, score: Floats) -> float:
    """Mean precision at each positive, ties counted together."""
    if y.sum() == 0:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    s, hit = score[order], y[order]
    last = np.r_[np.nonzero(np.diff(s))[0], len(s) - 1]
    found = np.cumsum(hit)[last]
    precision = found / (last + 1)
    gained = np.diff(np.r_[0, found]) / y.sum()
    return float((precision * gained).sum())


def calibration_error(y: Floats, p: Floats, bins: int = 10) -> float:
    """Mean distance of mean probability and share of positives over bins of equal count."""
    order = np.argsort(p, kind="stable")
    parts = [c for c in np.array_split(order, bins) if len(c)]
    return float(sum(len(c) * abs(p[c].mean() - y[c].mean()) for c in parts) / max(len(y), 1))


def measures(y: Floats, p: Floats, recency: Floats, expected: Floats, actual: Floats) -> dict[str, Any]:
    """Everything about one population: `y` 1 for an order within the horizon, `p` its probability, `recency` days silent."""
    rng = np.random.default_rng(SEED)
    value, base = auc(y, p), float(y.mean()) if len(y) else float("nan")
    samples = [auc(y[i], p[i]) for i in (rng.integers(0, len(y), len(y)) for _ in range(BOOTSTRAPS))] if len(y) else []
    known = [s for s in samples if np.isfinite(s)]
    riskiest = np.argsort(p, kind="stable")[: max(len(p) // 10, 1)]
    lift = float((1 - y[riskiest]).mean() / (1 - base)) if len(y) and base < 1 else float("nan")
    against = auc(y, -recency)
    return {
        "accounts": len(y),
        "base_rate": base,
        "auc": value,
        "auc_recency": against,
        "auc_low": float(np.quantile(known, 0.025)) if known else None,
        "auc_high": float(np.quantile(known, 0.975)) if known else None,
        "pr_auc_no_order": average_precision(1 - y, 1 - p) if len(y) else None,
        "lift_top10": lift,
        "brier": float(np.mean((p - y) ** 2)) if len(y) else None,
        "brier_base_rate": float(np.mean((base - y) ** 2)) if len(y) else None,
        "ece": calibration_error(y, p) if len(y) else None,
        "predicted_total": float(expected.sum()),
        "actual_total": float(actual.sum()),
        "beats_baseline": bool(value > against) if np.isfinite(value) and np.isfinite(against) else None,
    }
