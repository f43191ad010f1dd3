"""How much alike are two records: weights of evidence after Fellegi and Sunter (1969), learned without labels.

A field agrees at some level. Among pairs that are one entity it does so with probability m, among any pairs with u, and a level
weighs log2(m/u). u is counted on random pairs; m on *certain* pairs, which agree on two other strong fields. No iteration, so
nothing can diverge (EM on blocked pairs can), and every weight can be shown to a steward. A missing value weighs nothing.
Weights suggest; they never merge.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RANDOM_PAIRS = 300_000
MIN_CERTAIN_PAIRS = 50
MIN_ERROR = 0.1
"""Certain pairs are cleaner than the others: no disagreement is held rarer than this among pairs of one entity."""
UNKNOWN_PAIR = -6.0
"""Weight, inside a cluster, of two records that no block brought together."""


@dataclass(frozen=True)
class Field:
    """A column to compare. `cuts` are rising similarities; a pair's level is how many of them it reaches.

    compare: "equal" (level 0 or 1), "grams" (cosine of tf-idf of letter triples), "jaro_winkler", or "prefix" (share of equal
        leading letters: a date by year, a postcode by region).
    certain: pairs of *other* fields; two records that agree fully on both are taken for one entity when m is counted.
    """

    name: str
    compare: str = "equal"
    cuts: tuple[float, ...] = (1.0,)
    certain: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Weights:
    """log2(m/u) by field and level, and the prior log2 odds that any two records are one entity."""

    fields: tuple[Field, ...]
    weights: dict[str, tuple[float, ...]]
    prior: float
    certain_pairs: int

    @property
    def learned(self) -> bool:
        return self.certain_pairs >= MIN_CERTAIN_PAIRS

    def table(self) -> pl.DataFrame:
        """What a steward may read: field, level, at_least (similarity), weight."""
        rows = [
            (f.name, level, (0.0, *f.cuts)[level], round(w, 2))
            for f in self.fields
            for level, w in enumerate(self.weights[f.name])
        ]
        return pl.DataFrame(rows, schema=["field", "level", "at_least", "weight"], orient="row")


def grams(texts: Sequence[str | None]) -> sparse.csr_matrix:
    """Rows of unit length: tf-idf of letter triples, blanks at both ends included. None is an empty row."""
    rows: list[int] = []
    columns: list[int] = []
    known: dict[str, int] = {}
    for n, text in enumerate(texts):
        padded = f"  {text} " if text else ""
        for i in range(len(padded) - 2):
            rows.append(n)
            columns.append(known.setdefault(padded[i : i + 3], len(known)))
    counts = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), max(len(known), 1)))
    counts.sum_duplicates()
    found = np.bincount(counts.indices, minlength=counts.shape[1])
    counts.data *= np.log((1 + len(texts)) / (1 + found[counts.indices])) + 1
    length = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ counts)


def similarity(records: pl.DataFrame, field: Field, a: Ints, b: Ints) -> Floats:
    """Similarity of the pairs (a, b) of row numbers of `records`, 0 to 1; NaN where a value is missing."""
    column = records[field.name]
    missing = column.is_null().to_numpy()
    if field.compare == "equal":
        codes = column.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
        value = (codes[a] == codes[b]).astype(np.float64)
    elif field.compare == "grams":
        rows = grams(column.to_list())
        value = np.round(np.asarray(rows[a].multiply(rows[b]).sum(axis=1)).ravel(), 9)
    elif field.compare == "jaro_winkler":
        pairs = pl.DataFrame({"n": np.arange(len(a)), "x": column.gather(a), "y": column.gather(b)})
        with duckdb.connect() as connection:
            connection.register("pairs", pairs.to_arrow())
            found = connection.execute(
                "select coalesce(jaro_winkler_similarity(x, y), 0) from pairs order by n"
            ).fetchnumpy()
        value = np.asarray(next(iter(found.values())), dtype=np.float64)
    elif field.compare == "prefix":
        texts = column.to_list()
        value = np.array([_prefix(texts[i], texts[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True)])
    else:
        raise ValueError(
            f"Field {field.name}: comparison {field.compare!r} is not known; use equal, grams, jaro_winkler or prefix."
        )
    result: Floats = np.where(missing[a] | missing[b], np.nan, value)
    return result


def _prefix(x: str | None, y: str | None) -> float:
    if not x or not y:
        return 0.0
    same = next((n for n, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y)))
    return same / max(len(x), len(y))


def levels(records: pl.DataFrame, field: Field, a: Ints, b: Ints) -> Ints:
    """Level of each pair: -1 missing, 0 differs, up to the number of cuts."""
    value = similarity(records, field, a, b)
    reached = np.sum(value[:, None] >= np.asarray(field.cuts)[None, :] - 1e-9, axis=1).astype(np.int64)
    return np.where(np.isnan(value), -1, reached)


def candidates(
    records: pl.DataFrame, blocks: Sequence[Sequence[str]], across: str | None = None, largest: int = 400
) -> tuple[Ints, Ints]:
    """Pairs of row numbers, a < b, that share all columns of at least one block.

    across: a column in which the two must differ (two systems). largest: a block's value with more records says too little.
    """
    table = records.select(
        sorted({c for block in blocks for c in block} | ({across} if across else set()))
    ).with_row_index("i")
    parts = []
    for block in blocks:
        known = table.drop_nulls(list(block)).filter(pl.len().over(list(block)) <= largest)
        keep = ["i", *block, *([across] if across and across not in block else [])]
        pairs = known.select(keep).join(known.select(keep), on=list(block), suffix="_b")
        pairs = pairs.filter(pl.col("i") < pl.col("i_b"))
        if across:
            pairs = pairs.filter(pl.col(across) != pl.col(f"{across}_b"))
        parts.append(pairs.select(pl.col("i").cast(pl.Int64).alias("a"), pl.col("i_b").cast(pl.Int64).alias("b")))
    found = pl.concat(parts).unique().sort("a", "b")
    return found["a"].to_numpy(), found["b"].to_numpy()


def _random_pairs(records: pl.DataFrame, across: str | None) -> tuple[Ints, Ints]:
    rng = np.random.default_rng(0)  # a fixed seed on sorted rows: the same records give the same pairs
    n = records.height
    a, b = rng.integers(0, n, RANDOM_PAIRS), rng.integers(0, n, RANDOM_PAIRS)
    keep = a != b
    if across:
        side = records[across].rank("dense").to_numpy()
        keep &= side[a] != side[b]
    return a[keep], b[keep]


def learn(
    records: pl.DataFrame,
    fields: Sequence[Field],
    a: Ints,
    b: Ints,
    across: str | None = None,
    possible: int | None = None,
) -> Weights:
    """Weights of `fields` from candidate pairs (a, b) of `records`.

    Args:
        possible: how many pairs there could be at all; all pairs of records unless given.
    """
    found = {f.name: levels(records, f, a, b) for f in fields}
    full = {f.name: found[f.name] == len(f.cuts) for f in fields}
    ra, rb = _random_pairs(records, across)
    random = {f.name: levels(records, f, ra, rb) for f in fields}
    agreeing: dict[str, Floats] = {}
    any_certain = np.zeros(len(a), dtype=bool)
    for f in fields:
        certain = np.zeros(len(a), dtype=bool)
        for g, h in f.certain:
            certain |= full[g] & full[h]
        any_certain |= certain
        agreeing[f.name] = _shares(found[f.name][certain], f)
        agreeing[f.name][0] = max(agreeing[f.name][0], MIN_ERROR)
    everything = possible if possible is not None else records.height * (records.height - 1) // 2
    certain_pairs = int(any_certain.sum())
    prior = log_odds(min(max(certain_pairs, 1) / max(everything, 2), 0.5))

    def against(pairs: npt.NDArray[np.bool_]) -> Weights:
        weights = {
            f.name: tuple(np.round(np.log2(agreeing[f.name]) - np.log2(_shares(random[f.name][pairs], f)), 6).tolist())
            for f in fields
        }
        return Weights(tuple(fields), weights, prior, certain_pairs)

    # Random pairs hold some pairs of one entity, and among pairs of equal rare names hardly any others: left out once.
    first = against(np.ones(len(ra), dtype=bool))
    return against(_odds(first, random) < 0)


def _shares(level: Ints, f: Field) -> Floats:
    """Share of each level among pairs in which no value is missing, half a pair added to each."""
    n = np.bincount(level[level >= 0], minlength=len(f.cuts) + 1).astype(np.float64) + 0.5
    result: Floats = n / n.sum()
    return result


def _odds(learned: Weights, level: dict[str, Ints]) -> Floats:
    odds = np.full(len(next(iter(level.values()))), learned.prior)
    for f in learned.fields:
        found = level[f.name]
        odds += np.where(found < 0, 0.0, np.asarray(learned.weights[f.name])[np.maximum(found, 0)])
    result: Floats = np.round(odds, 6)
    return result


def total(records: pl.DataFrame, learned: Weights, a: Ints, b: Ints) -> Floats:
    """Log2 odds that each pair is one entity: prior plus the weights of its levels."""
    return _odds(learned, {f.name: levels(records, f, a, b) for f in learned.fields})


def log_odds(probability: float) -> float:
    return math.log2(probability / (1 - probability))


def one_to_one(a: Ints, b: Ints, weight: Floats, at_least: float) -> list[tuple[int, int]]:
    """The pairs with at least that weight, best first, each record once; ties by record number."""
    order = np.lexsort((b, a, -weight))
    taken: set[int] = set()
    kept = []
    for n in order.tolist():
        if weight[n] < at_least:
            break
        x, y = int(a[n]), int(b[n])
        if x not in taken and y not in taken:
            taken |= {x, y}
            kept.append((x, y))
    return kept


def average_link(count: int, a: Ints, b: Ints, weight: Floats, at_least: float) -> Ints:
    """Cluster number of each of `count` records: joined while the mean weight between two clusters is `at_least`.

    Pairs that were never compared count UNKNOWN_PAIR, so a chain of single likenesses does not make one cluster.
    """
    possible = weight >= at_least
    graph = sparse.csr_matrix((np.ones(int(possible.sum())), (a[possible], b[possible])), shape=(count, count))
    _, component = sparse.csgraph.connected_components(graph, directed=False)
    label = np.arange(count)
    inside = component[a] == component[b]
    edges: dict[int, list[int]] = defaultdict(list)
    for n in np.flatnonzero(inside).tolist():
        edges[int(component[a[n]])].append(n)
    members: dict[int, list[int]] = defaultdict(list)
    for n in range(count):
        members[int(component[n])].append(n)
    for c, group in members.items():
        if len(group) < 2:
            continue
        place = {record: n for n, record in enumerate(group)}
        sums = np.full((len(group), len(group)), UNKNOWN_PAIR)
        for n in edges[c]:
            x, y = place[int(a[n])], place[int(b[n])]
            sums[x, y] = sums[y, x] = weight[n]
        _agglomerate(sums, np.array(group), label, at_least)
    return label


def _agglomerate(sums: Floats, group: Ints, label: Ints, at_least: float) -> None:
    sizes = np.ones(len(group))
    alive = np.ones(len(group), dtype=bool)
    own: list[list[int]] = [[int(g)] for g in group]
    while alive.sum() > 1:
        mean = sums / np.outer(sizes, sizes)
        mean[~alive, :] = -np.inf
        mean[:, ~alive] = -np.inf
        np.fill_diagonal(mean, -np.inf)
        x, y = divmod(int(np.argmax(mean)), len(group))
        if mean[x, y] < at_least:
            break
        sums[x] += sums[y]
        sums[:, x] = sums[x]
        sizes[x] += sizes[y]
        alive[y] = False
        own[x] += own[y]
    for n in np.flatnonzero(alive).tolist():
        label[own[n]] = min(own[n])
