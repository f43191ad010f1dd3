"""What a received record is against what has landed: new, unchanged or superseded; and what of it is stored.

A version is what the vendor said and when: the record's text, its time, its deletion, its survivor. Each is stored once,
but for changes back that only the order of arrival tells. No I/O here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from warehouse.parts import columns_hash
from warehouse.versions import (
    I64,
    NO_TIME,
    U64,
    Entries,
    Flags,
    VersionIndex,
    current_of,
    hash_ids,
    hash_orders,
    undated_deletions,
)

NEW, UNCHANGED, SUPERSEDED = 0, 1, 2
HASHED_AT_ONCE = 1_000
"""Records whose text is in memory a second time while it is hashed."""


def classify(frame: pl.DataFrame, index: VersionIndex, schemas: Mapping[int, str]) -> tuple[pl.DataFrame, Entries, I64]:
    """The rows to store with their version hash, their entries (without a place yet), and what each received row is.

    Args:
        schemas: columns hash by part: a record that is the same but was stored with other columns is stored again.
    """
    frame, ids, versions = hashed(frame)
    orders, undated = hash_orders(frame["updated_at"]).copy(), undated_deletions(frame)
    status = np.zeros(len(ids), dtype=np.int64)
    store = np.ones(len(ids), dtype=np.bool_)
    positions, known = index.find(ids)
    same_schema = {columns_hash(frame), columns_hash(_with_order(frame, orders))}
    other_schema = [part for part, schema in schemas.items() if schema not in same_schema]
    if len(known):
        newest = current_of(positions, known, len(ids))
        found = newest >= 0
        at = known.take(newest[found])
        # A deletion nobody dated counts from now on: as late as the newest version.
        orders[found] = np.where(undated[found], at.orders, orders[found])
        landed = np.zeros(len(ids), dtype=np.bool_)
        landed[positions[known.versions == versions[positions]]] = True
        status[found], store[found] = decide(
            at, versions[found], orders[found], landed[found], np.isin(at.parts, other_schema)
        )
    repeated = _repeated(ids)
    if len(repeated):
        one_by_one = _OneByOne(ids, versions, orders, undated, set(other_schema))
        one_by_one.know(set(repeated.tolist()), positions, known)
        for i in repeated.tolist():
            status[i], store[i] = one_by_one.next(i)
    if (undated & store).any():
        frame = _with_order(frame, orders)
    chosen = frame if store.all() else frame.filter(pl.Series(store))
    placeless = np.zeros(chosen.height, dtype=np.uint64)
    return chosen, Entries(ids[store], versions[store], orders[store], placeless), status


def decide(
    newest: Entries, versions: Any, orders: Any, landed: Any, other_schema: Any
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What a received version is, against the newest one landed of the same record: (status, whether to store it).

    * It is the newest one itself: unchanged; stored again only where a typed column was declared since.
    * It is later: new.
    * It is equally late, or neither has a time: the one that arrived last counts. Where times tell the order, a version
      landed before is a repetition; without times it is a change back, and after a deletion that was only concluded
      from absence it is a return.
    * It is earlier: superseded, stored as history the first time.
    """
    same = (newest.versions == versions) & ~other_schema
    later = orders > newest.orders
    equal = orders == newest.orders
    returns = equal & (newest.undated | (orders == NO_TIME) | ((newest.versions == versions) & other_schema))
    new = ~same & (later | returns | (equal & ~landed))
    status = np.where(same, UNCHANGED, np.where(new, NEW, SUPERSEDED))
    return status, new | (~same & ~new & ~landed)


class _OneByOne:
    """Records that came several times within one part: one after the other, in the order of their arrival."""

    def __init__(self, ids: U64, versions: U64, orders: I64, undated: Flags, other_schema: set[int]) -> None:
        self.ids, self.versions, self.orders, self.undated = ids, versions, orders, undated
        self.other_schema = other_schema
        self.newest: dict[int, tuple[int, int, bool, bool]] = {}  # order, version, undated deletion, other columns
        self.landed: dict[int, set[int]] = {}

    def know(self, wanted: set[int], positions: I64, known: Entries) -> None:
        for i, at in enumerate(positions.tolist()):
            if at in wanted:
                key, version, part = int(known.ids[i]), int(known.versions[i]), int(known.places[i]) >> 26
                other = part in self.other_schema
                self.newest[key] = (int(known.orders[i]), version, bool(known.undated[i]), other)
                self.landed.setdefault(key, set()).add(version)

    def next(self, i: int) -> tuple[int, bool]:
        key, version, order = int(self.ids[i]), int(self.versions[i]), int(self.orders[i])
        seen, last = self.landed.setdefault(key, set()), self.newest.get(key)
        if last is None:
            status, store = NEW, True
        else:
            if self.undated[i]:
                order = last[0]
                self.orders[i] = order
            place = np.array([1 if last[2] else 0], np.uint64)
            newest = Entries(
                np.array([key], np.uint64), np.array([last[1]], np.uint64), np.array([last[0]], np.int64), place
            )
            what, keep = decide(
                newest, np.array([version], np.uint64), np.array([order], np.int64), np.array([version in seen]),
                np.array([last[3]]),
            )  # fmt: skip
            status, store = int(what[0]), bool(keep[0])
        if store:
            seen.add(version)
            if last is None or order >= last[0]:
                self.newest[key] = (order, version, bool(self.undated[i]), False)
        return status, store


def hashed(frame: pl.DataFrame) -> tuple[pl.DataFrame, U64, U64]:
    """The frame with `version_hash`, the hashes of its keys and the first halves of its version hashes."""
    before = pl.concat_str(
        pl.col("updated_at").cast(pl.Int64).cast(pl.String).fill_null(""),
        pl.col("is_deleted").cast(pl.String),
        pl.col("merged_into").fill_null(""),
        pl.lit(""),
        separator="\x1f",
    )
    said = frame.select(before.cast(pl.Binary), pl.col("record").cast(pl.Binary))
    sha256 = hashlib.sha256
    digests = [
        sha256(mark + record).digest()[:16]
        for some in said.iter_slices(HASHED_AT_ONCE)
        for mark, record in zip(*(column.to_list() for column in some), strict=True)
    ]
    versions = np.frombuffer(b"".join(digests), dtype=">u8")[::2].astype(np.uint64)
    column = pl.Series("version_hash", digests, dtype=pl.Binary).bin.encode("hex")
    return frame.with_columns(column), hash_ids(frame["record_id"]), versions


def _with_order(frame: pl.DataFrame, orders: I64) -> pl.DataFrame:
    at = pl.Series("counts_from_at", orders).cast(pl.Datetime("us"))
    return frame.with_columns(
        at.to_frame().select(pl.when(pl.Series(orders) != NO_TIME).then(pl.col("counts_from_at"))).to_series()
    )


def _repeated(ids: U64) -> I64:
    """Positions of keys that occur more than once, ascending."""
    order = np.argsort(ids, kind="stable")
    sorted_ids = ids[order]
    twin = np.zeros(len(ids), dtype=np.bool_)
    same = sorted_ids[1:] == sorted_ids[:-1]
    twin[1:] |= same
    twin[:-1] |= same
    return np.sort(order[twin])
