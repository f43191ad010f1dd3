"""Order days and each account's own rhythm: what the scores know of the past, strictly before `as_of`.

Orders of one day are one order: same-day invoices would look like a rhythm of hours. Returns are no orders. An order that
was cancelled whole on its day never happened.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

YEAR = 365
BASELINE_DAYS = 90
GAP_PRIOR_ORDERS = 3.0
"""The median account's gap counts like this many gaps of an account's own, so that two orders make no rhythm."""


def order_days(lines: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row an account and day with an order before `as_of`.

    Args:
        lines: account_key, ordered_on (date), product_key, quantity, net_amount, is_return; one row a line.
        as_of: the day that is not known yet.

    Returns:
        account_key, ordered_on, amount (float, the lines' currency), product_count; sorted by both keys.
    """
    known = lines.filter(pl.col("ordered_on") < as_of).with_columns(pl.col("net_amount").cast(pl.Float64))
    sold = pl.col("net_amount").filter(~pl.col("is_return"))
    returned = pl.col("net_amount").filter(pl.col("is_return")).abs()
    days = known.group_by("account_key", "ordered_on").agg(
        sold.sum().alias("amount"),
        returned.sum().alias("returned"),
        pl.col("product_key").filter(~pl.col("is_return")).n_unique().cast(pl.Int32).alias("product_count"),
        (~pl.col("is_return")).any().alias("ordered"),
    )
    kept = days.filter(pl.col("ordered") & ((pl.col("returned") == 0) | (pl.col("returned") < pl.col("amount"))))
    return kept.select("account_key", "ordered_on", "amount", "product_count").sort("account_key", "ordered_on")


def rhythm(days: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One row an account that ordered before `as_of`, sorted by key.

    Args:
        days: account_key, ordered_on, amount; one row an account and day, as `order_days` gives.

    Returns:
        account_key, orders, orders_365d, first_on, last_on, days_silent, tenure_days, mean_gap_days (null with one order),
        shrunken_gap_days, overdue_ratio, longest_gap_days, revenue_365d, baseline_90d, own_value (mean amount of an order).
    """
    year_ago = as_of - timedelta(days=YEAR)
    before = days.filter(pl.col("ordered_on") < as_of).sort("account_key", "ordered_on")
    gap = (pl.col("ordered_on") - pl.col("ordered_on").shift(1).over("account_key")).dt.total_days()
    table = (
        before.with_columns(gap.alias("gap"))
        .group_by("account_key")
        .agg(
            pl.len().cast(pl.Int32).alias("orders"),
            (pl.col("ordered_on") >= year_ago).sum().cast(pl.Int32).alias("orders_365d"),
            pl.col("ordered_on").min().alias("first_on"),
            pl.col("ordered_on").max().alias("last_on"),
            pl.col("gap").mean().alias("mean_gap_days"),
            pl.col("gap").sum().alias("gaps_total"),
            pl.col("gap").max().cast(pl.Int32).alias("longest_gap_days"),
            # Sorted before it is summed: floats added in another order differ in their last bits.
            pl.col("amount").filter(pl.col("ordered_on") >= year_ago).sort().sum().alias("revenue_365d"),
            pl.col("amount").sort().sum().alias("revenue"),
        )
        .sort("account_key")
    )
    middle = table["mean_gap_days"].median()
    typical = middle if isinstance(middle, float) and middle > 0 else float(YEAR)
    tenure = (pl.lit(as_of) - pl.col("first_on")).dt.total_days()
    silent = (pl.lit(as_of) - pl.col("last_on")).dt.total_days()
    shrunken = (pl.col("gaps_total").fill_null(0) + GAP_PRIOR_ORDERS * typical) / (
        pl.col("orders") - 1 + GAP_PRIOR_ORDERS
    )
    return (
        table.with_columns(
            tenure.cast(pl.Int32).alias("tenure_days"),
            silent.cast(pl.Int32).alias("days_silent"),
            shrunken.alias("shrunken_gap_days"),
            (pl.col("revenue") / pl.col("orders")).alias("own_value"),
        )
        .with_columns(
            (pl.col("days_silent") / pl.col("shrunken_gap_days")).alias("overdue_ratio"),
            (pl.col("revenue_365d") * BASELINE_DAYS / pl.col("tenure_days").clip(BASELINE_DAYS, YEAR)).alias(
                "baseline_90d"
            ),
        )
        .select(
            "account_key",
            "orders",
            "orders_365d",
            "first_on",
            "last_on",
            "days_silent",
            "tenure_days",
            "mean_gap_days",
            "shrunken_gap_days",
            "overdue_ratio",
            "longest_gap_days",
            "revenue_365d",
            "baseline_90d",
            "own_value",
        )
    )
