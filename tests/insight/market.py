"""An invented market with a known law: accounts order at their own pace and leave after an order with their own probability."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

START = date(2023, 1, 1)
AS_OF = date(2025, 6, 1)
LINE_SCHEMA = {
    "account_key": pl.String,
    "order_key": pl.String,
    "ordered_on": pl.Date,
    "product_key": pl.String,
    "category_code": pl.String,
    "quantity": pl.Float64,
    "net_amount": pl.Float64,
    "is_return": pl.Boolean,
}
SIGNALS = pl.DataFrame(schema={"account_key": pl.String, "signal_code": pl.String, "metric_value": pl.Float64})
POINTS = pl.DataFrame(
    schema={
        "signal_code": pl.String,
        "operator": pl.String,
        "threshold": pl.Float64,
        "points": pl.Float64,
        "reason_text_en": pl.String,
        "reason_text_de": pl.String,
    }
)


def line(
    account: str, day: date, product: str = "p1", amount: float = 100.0, returned: bool = False
) -> dict[str, object]:
    return {
        "account_key": account,
        "order_key": f"{account}-{day}",
        "ordered_on": day,
        "product_key": product,
        "category_code": f"c{product[-1]}",
        "quantity": -1.0 if returned else 1.0,
        "net_amount": -amount if returned else amount,
        "is_return": returned,
    }


def lines_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LINE_SCHEMA)


def market(
    accounts: int = 300, days: int = 1000, products: int = 40, seed: int = 0, peak: float = 1.0, last: date = AS_OF
) -> pl.DataFrame:
    """Order lines over `days` before `last` + 90 days; `peak` multiplies the pace from October to December."""
    rng = np.random.default_rng(seed)
    start = last + timedelta(days=90 - days)
    rows: list[dict[str, object]] = []
    for n in range(accounts):
        day = float(rng.integers(0, max(days - 200, 1)))
        pace, leave = rng.gamma(2.0, 1 / 80) + 1e-4, rng.beta(0.3, 4.0)
        taste = rng.integers(0, 4)
        while day < days:
            on = start + timedelta(days=int(day))
            own = [10 * int(taste) + int(i) for i in rng.integers(0, 10, 2)]
            for p in {*own, int(rng.integers(0, products))}:
                rows.append(line(f"a{n:04d}", on, f"p{p % products:02d}", round(float(rng.lognormal(4, 0.5)), 2)))
            if rng.random() < leave:
                break
            step = rng.exponential(1 / pace)
            if peak != 1.0 and on.month >= 10:
                step /= peak
            day += max(step, 1.0)
    return lines_of(rows)


def accounts_of(lines: pl.DataFrame, **classes: str) -> pl.DataFrame:
    keys = sorted({*lines["account_key"].to_list(), *classes})
    return pl.DataFrame(
        {
            "account_key": keys,
            "segment_code": "all",
            "has_running_contract": [classes.get(k) == "contract" for k in keys],
            "renewal_on": [date(2025, 12, 31) if classes.get(k) == "contract" else None for k in keys],
            "is_blocked": [classes.get(k) == "blocked" for k in keys],
            "account_class": [
                classes[k] if classes.get(k) in ("buying_group", "marketplace") else "normal" for k in keys
            ],
            "current_phase_code": "customer",
        },
        schema_overrides={
            "renewal_on": pl.Date,
            "account_key": pl.String,
            "account_class": pl.String,
            "is_blocked": pl.Boolean,
            "has_running_contract": pl.Boolean,
        },
    )


def products_of(
    lines: pl.DataFrame, family: dict[str, str] | None = None, delisted: tuple[str, ...] = ()
) -> pl.DataFrame:
    keys = sorted(set(lines["product_key"].to_list()))
    return pl.DataFrame(
        {
            "product_key": keys,
            "product_name": [f"Product {k}" for k in keys],
            "category_code": [f"c{k[-1]}" for k in keys],
            "product_family": [(family or {}).get(k) for k in keys],
            "unit_price": 10.0,
            "is_active": [k not in delisted for k in keys],
        },
        schema_overrides={
            "product_key": pl.String,
            "product_name": pl.String,
            "category_code": pl.String,
            "product_family": pl.String,
            "is_active": pl.Boolean,
        },
    )
