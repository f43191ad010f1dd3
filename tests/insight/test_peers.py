"""An account beside its peers: money gaps, once for each account and category, and categories that it does not buy at all."""

from __future__ import annotations

from datetime import date, timedelta

import market
import polars as pl

from insight import peers
from insight.rhythm import order_days, rhythm

AS_OF = date(2026, 7, 1)


def purchase(account: int, days_ago: int, category: str, amount: float) -> dict[str, object]:
    bought = market.line(f"a{account:03d}", AS_OF - timedelta(days=days_ago), amount=amount)
    return bought | {"category_code": category}


def spent(rows: list[dict[str, object]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    lines = market.lines_of(rows)
    accounts = lines.select("account_key").unique().sort("account_key").with_columns(segment_code=pl.lit("standard"))
    return peers.spending(lines, accounts, rhythm(order_days(lines, AS_OF), AS_OF), AS_OF), lines


def found(rows: list[dict[str, object]]) -> pl.DataFrame:
    return peers.gaps(spent(rows)[0])


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
    assert 0 < one[0]["peer_gap_amount"] <= one[0]["potential_amount"] == 500.0 and one[0]["peers"] >= peers.MIN_PEERS


def test_no_gap_without_a_fall_and_without_peers() -> None:
    assert found([purchase(1, d, "tools", 100.0) for d in (10, 200, 400)]).is_empty()


def market_of(tools: int, accounts: int = 300) -> list[dict[str, object]]:
    """Accounts of one size that buy machines; of each tenth of them so many in thirty buy tools as well."""
    rows = []
    for n in range(accounts):
        rows += [purchase(n, d, "machines", 300.0 + n / accounts) for d in (20, 60, 120)]
        rows.append(purchase(n, 30, "tools" if n % 30 < tools else "machines", 90.0))
    return rows


def test_what_most_peers_buy_and_the_account_does_not_is_whitespace() -> None:
    table, lines = spent(market_of(tools=24))
    white = peers.whitespace(table, lines)
    assert {int(str(a)[1:]) % 30 for a in white["account_key"]} == set(range(24, 30))
    assert set(white["category_code"]) == {"tools"} and white["rank"].to_list() == [1] * 60
    one = white.row(0, named=True)
    assert 50 <= one["peer_penetration_pct"] < 100 and one["support"] < one["peers"]
    assert one["expected_order_amount"] == 90.0 and 0 < one["potential_amount"] <= 90.0
    share, among = round(one["peer_penetration_pct"]), one["peers"]
    assert one["reason_text_en"] == (
        f"{share}% of {among} accounts of its segment and size buy tools; this account has not for 18 months."
    )
    assert one["reason_text_de"].startswith(
        f"{share}% von {among} Konten seines Segments und seiner Größe kaufen tools;"
    )
    assert peers.gaps(table).filter(pl.col("category_code") == "tools").is_empty(), "said once, not as a gap as well"


def test_what_fewer_than_half_of_the_peers_buy_is_no_whitespace() -> None:
    assert peers.whitespace(*spent(market_of(tools=12))).is_empty()


def test_what_was_bought_within_eighteen_months_is_no_whitespace() -> None:
    rows = market_of(tools=24)
    assert "a029" in set(peers.whitespace(*spent(rows))["account_key"])
    rows.append(purchase(29, 500, "tools", 90.0))
    assert "a029" not in set(peers.whitespace(*spent(rows))["account_key"])


def test_where_tenths_are_small_the_segment_is_asked() -> None:
    white = peers.whitespace(*spent(market_of(tools=24, accounts=180)))
    assert set(white["peers"]) == {180} and white["account_key"].n_unique() == 36
    assert white["peer_penetration_pct"].to_list() == [80.0] * 36
    assert white["reason_text_en"].str.starts_with("80% of 180 accounts of its segment buy tools;").all()


def test_no_whitespace_among_fewer_than_twenty_peers_or_for_who_is_to_be_kept() -> None:
    assert peers.whitespace(*spent(market_of(tools=14, accounts=19))).is_empty()
    rows = [r for r in market_of(tools=24) if r["account_key"] != "a029"]
    # A weekly buyer that has been silent for months.
    rows += [purchase(29, 150 + 7 * n, "machines", 300.0) for n in range(20)]
    assert "a029" not in set(peers.whitespace(*spent(rows))["account_key"])
