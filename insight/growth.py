"""What to offer an account: products it does not have, and products that are due again.

Two lists, because they are two conversations; a third, money that is spent less than before or than by peers, is in
peers.py. A propensity is small (2-10 % a product and quarter) and calibrated on what the same lists would have sold one
horizon ago; replenishment is what an account buys regularly and has not bought for too long.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import minimize
from scipy.special import expit

from insight import affinity
from insight.affinity import Affinity, Ranked
from insight.peers import MIN_PEERS, first_order_amounts
from insight.tables import columns_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SHOWN, CALIBRATED_ON = 10, 20
MIN_ACCOUNTS, MIN_PRODUCTS = 200, 20
REGULAR_ORDERS = 3


def products(
    lines: pl.DataFrame,
    catalogue: pl.DataFrame,
    as_of: date,
    horizon_days: int,
    incompatible: pl.DataFrame | None,
    rhythm: pl.DataFrame,
    accounts: pl.DataFrame,
    baseline: bool = False,
) -> pl.DataFrame:
    """The best products for each account that bought within the year, at most ten, one of a family.

    Of more products than fit into the model, those with fewest buyers are found by their group, and of a group the
    product with most buyers is offered.

    Args:
        catalogue: product_key, product_name, category_code, product_family, unit_price, is_active.
        incompatible: pairs product_key, other_key.
        rhythm: account_key, days_silent.
        accounts: account_key, segment_code.
        baseline: what most buy, because the model lost against that when it was last judged.

    Returns:
        Columns of table `recommendation` without as_of_on and score_version.
    """
    buyers = affinity.purchases(lines, as_of)["account_key"].n_unique()
    if baseline or buyers < MIN_ACCOUNTS:
        return _popular(lines, catalogue, as_of, accounts)
    groups = affinity.groups_beyond_cap(lines, catalogue, as_of)
    sold, items = affinity.by_item(lines, groups), _with_groups(catalogue, groups)
    model = affinity.fit_affinity(sold, as_of, exponent=affinity.choose_exponent(sold, as_of, horizon_days))
    if model is None or len(model.items) < MIN_PRODUCTS:
        return _popular(lines, catalogue, as_of, accounts)
    weights = _calibrate(sold, as_of, horizon_days, model.exponent)
    silent = dict(rhythm.select("account_key", "days_silent").iter_rows())
    names = dict(items.select("product_key", "product_name").iter_rows())
    kin = dict(items.select("product_key", pl.coalesce("product_family", "product_key")).iter_rows())
    families = [kin.get(i, i) for i in model.items]
    first_amount = dict(first_order_amounts(sold, "product_key").iter_rows())
    amounts = np.array([first_amount.get(i, 0.0) for i in model.items])
    named = [str(names.get(i) or i) for i in model.items]
    pairs = _both_ways(incompatible)
    apart = _apart(model.items, pairs)
    parts = []
    for chunk in affinity.ranked(model, sold, CALIBRATED_ON, _allowed(model, items), apart):
        n, j, rank, score = _one_of_a_family(chunk, families)
        if not len(n):
            continue
        days = np.array([silent.get(a, 365) for a in chunk.accounts], dtype=np.float64)
        count = np.diff(chunk.owned.indptr).astype(np.float64)
        frame = _reasons(model, chunk.owned, n, j, named).with_columns(
            pl.Series("account_key", [chunk.accounts[i] for i in n.tolist()]),
            pl.Series("product_key", [model.items[i] for i in j.tolist()]),
            pl.Series("rank", rank),
            pl.Series("score", score),
            pl.lit("affinity_rule").alias("method"),
            pl.Series("peer_penetration_pct", 100 * model.buyers_365d[j] / model.accounts),
            pl.Series("expected_order_amount", amounts[j]),
        )
        if weights is not None:
            x = _features(score, model.buyers_60d[j].astype(np.float64), days[n], count[n])
            frame = frame.with_columns(pl.Series("purchase_propensity", np.round(expit(x @ weights), 6)))
            worth = pl.col("purchase_propensity") * pl.col("expected_order_amount")
            frame = frame.with_columns(worth.alias("expected_value_amount"))
        parts.append(frame)
    found = pl.concat(parts) if parts else pl.DataFrame(schema=columns_of("recommendation"))
    return found if groups.is_empty() else _products_of(found, lines, catalogue, groups, pairs, as_of)


def _with_groups(catalogue: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The catalogue with a row for each group: listed as long as one of its products is."""
    if groups.is_empty():
        return catalogue
    name = pl.col("product_key").str.strip_prefix(affinity.GROUP)
    listed = (
        groups.join(catalogue.select("product_key", "is_active"), on="product_key")
        .group_by(pl.col("item_key").alias("product_key"))
        .agg(pl.col("is_active").fill_null(True).any())
        .with_columns(name.alias("product_name"), name.alias("product_family"))
    )
    return pl.concat([catalogue, listed.sort("product_key")], how="diagonal")


