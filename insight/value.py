"""What an account is worth: an order, the next ninety days, what is at risk, and what remains.

An order's value is the account's own mean, pulled towards the median account as if two such orders had been seen: a fixed
pull cannot collapse when one giant order makes every variance meaningless. What is at risk is the account's *own* recent
revenue times the probability of no order; expected revenue already contains leaving, so using it would count it twice.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from insight.activity import Activity, Season, counts, expected_orders

Floats = npt.NDArray[np.float64]
PULL_ORDERS = 2.0
QUARTER_DAYS = 91
HORIZON_QUARTERS = 12
DISCOUNT_YEAR = 0.10


def order_value(table: pl.DataFrame, pull: float = PULL_ORDERS) -> Floats:
    """Expected amount of an account's next order: (sum of own orders + pull * median of account means) / (orders + pull)."""
    if table.is_empty():
        return np.zeros(0)
    own = table["own_value"].to_numpy().astype(np.float64)
    n = table["orders"].to_numpy().astype(np.float64)
    result: Floats = (own * n + pull * float(np.median(own))) / (n + pull)
    return result


def account_value(
    table: pl.DataFrame,
    p_no_order: Floats,
    params: Activity,
    season: Season,
    as_of: date,
    horizon_days: int,
    margin_rate: float = 1.0,
) -> pl.DataFrame:
    """One row an account of `table` (as `rhythm` gives), in its order.

    Args:
        p_no_order: probability of no order within the horizon, by account.
        margin_rate: share of revenue that remains as margin, for the remaining value; 1.0 states it in revenue.

    Returns:
        account_key, revenue_365d_amount, baseline_90d_amount, expected_order_amount, expected_revenue_amount,
        value_at_risk_amount, clv_remaining_amount, clv_horizon_months.
    """
    value = order_value(table)
    x, t_x, big_t = counts(table, as_of)
    expected = expected_orders(params, x, t_x, big_t, horizon_days) * season.order_factor
    remaining = np.zeros(table.height)
    before = np.zeros(table.height)
    for quarter in range(1, HORIZON_QUARTERS + 1):
        until = expected_orders(params, x, t_x, big_t, quarter * QUARTER_DAYS)
        remaining += (until - before) * value * margin_rate / (1 + DISCOUNT_YEAR) ** (quarter * QUARTER_DAYS / 365.0)
        before = until
    baseline = table["baseline_90d"].to_numpy().astype(np.float64)
    return table.select("account_key").with_columns(
        table["revenue_365d"].alias("revenue_365d_amount"),
        table["baseline_90d"].alias("baseline_90d_amount"),
        pl.Series("expected_order_amount", value),
        pl.Series("expected_revenue_amount", expected * value),
        pl.Series("value_at_risk_amount", p_no_order * baseline),
        pl.Series("clv_remaining_amount", remaining),
        pl.lit(HORIZON_QUARTERS * 3).alias("clv_horizon_months"),
    )
