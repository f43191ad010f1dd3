"""Pairs of accounts that look alike and are not one yet: for a steward, best first, one-to-one between two systems.

Weights of evidence come from the records themselves (insight/linkage.py) once enough pairs are certain, until then from a
table of house weights. A suggestion never merges.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from insight import linkage
from insight.linkage import Field, Weights
from insight.tables import empty, fitted

ALIKE = (0.85, 0.92, 0.97)
FIELDS = (
    Field("c_name", "jaro_winkler", ALIKE, (("c_post", "c_house"), ("c_phone", "c_post"), ("c_domain", "c_post"))),
    Field("c_post", "equal", (1.0,), (("c_name", "c_domain"), ("c_name", "c_phone"))),
    Field("c_city", "equal", (1.0,), (("c_name", "c_domain"), ("c_name", "c_phone"))),
    Field("c_house", "equal", (1.0,), (("c_name", "c_domain"), ("c_name", "c_phone"))),
    Field("c_phone", "equal", (1.0,), (("c_name", "c_domain"), ("c_name", "c_post"))),
    Field("c_domain", "equal", (1.0,), (("c_name", "c_phone"), ("c_name", "c_post"))),
)
BLOCKS = (("c_domain",), ("c_post", "name3"), ("name4", "c_city"), ("c_phone",), ("name6",))
HOUSE = Weights(
    FIELDS,
    {
        "c_name": (-3.0, 2.0, 4.0, 6.0),
        "c_post": (-2.0, 2.5),
        "c_city": (-1.0, 1.0),
        "c_house": (-1.0, 2.0),
        "c_phone": (-0.5, 5.0),
        "c_domain": (-1.0, 4.0),
    },
    -5.0,
    0,
)
"""Used while fewer than fifty pairs are certain."""


def suggest(accounts: pl.DataFrame, identity: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Rows of identity_edge with decision 'suggested'.

    Args:
        accounts: cleaned records (insight/cleaning.py) in sorted order.
        identity, edges: what the keys made of them; pairs that are one already, or were vetoed, are not suggested.
    """
    names = ["source_system", "source_instance", "source_record_id"]
    if accounts.height < 2:
        return empty("identity_edge")
    table = accounts.join(identity.select(*names, "entity_key"), on=names, maintain_order="left").with_columns(
        (pl.col("source_system") + "/" + pl.col("source_instance")).alias("place"),
        *(pl.col("c_name").str.slice(0, n).alias(f"name{n}") for n in (3, 4, 6)),
    )
    a, b = linkage.candidates(table, BLOCKS, across="place")
    if not len(a):
        return empty("identity_edge")
    learned = linkage.learn(table, FIELDS, a, b, across="place")
    weights = learned if learned.learned else HOUSE
    points = linkage.total(table, weights, a, b)
    entity, place = table["entity_key"].to_list(), table["place"].to_list()
    named = (table["c_name"].is_not_null()).to_numpy()
    undecided = np.array([entity[x] != entity[y] for x, y in zip(a.tolist(), b.tolist(), strict=True)])
    good = np.flatnonzero(undecided & named[a] & named[b] & (points >= 0))
    evidence = {f.name: linkage.levels(table, f, a[good], b[good]) for f in FIELDS}
    alike = np.nan_to_num(linkage.similarity(table, FIELDS[0], a[good], b[good]))
    records = list(table.select(names).iter_rows())
    vetoed = {
        frozenset(((r[0], r[1], r[2]), (r[3], r[4], r[5])))
        for r in edges.filter(pl.col("decision") == "vetoed")
        .select("a_system", "a_instance", "a_record_id", "b_system", "b_instance", "b_record_id")
        .iter_rows()
    }
    taken: set[tuple[str, str, str]] = set()
    rows = []
    for n in np.lexsort((b[good], a[good], -points[good])).tolist():
        x, y = int(a[good][n]), int(b[good][n])
        mine, theirs = (entity[x], place[x], place[y]), (entity[y], place[y], place[x])
        if (
            mine in taken
            or theirs in taken
            or frozenset((records[x], records[y])) in vetoed
            or evidence["c_name"][n] == 0
        ):
            continue
        taken |= {mine, theirs}
        said = [f"names alike {alike[n]:.2f}"]
        for f in FIELDS[1:]:
            if (level := int(evidence[f.name][n])) >= 0:
                word = "equal" if level else "differs"
                said.append(f"{f.name.removeprefix('c_')} {word} {weights.weights[f.name][level]:+.1f}")
        rows.append(
            {
                "entity_type": "account",
                **dict(zip(("a_system", "a_instance", "a_record_id"), records[x], strict=True)),
                **dict(zip(("b_system", "b_instance", "b_record_id"), records[y], strict=True)),
                "rule_id": "looks_alike" if weights is learned else "looks_alike_house",
                "points": float(points[good[n]]),
                "evidence": "; ".join(said),
                "decision": "suggested",
            }
        )
    return fitted("identity_edge", pl.DataFrame(rows, infer_schema_length=None)) if rows else empty("identity_edge")