def _products_of(
    offers: pl.DataFrame,
    lines: pl.DataFrame,
    catalogue: pl.DataFrame,
    groups: pl.DataFrame,
    pairs: pl.DataFrame,
    as_of: date,
) -> pl.DataFrame:
    """The offers with products in place of groups: offered is what most buy of the group, the reason what the account has."""
    listed = catalogue.filter(pl.col("is_active").fill_null(True)).select("product_key")
    buyers = [
        affinity.purchases(lines, as_of, days).group_by("product_key").agg(pl.len().alias(f"buyers_{days}d"))
        for days in (affinity.TREND_DAYS, affinity.YEAR)
    ]
    choice = groups.join(listed, on="product_key").join(buyers[0], on="product_key").join(buyers[1], on="product_key")
    choice = choice.rename({"product_key": "chosen_key"})
    mine = lines.filter(~pl.col("is_return")).select("account_key", "product_key").unique()
    ruled_out = mine.join(pairs, on="product_key").select("account_key", chosen_key="other_key").unique()
    found = offers.join(choice, left_on="product_key", right_on="item_key", how="left")
    found = found.join(ruled_out, on=["account_key", "chosen_key"], how="anti")
    best = ["account_key", "rank", f"buyers_{affinity.TREND_DAYS}d", f"buyers_{affinity.YEAR}d", "chosen_key"]
    found = (
        found.filter(~pl.col("product_key").str.starts_with(affinity.GROUP) | pl.col("chosen_key").is_not_null())
        .sort(best, descending=[False, False, True, True, False])
        .group_by("account_key", "rank", maintain_order=True)
        .first()
        .with_columns(
            pl.coalesce("chosen_key", "product_key").alias("product_key"),
            pl.int_range(1, pl.len() + 1).over("account_key").alias("rank"),
        )
    )
    # Of several owned products of a group the one bought last stands for it.
    own = (
        affinity.purchases(lines, as_of)
        .join(groups, on="product_key")
        .sort("account_key", "item_key", "last_on", "product_key", descending=[False, False, True, False])
        .group_by("account_key", "item_key")
        .first()
        .select("account_key", "item_key", own_key="product_key")
    )
    for k in (1, 2, 3):
        because = f"because_product_key_{k}"
        found = (
            found.join(
                own, left_on=["account_key", because], right_on=["account_key", "item_key"], how="left",
                maintain_order="left",
            )
            .with_columns(pl.coalesce("own_key", because).alias(because))
            .drop("own_key")
        )  # fmt: skip
    return found.select(offers.columns)


def _one_of_a_family(chunk: Ranked, families: list[Any]) -> tuple[Ints, Ints, Ints, Floats]:
    """Account number, product number, rank and score of at most ten products an account, the best of each family."""
    rows: list[tuple[int, int, int, float]] = []
    for n, (columns, values) in enumerate(zip(chunk.columns.tolist(), chunk.values.tolist(), strict=True)):
        taken: set[Any] = set()
        for j, score in zip(columns, values, strict=True):
            if score <= 0 or len(taken) == SHOWN:
                break
            if families[j] not in taken:
                taken.add(families[j])
                rows.append((n, j, len(taken), score))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].astype(np.int64), table[:, 3]


