"""Bar 8: which products an account buys next, on Online Retail II.

Regularisation and the exponent of the trend are chosen on the lists of 2011-03-11 and then held; the later dates judge.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from scipy.special import expit

from benchmarks.insight_bars import Bar
from insight import affinity, growth, quality

CHOSEN_ON, JUNE, SEPTEMBER = date(2011, 3, 11), date(2011, 6, 9), date(2011, 9, 10)
RIDGES = (50.0, 200.0, 500.0)
HORIZON = 90


def _recall(lines: pl.DataFrame, day: date, ridge: float, exponent: float) -> tuple[float, float]:
    known = lines.filter(pl.col("ordered_on") < day)
    model = affinity.fit_affinity(known, day, ridge=ridge, exponent=exponent)
    assert model is not None
    return affinity.recall(lines, affinity.rank_products(model, known, 10), day, HORIZON, 10)


def propensity_error(lines: pl.DataFrame, day: date) -> tuple[float, float, float]:
    """Calibration error, mean propensity and share bought of the lists of `day`, calibrated one horizon before."""
    known = lines.filter(pl.col("ordered_on") < day)
    weights = growth._calibrate(known, day, HORIZON, 0.5)
    model = affinity.fit_affinity(known, day, exponent=0.5)
    assert model is not None and weights is not None
    x, y = growth._shown_and_bought(known, lines, model, day, HORIZON)
    p = expit(x @ weights)
    return quality.calibration_error(y, p), float(p.mean()), float(y.mean())


def bar_8(lines: pl.DataFrame) -> Bar:
    tried = {(r, e): _recall(lines, CHOSEN_ON, r, e)[0] for r in RIDGES for e in affinity.EXPONENTS}
    ridge, exponent = max(sorted(tried), key=lambda k: tried[k])
    june, september = _recall(lines, JUNE, ridge, exponent), _recall(lines, SEPTEMBER, ridge, exponent)
    popular = [
        affinity.recall(lines, affinity.rank_popular(lines.filter(pl.col("ordered_on") < d), d, 10), d, HORIZON, 10)[0]
        for d in (JUNE, SEPTEMBER)
    ]
    error, mean, base = propensity_error(lines, JUNE)
    coverage = float(np.min([june[1], september[1]]))
    return Bar(
        8, "products next, recall@10 at 06-09 / 09-10",
        f"{june[0]:.3f} / {september[0]:.3f}; coverage {june[1]:.2f} / {september[1]:.2f} (lambda {ridge:g}, trend^{exponent:g}); "
        f"propensity ECE {error:.4f} (mean {mean:.4f}, bought {base:.4f})",
        ">= 0.140 / 0.108; coverage >= 0.20; ECE <= 0.005", "0.146 / 0.113; 0.23; 0.003",
        f"popularity of 30 days {popular[0]:.3f} / {popular[1]:.3f}",
        june[0] >= 0.140 and september[0] >= 0.108 and coverage >= 0.20 and error <= 0.005,
    )  # fmt: skip
