"""Money gaps: against the account's own past and against its peers, once for each account and category."""

from __future__ import annotations

from datetime import date, timedelta

import market
import polars as pl

from insight import growth
from insight.rhythm import order_days, rhythm

AS_OF = date(2026, 7, 1)


def purchase(account: int, days_ago: int, category: str, amount: float) -> dict[str, object]:
    bought = market.line(f"a{account:03d}", AS_OF - timedelta(days=days_ago), amount=amount)
    return bought | {"category_code": category}


def found(rows: list[dict[str, object]]) -> pl.DataFrame:
    lines = market.lines_of(rows)
    accounts = lines.select("account_key").unique().sort("account_key").with_columns(segment_code=pl.lit("standard"))
    return growth.gaps(lines, accounts, rhythm(order_days(lines, AS_OF), AS_OF), AS_OF)


def test_who_spends_less_than_before_and_less_than_its_peers_has_one_gap() -> None:
    rows = []
    for account in range(300):
        # Who is last bought tools in the half-year before, and now, like all others, machines only.
        share = 100.0 if account < 299 else 0.0
        for days_ago in (20, 60, 120):
            rows += [
                purchase(account, days_ago, "machines", 400.0 + account / 300),
                purchase(account, days_ago, "tools", share),
            ]
        rows += [purchase(account, 300, "tools", 500.0 - share), purchase(account, 250, "machines", 1300.0)]
    gaps = found(rows)
    assert gaps.select("account_key", "category_code").is_duplicated().sum() == 0
    one = gaps.filter((pl.col("account_key") == "a299") & (pl.col("category_code") == "tools")).to_dicts()
    assert len(one) == 1 and one[0]["own_level_gap_amount"] == 500.0 and one[0]["method"] == "own_level"
    assert 0 < one[0]["peer_gap_amount"] <= one[0]["potential_amount"] == 500.0 and one[0]["peers"] >= growth.MIN_PEERS


def test_no_gap_without_a_fall_and_without_peers() -> None:
    assert found([purchase(1, d, "tools", 100.0) for d in (10, 200, 400)]).is_empty()