def _reasons(model: Affinity, owned: Any, n: Ints, j: Ints, named: list[str]) -> pl.DataFrame:
    """What each product (account n, product j) is recommended for: the three owned products that add most, and their shares."""
    sizes = np.diff(owned.indptr)[n]
    pair = np.repeat(np.arange(len(n)), sizes)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    have = owned.indices[owned.indptr[n][pair] + within]
    term = model.weights[have, j[pair]]
    total = np.bincount(pair, np.maximum(term, 0), len(n))
    order = np.lexsort((have, -term, pair))
    main, share = np.full((len(n), 3), -1), np.zeros((len(n), 3))
    first = (within < 3) & (term[order] > 0)  # sorted inside each pair, so the place there is the old one
    main[pair[order][first], within[first]] = have[order][first]
    share[pair[order][first], within[first]] = term[order][first] / total[pair[order][first]]
    support = np.where(main[:, 0] >= 0, model.together[main[:, 0], j], 0)
    confidence = np.where(main[:, 0] >= 0, support / model.buyers_365d[main[:, 0]], 0.0)
    texts = [
        _because([named[i] for i in own if i >= 0], parts, both)
        for own, parts, both in zip(main.tolist(), share.sum(axis=1).tolist(), support.tolist(), strict=True)
    ]
    keys = np.array([*model.items, None], dtype=object)
    return pl.DataFrame(
        {
            **{f"because_product_key_{k + 1}": pl.Series(keys[main[:, k]].tolist(), dtype=pl.String) for k in range(3)},
            **{f"because_share_{k + 1}": pl.Series(np.where(main[:, k] >= 0, share[:, k], np.nan)) for k in range(3)},
            "support": support,
            "confidence": confidence,
            "lift": confidence / (model.buyers_365d[j] / model.accounts),
            "reason_text_en": [t[0] for t in texts],
            "reason_text_de": [t[1] for t in texts],
        }
    ).with_columns(pl.col("^because_share_.$").fill_nan(None))


def _because(names: list[str], share: float, both: int) -> tuple[str, str]:
    return (
        f"Because you have {_and(names, 'and')} ({share:.0%} of the score); {both} accounts bought both.",
        f"Weil Sie {_and(names, 'und')} haben ({share:.0%} der Bewertung); {both} Konten kauften beides.",
    )


def _and(names: list[str], word: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}" if names else "-"


