"""What else an account will buy: EASE on who buys what, times each product's trend.

EASE (Steck 2019) is the linear model that predicts each product of an account from its other products, with a closed form:
with the account x product matrix X of a year and P = (X'X + lambda I)^-1, B = -P / diag(P) with zero diagonal, and the score of
a product is the sum of B over the products owned. So a score is a sum, and "because you have …" is its largest terms. Trend
matters more than the model: buyers of 60 days against what 365 days would make one expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import linalg, sparse

Floats = npt.NDArray[np.float64]
YEAR, TREND_DAYS = 365, 60
LAMBDA = 500.0
TREND_PRIOR = 5.0
MIN_BUYERS = 5
MAX_ITEMS = 5_000
EXPONENTS = (1.0, 0.5, 0.0)
GROUP = "group:"
"""What the key of an item begins with that stands for many products."""
JUDGED = 10_000
"""Accounts on which lists are judged at most: the mean recall of so many is known to half a point."""
CELLS = 2_000_000
"""Scores held at once, of some accounts and all products: those of all accounts would not fit into memory."""


@dataclass(frozen=True)
class Affinity:
    """A fitted model. `items` are keys in sorted order, `weights[i, j]` what owning i adds to j."""

    as_of: date
    items: list[str]
    weights: Floats
    trend: Floats
    buyers_365d: npt.NDArray[np.int64]
    buyers_60d: npt.NDArray[np.int64]
    together: npt.NDArray[np.int32]
    accounts: int
    ridge: float
    exponent: float


def purchases(lines: pl.DataFrame, as_of: date, days: int = YEAR) -> pl.DataFrame:
    """Distinct account x product of the `days` before `as_of`, returns left out: account_key, product_key, last_on."""
    since = as_of - timedelta(days=days)
    return (
        lines.filter((pl.col("ordered_on") >= since) & (pl.col("ordered_on") < as_of) & ~pl.col("is_return"))
        .group_by("account_key", "product_key")
        .agg(pl.col("ordered_on").max().alias("last_on"))
        .drop_nulls()
        .sort("account_key", "product_key")
    )


def groups_beyond_cap(lines: pl.DataFrame, catalogue: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The group that stands for each product too rare to be an item of its own, where there are more than MAX_ITEMS.

    Gram matrix and inverse grow with the square and the cube of the items, so the products with most buyers stay items, and
    the others are counted by family, or by category where they have none.

    Args:
        catalogue: product_key, product_family, category_code.

    Returns:
        product_key, item_key; without rows where all products fit.
    """
    buyers = purchases(lines, as_of).group_by("product_key").len()
    ranked = buyers.sort(["len", "product_key"], descending=[True, False])
    group = pl.lit(GROUP) + pl.coalesce("product_family", "category_code")
    known = catalogue.select("product_key", group.alias("item_key")).drop_nulls()
    if ranked.filter(pl.col("len") >= MIN_BUYERS).height <= MAX_ITEMS:
        return known.clear()
    own = ranked.head(max(MAX_ITEMS - known["item_key"].n_unique(), MAX_ITEMS // 2))
    return known.join(own, on="product_key", how="anti").sort("product_key")


def by_item(lines: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The lines with each product's item in place of its key."""
    if groups.is_empty():
        return lines
    return (
        lines.join(groups, on="product_key", how="left", maintain_order="left")
        .with_columns(pl.coalesce("item_key", "product_key").alias("product_key"))
        .drop("item_key")
    )


def fit_affinity(lines: pl.DataFrame, as_of: date, ridge: float = LAMBDA, exponent: float = 1.0) -> Affinity | None:
    """Fits on the year before `as_of`; None where fewer than two products have enough buyers.

    Args:
        lines: account_key, product_key, ordered_on, is_return.
    """
    bought = purchases(lines, as_of)
    popular = bought.group_by("product_key").len().filter(pl.col("len") >= MIN_BUYERS)
    kept = popular.sort(["len", "product_key"], descending=[True, False]).head(MAX_ITEMS)
    items = sorted(kept["product_key"].to_list())
    if len(items) < 2:
        return None
    known = bought.filter(pl.col("product_key").is_in(items))
    accounts = sorted(known["account_key"].unique().to_list())
    x = matrix(known, accounts, items)
    gram = np.asarray((x.T @ x).todense(), dtype=np.float64)
    together = gram.astype(np.int32)
    gram[np.diag_indices_from(gram)] += ridge
    # Each of these matrices takes 200 MB where there are 5,000 items, so they are worked on in place.
    weights: Floats = linalg.inv(gram, overwrite_a=True, check_finite=False)
    del gram
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0.0)
    recent = purchases(lines, as_of, TREND_DAYS).filter(pl.col("product_key").is_in(items))
    counts = dict(recent.group_by("product_key").len().iter_rows())
    b60 = np.array([counts.get(i, 0) for i in items], dtype=np.int64)
    b365 = np.diag(together).astype(np.int64)
    # Threads add in another order: six decimals are what every machine agrees on.
    np.round(weights, 6, out=weights)
    model = Affinity(as_of, items, weights, np.ones(len(items)), b365, b60, together, len(accounts), ridge, 0.0)
    return with_exponent(model, exponent)


def with_exponent(model: Affinity, exponent: float) -> Affinity:
    """The same affinities times another power of the trend: (buyers_60d + 5) / (buyers_365d * 60/365 + 5)."""
    usual = model.buyers_365d * TREND_DAYS / YEAR + TREND_PRIOR
    return replace(model, trend=((model.buyers_60d + TREND_PRIOR) / usual) ** exponent, exponent=exponent)


def matrix(pairs: pl.DataFrame, accounts: list[str], items: list[str]) -> sparse.csr_matrix:
    """The binary account x item matrix of `pairs`; what is not in the lists is left out."""
    row = pl.DataFrame({"account_key": accounts}, schema={"account_key": pl.String}).with_row_index("r")
    column = pl.DataFrame({"product_key": items}, schema={"product_key": pl.String}).with_row_index("c")
    found = (
        pairs.select("account_key", "product_key").unique().join(row, on="account_key").join(column, on="product_key")
    )
    at = (found["r"].to_numpy().astype(np.int64), found["c"].to_numpy().astype(np.int64))
    return sparse.csr_matrix((np.ones(found.height), at), shape=(len(accounts), len(items)))


@dataclass(frozen=True)
class Ranked:
    """The best products of some accounts: `columns[n, k]` is a number in model.items, `values` its score (-inf: none)."""

    accounts: list[str]
    owned: sparse.csr_matrix
    columns: npt.NDArray[np.int64]
    values: Floats


def ranked(
    model: Affinity,
    lines: pl.DataFrame,
    k: int,
    allowed: npt.NDArray[np.bool_] | None = None,
    apart: Sequence[tuple[int, int]] = (),
    at_most: int | None = None,
) -> Iterator[Ranked]:
    """The best k products of each account that bought within the year, some accounts at a time, in order of keys.

    Left out are products owned (ever), not sold in 60 days, not `allowed`, and those `apart` from an owned one; ties go to
    the smaller key.

    Args:
        lines: those before model.as_of.
        at_most: of more accounts than so many every second, third, ... by key.
    """
    owned = purchases(lines, model.as_of)
    accounts = sorted(owned["account_key"].unique().to_list())
    if at_most is not None:
        accounts = accounts[:: -(-len(accounts) // at_most) or 1]
    x = matrix(owned, accounts, model.items)
    ever = matrix(lines.filter((pl.col("ordered_on") < model.as_of) & ~pl.col("is_return")), accounts, model.items)
    never = model.buyers_60d == 0
    if allowed is not None:
        never = never | ~allowed
    # Smaller than the sixth decimal, so that it decides among equals only.
    by_key = np.arange(len(model.items)) * 1e-11
    size = max(CELLS // len(model.items), 1)
    for start in range(0, len(accounts), size):
        part, had = x[start : start + size], ever[start : start + size]
        values = np.round(np.asarray(part @ model.weights) * model.trend, 6) - by_key
        values[:, never] = -np.inf
        values[had.nonzero()] = -np.inf
        for a, b in apart:
            values[had[:, [a]].toarray()[:, 0] > 0, b] = -np.inf
        first = np.argpartition(-values, min(k, values.shape[1] - 1), axis=1)[:, :k]
        inside = np.take_along_axis(values, first, axis=1)
        order = np.argsort(-inside, axis=1, kind="stable")
        columns = np.take_along_axis(first, order, axis=1)
        best = np.round(np.take_along_axis(inside, order, axis=1), 6)
        yield Ranked(accounts[start : start + size], part, columns, best)


def recall(
    lines: pl.DataFrame, ranked: dict[str, list[str]], as_of: date, horizon_days: int, k: int
) -> tuple[float, float]:
    """Recall and coverage of the first k: hits / min(k, new products), where new was never bought before `as_of`.

    Products that nobody bought before `as_of` are left out: no list of that day can name them.

    Coverage is the share of all recommended distinct products among products sold in the 60 days before.
    """
    end = as_of + timedelta(days=horizon_days)
    before = (
        lines.filter((pl.col("ordered_on") < as_of) & ~pl.col("is_return"))
        .select("account_key", "product_key")
        .unique()
    )
    then = lines.filter((pl.col("ordered_on") >= as_of) & (pl.col("ordered_on") < end) & ~pl.col("is_return"))
    existed = before["product_key"].unique()
    fresh = (
        then.select("account_key", "product_key")
        .filter(pl.col("product_key").is_in(existed.implode()))
        .unique()
        .join(before, on=["account_key", "product_key"], how="anti")
    )
    bought = dict(fresh.group_by("account_key").agg("product_key").iter_rows())
    values = [
        len(set(ranked[a][:k]) & set(items)) / min(k, len(items)) for a, items in sorted(bought.items()) if a in ranked
    ]
    sold = purchases(lines, as_of, TREND_DAYS)["product_key"].n_unique()
    shown = {i for a in bought if a in ranked for i in ranked[a][:k]}
    return (float(np.mean(values)) if values else 0.0), (len(shown) / sold if sold else 0.0)


def rank_products(model: Affinity, lines: pl.DataFrame, k: int, at_most: int | None = None) -> dict[str, list[str]]:
    """The first k products of each account that bought within the year, owned ones (ever) left out; see `ranked`."""
    return {
        account: [model.items[j] for j, v in zip(columns, values, strict=True) if v > -np.inf]
        for part in ranked(model, lines, k, at_most=at_most)
        for account, columns, values in zip(part.accounts, part.columns.tolist(), part.values.tolist(), strict=True)
    }


def rank_popular(lines: pl.DataFrame, as_of: date, k: int, days: int = 30) -> dict[str, list[str]]:
    """The baseline: the products with most buyers of the last `days` that the account does not own."""
    popular = (
        purchases(lines, as_of, days)
        .group_by("product_key")
        .len()
        .sort(["len", "product_key"], descending=[True, False])
    )["product_key"].to_list()
    ever = (
        lines.filter((pl.col("ordered_on") < as_of) & ~pl.col("is_return")).group_by("account_key").agg("product_key")
    )
    accounts = set(purchases(lines, as_of)["account_key"])
    ranked: dict[str, list[str]] = {}
    for account, owned in ever.iter_rows():
        if account in accounts:
            have = set(owned)
            ranked[account] = list(islice((p for p in popular if p not in have), k))
    return ranked


def choose_exponent(lines: pl.DataFrame, as_of: date, horizon_days: int = 90) -> float:
    """The exponent of the trend that would have served best one horizon ago; 1 where nothing can be compared."""
    past = as_of - timedelta(days=horizon_days)
    known = lines.filter(pl.col("ordered_on") < as_of)
    best, found = 1.0, -1.0
    model = fit_affinity(known, past)
    if model is None:
        return best
    for exponent in EXPONENTS:
        value, _ = recall(
            known, rank_products(with_exponent(model, exponent), known, 10, JUDGED), past, horizon_days, 10
        )
        if value > found + 1e-9:
            best, found = exponent, value
    return best
