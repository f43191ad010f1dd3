"""An account beside others of its size: categories it buys less of than it did or than they do, and those it does not buy.

Past growth predicts the opposite, so a gap is an amount and never a forecast; and no method finds the next category better
than what most peers buy, so that is said and not predicted. Who is overdue by more than twice is left out: such an account
is to be kept, not grown.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from insight.tables import columns_of

HALF_YEAR = 182
MIN_PEERS = 20
WHITESPACE_SHARE = 0.5
"""Most peers: what fewer than half of them buy is no statement about an account that does not."""
WHITESPACE_SHOWN = 5
GROUP = ["segment_code", "decile"]


def spending(lines: pl.DataFrame, accounts: pl.DataFrame, rhythm: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What each account spent in each category in the last three half-years, and its peers: segment and tenth of revenue.

    Args:
        lines: account_key, ordered_on, category_code, net_amount, is_return.
        accounts: account_key, segment_code.
        rhythm: account_key, overdue_ratio.

    Returns:
        account_key, category_code, h0 (the last half-year), h1, h2, year, best of h1 and h2, total (of the year, all
        categories), segment_code, decile.
    """
    sold = lines.filter(
        ~pl.col("is_return") & (pl.col("ordered_on") >= as_of - timedelta(days=3 * HALF_YEAR))
    ).with_columns(pl.col("net_amount").cast(pl.Float64))
    half = ((pl.lit(as_of) - pl.col("ordered_on")).dt.total_days() - 1) // HALF_YEAR
    halves = (
        sold.with_columns(half.alias("half"))
        .group_by("account_key", "category_code")
        .agg(*(pl.col("net_amount").filter(pl.col("half") == h).sort().sum().alias(f"h{h}") for h in range(3)))
        .with_columns(year=pl.col("h0") + pl.col("h1"), best=pl.max_horizontal("h1", "h2"))
    )
    total = halves.group_by("account_key").agg(pl.col("year").sort().sum().alias("total"))
    keeping = rhythm.filter(pl.col("overdue_ratio") > 2)["account_key"]
    own = (
        total.join(accounts.select("account_key", "segment_code"), on="account_key", how="left")
        .filter(~pl.col("account_key").is_in(keeping.implode()) & (pl.col("total") > 0))
        .sort("account_key")
    )
    tenth = (pl.col("total").rank("ordinal") * 10 // (own.height + 1)).cast(pl.Int32)
    return halves.join(own.with_columns(tenth.alias("decile")), on="account_key").sort("account_key", "category_code")


def usual(table: pl.DataFrame, by: list[str] = GROUP) -> pl.DataFrame:
    """What peers spend on a category: of all groups of at least twenty accounts that are equal in `by`.

    Returns:
        The columns of `by`, category_code, peers, buyers (within the year), middle (the median share of the account's
        total, of all peers), ceiling (the upper quartile of what buyers spent in the year).
    """
    members = table.select("account_key", *by).unique().group_by(by).agg(pl.len().alias("peers"))
    spent = (
        table.filter(pl.col("category_code").is_not_null())
        .group_by([*by, "category_code"])
        .agg(
            (pl.col("year") / pl.col("total")).sort().alias("shares"),
            (pl.col("year") > 0).sum().alias("buyers"),
            pl.col("year").quantile(0.75).alias("ceiling"),
        )
        .join(members.filter(pl.col("peers") >= MIN_PEERS), on=by, nulls_equal=True)
        .sort([*by, "category_code"])
    )
    middle = [
        float(np.median([*shares, *[0.0] * (peers - len(shares))]))
        for shares, peers in spent.select("shares", "peers").iter_rows()
    ]
    return spent.select(*by, "category_code", "peers", "buyers", pl.Series("middle", middle, pl.Float64), "ceiling")


def gaps(table: pl.DataFrame) -> pl.DataFrame:
    """Money that an account used to spend in a category, or that its peers spend and it does not.

    Own gap: the better of the two half-years before against the last one. Peer gap: the median share of the category among
    peers, times the account's own total, minus what it spends; capped at the peers' upper quartile. One row an account and
    category that it has bought in three half-years.

    Args:
        table: as `spending` returns it.
    """
    schema = columns_of("upsell_gap")
    known = table.filter(pl.col("category_code").is_not_null()).join(
        usual(table), on=[*GROUP, "category_code"], how="left", nulls_equal=True
    )
    own = pl.col("best") - pl.col("h0")
    peer = pl.min_horizontal(pl.col("middle") * pl.col("total"), "ceiling") - pl.col("year")
    found = known.select(
        "account_key",
        "category_code",
        "best",
        "h0",
        "middle",
        own_level_gap_amount=pl.when(own > 0.2 * pl.col("best")).then(own),
        peer_gap_amount=pl.when((pl.col("middle") > 0) & (peer > 0.05 * pl.col("total"))).then(peer),
        all_peers="peers",
    ).filter(pl.col("own_level_gap_amount").is_not_null() | pl.col("peer_gap_amount").is_not_null())
    rows: list[dict[str, Any]] = []
    for row in found.iter_rows(named=True):
        own_gap, peer_gap = row["own_level_gap_amount"], row["peer_gap_amount"]
        # Who spends less than before and less than its peers has one gap: the larger, with both amounts.
        is_own = peer_gap is None or (own_gap is not None and own_gap >= peer_gap)
        category, peers, middle = row["category_code"], row["all_peers"], row["middle"]
        if is_own:
            en = f"Spent {row['best']:,.0f} on {category} in a half-year before, {row['h0']:,.0f} in the last."
            de = (
                f"Gab für {category} in einem früheren Halbjahr {_money(row['best'])} aus, "
                f"im letzten {_money(row['h0'])}."
            )
        else:
            en = f"{peers} peers of its size spend a median {middle:.0%} on {category}; this account less."
            de = f"{peers} vergleichbare Konten geben im Mittel {middle:.0%} für {category} aus; dieses weniger."
        rows.append(
            {
                "account_key": row["account_key"],
                "category_code": category,
                "own_level_gap_amount": own_gap,
                "peer_gap_amount": peer_gap,
                "peers": peers if peer_gap is not None else None,
                "potential_amount": own_gap if is_own else peer_gap,
                "method": "own_level" if is_own else "segment_peer",
                "reason_text_en": en,
                "reason_text_de": de,
            }
        )
    return pl.DataFrame(rows, schema=schema)


def whitespace(table: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Categories that most peers bought within the year and the account did not in three half-years: the five most usual.

    Where a segment's tenth has fewer than twenty accounts the whole segment is asked. The amount is what peers spend in a
    year, at the account's own size; that of an order is the median of first orders.

    Args:
        table: as `spending` returns it.
        lines: those that it was made of.
    """
    accounts = table.select("account_key", "total", *GROUP).unique().with_columns(alike=pl.len().over(GROUP))
    asked = [
        usual(table, by)
        .join(accounts.filter(chosen), on=by, nulls_equal=True)
        .with_columns(pl.lit(en).alias("who_en"), pl.lit(de).alias("who_de"))
        .drop("decile")
        for by, chosen, en, de in (
            (GROUP, pl.col("alike") >= MIN_PEERS, "of its segment and size", "seines Segments und seiner Größe"),
            (["segment_code"], pl.col("alike") < MIN_PEERS, "of its segment", "seines Segments"),
        )
    ]
    first = first_order_amounts(lines, "category_code")
    found = (
        pl.concat(asked)
        .with_columns(share=pl.col("buyers") / pl.col("peers"))
        .filter(pl.col("share") >= WHITESPACE_SHARE)
        .join(table.select("account_key", "category_code"), on=["account_key", "category_code"], how="anti")
        .join(first, on="category_code", how="left")
        .sort("account_key", "share", "category_code", descending=[False, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("account_key"))
        .filter(pl.col("rank") <= WHITESPACE_SHOWN)
    )
    percent = (100 * pl.col("share")).round().cast(pl.Int32).cast(pl.String)
    category, peers = pl.col("category_code"), pl.col("peers").cast(pl.String)
    en = [percent, pl.lit("% of "), peers, pl.lit(" accounts "), pl.col("who_en"), pl.lit(" buy "), category]
    de = [percent, pl.lit("% von "), peers, pl.lit(" Konten "), pl.col("who_de"), pl.lit(" kaufen "), category]
    return found.select(
        "account_key",
        "category_code",
        "rank",
        pl.lit("segment_peer").alias("method"),
        (100 * pl.col("share")).alias("peer_penetration_pct"),
        "peers",
        pl.col("buyers").alias("support"),
        pl.min_horizontal(pl.col("middle") * pl.col("total"), "ceiling").alias("potential_amount"),
        pl.col("first_order_amount").alias("expected_order_amount"),
        pl.concat_str(*en, pl.lit("; this account has not for 18 months.")).alias("reason_text_en"),
        pl.concat_str(*de, pl.lit("; dieses Konto seit 18 Monaten nicht.")).alias("reason_text_de"),
    )


def first_order_amounts(lines: pl.DataFrame, by: str) -> pl.DataFrame:
    """Median amount of the first purchase, over accounts: `by` (product_key or category_code), first_order_amount."""
    sold = lines.filter(~pl.col("is_return")).with_columns(pl.col("net_amount").cast(pl.Float64))
    daily = sold.group_by("account_key", by, "ordered_on").agg(pl.col("net_amount").sort().sum())
    first = daily.sort("ordered_on").group_by("account_key", by, maintain_order=True).first()
    return first.group_by(by).agg(pl.col("net_amount").median().alias("first_order_amount")).drop_nulls(by)


def _money(amount: float) -> str:
    return f"{amount:,.0f}".replace(",", ".")