def _allowed(model: Affinity, catalogue: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Delisted products are recommended to nobody; a product that the catalogue does not know counts as listed."""
    delisted = set(catalogue.filter(~pl.col("is_active").fill_null(True))["product_key"])
    return np.array([i not in delisted for i in model.items])


def _both_ways(incompatible: pl.DataFrame | None) -> pl.DataFrame:
    """product_key, other_key: each pair that must not go together as stated and turned round."""
    if incompatible is None:
        return pl.DataFrame(schema={"product_key": pl.String, "other_key": pl.String})
    stated = incompatible.select("product_key", "other_key")
    return pl.concat([stated, stated.select(product_key="other_key", other_key="product_key")]).unique().sort(pl.all())


def _apart(items: list[str], pairs: pl.DataFrame) -> list[tuple[int, int]]:
    """The pairs as product numbers, of those that are items of their own."""
    place = {i: n for n, i in enumerate(items)}
    return [(place[a], place[b]) for a, b in pairs.iter_rows() if a in place and b in place]


def _features(score: Floats, buyers: Floats, silent: Floats, owned: Floats) -> Floats:
    return np.column_stack(
        [np.ones(len(score)), np.log(np.maximum(score, 1e-6)), np.log1p(buyers), np.log1p(silent), np.log1p(owned)]
    )


def _calibrate(lines: pl.DataFrame, as_of: date, horizon_days: int, exponent: float) -> Floats | None:
    """A logistic regression on the lists of one horizon ago: did the account buy what would have been shown?"""
    past = as_of - timedelta(days=horizon_days)
    known = lines.filter(pl.col("ordered_on") < past)
    model = affinity.fit_affinity(known, past, exponent=exponent)
    if model is None:
        return None
    x, y = _shown_and_bought(known, lines, model, past, horizon_days)
    if len(y) < 200 or y.sum() < 10:
        return np.array([_log_odds((y.sum() + 1) / (len(y) + 40)), 0.0, 0.0, 0.0, 0.0])
    middle, scale = x[:, 1:].mean(0), np.maximum(x[:, 1:].std(0), 1e-6)
    z = np.column_stack([x[:, 0], (x[:, 1:] - middle) / scale])

    def loss(w: Floats) -> tuple[float, Floats]:
        s = z @ w
        value = float(np.logaddexp(0, s).sum() - (y * s).sum() + 0.5 * (w[1:] ** 2).sum())
        gradient = z.T @ (expit(s) - y)
        gradient[1:] += w[1:]
        return value, gradient

    w = np.round(minimize(loss, np.zeros(5), jac=True, method="L-BFGS-B").x, 6)
    slope = w[1:] / scale
    result: Floats = np.concatenate([[w[0] - float(slope @ middle)], slope])
    return result


def _log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


def _shown_and_bought(
    known: pl.DataFrame, lines: pl.DataFrame, model: Affinity, past: date, horizon_days: int
) -> tuple[Floats, Floats]:
    last = dict(affinity.purchases(known, past).group_by("account_key").agg(pl.col("last_on").max()).iter_rows())
    end = past + timedelta(days=horizon_days)
    then = lines.filter((pl.col("ordered_on") >= past) & (pl.col("ordered_on") < end) & ~pl.col("is_return"))
    features, happened = [np.zeros((0, 5))], [np.zeros(0)]
    for chunk in affinity.ranked(model, known, CALIBRATED_ON):
        bought = affinity.matrix(then, chunk.accounts, model.items).toarray() > 0
        n, j = np.repeat(np.arange(len(chunk.accounts)), chunk.columns.shape[1]), chunk.columns.ravel()
        score = chunk.values.ravel()
        good = np.isfinite(score) & (score > 0)
        n, j, score = n[good], j[good], score[good]
        silent = np.array([(past - last[a]).days for a in chunk.accounts], dtype=np.float64)
        count = np.diff(chunk.owned.indptr).astype(np.float64)
        features.append(_features(score, model.buyers_60d[j].astype(np.float64), silent[n], count[n]))
        happened.append(bought[n, j].astype(np.float64))
    return np.concatenate(features), np.concatenate(happened)


def _popular(lines: pl.DataFrame, catalogue: pl.DataFrame, as_of: date, accounts: pl.DataFrame) -> pl.DataFrame:
    """For small markets: what most accounts of the segment buy and this one does not, or of all where the segment is small.

    A statement about peers, not a prediction.
    """
    delisted = catalogue.filter(~pl.col("is_active").fill_null(True))["product_key"]
    listed = lines.filter(~pl.col("product_key").is_in(delisted.implode()))
    segments = listed.join(accounts.select("account_key", "segment_code"), on="account_key", how="left")
    sizes = affinity.purchases(listed, as_of).select("account_key").unique().join(segments, on="account_key")
    large = (
        sizes.group_by("segment_code").agg(pl.col("account_key").n_unique().alias("n")).filter(pl.col("n") >= MIN_PEERS)
    )
    named = [s for s in large["segment_code"].sort().to_list() if s is not None]
    rest = ~segments["segment_code"].is_in(named).fill_null(False)
    names = dict(catalogue.select("product_key", "product_name").iter_rows())
    amounts = dict(first_order_amounts(lines, "product_key").iter_rows())
    rows: list[dict[str, Any]] = []
    for among, to in [
        *((listed.filter(segments["segment_code"] == s), None) for s in named),
        (listed, set(listed.filter(rest)["account_key"])),
    ]:
        bought = affinity.purchases(among, as_of)
        peers, counts = bought["account_key"].n_unique(), dict(bought.group_by("product_key").len().iter_rows())
        for account, ranked in sorted(affinity.rank_popular(among, as_of, 3, 90).items()):
            if to is not None and account not in to:
                continue
            for rank, product in enumerate(ranked, start=1):
                share, name = counts.get(product, 0) / peers, names.get(product) or product
                who_en, who_de = ("of its segment ", " seines Segments") if to is None else ("", "")
                rows.append(
                    {
                        "account_key": account,
                        "product_key": product,
                        "rank": rank,
                        "method": "segment_peer",
                        "score": share,
                        "purchase_propensity": None,
                        "peer_penetration_pct": 100 * share,
                        "support": counts.get(product, 0),
                        "expected_order_amount": amounts.get(product, 0.0),
                        "expected_value_amount": None,
                        "reason_text_en": f"{share:.0%} of the accounts {who_en}buy {name}; this one does not.",
                        "reason_text_de": f"{share:.0%} der Konten{who_de} kaufen {name}; dieses nicht.",
                    }
                )
    rows.sort(key=lambda row: (row["account_key"], row["rank"]))
    return pl.DataFrame(rows, schema=columns_of("recommendation"))


def judged(lines: pl.DataFrame, catalogue: pl.DataFrame, as_of: date, horizon_days: int) -> dict[str, Any]:
    """The lists of one horizon ago against what was bought, beside plain popularity: `exponent`, and rows of score_quality."""
    past = as_of - timedelta(days=horizon_days)
    lines = affinity.by_item(lines, affinity.groups_beyond_cap(lines, catalogue, past))
    known = lines.filter(pl.col("ordered_on") < past)
    exponent = affinity.choose_exponent(known, past, horizon_days)
    model = affinity.fit_affinity(known, past, exponent=exponent)
    if model is None or model.accounts < MIN_ACCOUNTS:
        return {"exponent": None, "rows": []}
    lists = affinity.rank_products(model, known, 10, affinity.JUDGED)
    popular = {a: p for a, p in affinity.rank_popular(known, past, 10).items() if a in lists}
    found, coverage = affinity.recall(lines, lists, past, horizon_days, 10)
    plain, _ = affinity.recall(lines, popular, past, horizon_days, 10)
    row = {
        "score_name": "recommendation",
        "score_version": "1",
        "basis": "replayed",
        "as_of_on": past,
        "horizon_days": horizon_days,
        "population": "all",
        "accounts": len(lists),
        "recall_at_10": found,
        "recall_at_10_popularity": plain,
        "coverage": coverage,
        "beats_baseline": found > plain,
        "published_as": "model" if found > plain else "baseline",
        "note": f"trend exponent {exponent:g}",
    }
    return {"exponent": exponent, "rows": [row]}


def replenishment(lines: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Products that an account buys regularly (three days or more) and for longer than usual not: due again."""
    sold = lines.filter(~pl.col("is_return")).with_columns(pl.col("net_amount").cast(pl.Float64))
    days = sold.group_by("account_key", "product_key", "ordered_on").agg(pl.col("net_amount").sort().sum())
    known = (
        days.group_by("account_key", "product_key")
        .agg(
            pl.len().alias("n"),
            pl.col("ordered_on").min().alias("first"),
            pl.col("ordered_on").max().alias("last_order_on"),
            pl.col("net_amount").median().alias("expected_order_amount"),
        )
        .filter(pl.col("n") >= REGULAR_ORDERS)
        .with_columns(
            ((pl.col("last_order_on") - pl.col("first")).dt.total_days() / (pl.col("n") - 1)).alias("mean_gap_days")
        )
        .with_columns(
            (pl.col("last_order_on") + pl.duration(days=pl.col("mean_gap_days").round())).cast(pl.Date).alias("due_on")
        )
        .with_columns((pl.lit(as_of) - pl.col("due_on")).dt.total_days().alias("overdue_days"))
        # Beyond twice its gap a product is given up, not due.
        .filter((pl.col("overdue_days") >= 0) & (pl.col("overdue_days") <= pl.col("mean_gap_days")))
        .sort("account_key", "product_key")
    )
    if known.is_empty():
        return pl.DataFrame(schema=columns_of("replenishment"))
    gap, late = pl.col("mean_gap_days").round().cast(pl.Int32).cast(pl.String), pl.col("overdue_days").cast(pl.String)
    return known.with_columns(
        pl.concat_str(pl.lit("Usually bought every "), gap, pl.lit(" days; due for "), late, pl.lit(" days.")).alias(
            "reason_text_en"
        ),
        pl.concat_str(pl.lit("Sonst alle "), gap, pl.lit(" Tage gekauft; seit "), late, pl.lit(" Tagen fällig.")).alias(
            "reason_text_de"
        ),
    ).drop("n", "first")
