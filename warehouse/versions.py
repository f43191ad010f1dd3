"""Which versions of which records a stream has landed: what decides whether a record is new, known or older.

A cache beside the parts, rebuilt from them whenever it is missing, damaged or of another hash function. Each part adds
one sorted run of four 64-bit columns; runs are searched where they lie on disk and merged when they become many, so
that memory does not grow with a backfill. Hashes may collide: then a record is miscounted, but still stored, because
a version is taken for known only when the hashes of its key and of its content agree.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.files import TEMPORARY, private_folder, storage_errors

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NO_TIME = np.iinfo(np.int64).min
"""The order of a record without `updated_at`: before every instant."""
MANY_RUNS = 8
_HEADER = struct.Struct("<8sQQQQ")
_MAGIC = b"WPVERS01"
_PROBE = int(pl.Series(["probe"]).hash()[0])
_DELETED, _UNDATED = np.uint64(2), np.uint64(1)


@dataclass(frozen=True)
class Entries:
    """Versions, as columns of equal length: hash of the key, hash of the version, order, and where it lies."""

    ids: U64
    versions: U64
    orders: I64
    places: U64  # part << 26 | row << 2 | deleted << 1 | undated: grows with the time of landing

    def take(self, chosen: npt.NDArray[Any]) -> Entries:
        return Entries(self.ids[chosen], self.versions[chosen], self.orders[chosen], self.places[chosen])

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def parts(self) -> I64:
        return (self.places >> np.uint64(26)).astype(np.int64)

    def rows_by_part(self) -> dict[int, int]:
        if len(self) == 0:
            return {}
        parts = self.parts
        first = int(parts.min())
        counts = np.bincount(parts - first)
        return {first + int(i): int(counts[i]) for i in np.flatnonzero(counts)}

    @property
    def rows(self) -> I64:
        return ((self.places >> np.uint64(2)) & np.uint64(0xFFFFFF)).astype(np.int64)

    @property
    def deleted(self) -> Flags:
        return np.asarray(self.places & _DELETED, dtype=np.bool_)

    @property
    def undated(self) -> Flags:
        """Whether it is a deletion that nobody dated: see `timeless_deletions`."""
        return np.asarray(self.places & _UNDATED, dtype=np.bool_)


def hash_ids(ids: pl.Series) -> U64:
    return ids.hash().to_numpy()


def hash_orders(instants: pl.Series) -> I64:
    return instants.cast(pl.Int64).fill_null(NO_TIME).to_numpy()


def places(part_id: int, deleted: Flags, undated: Flags) -> U64:
    rows = np.arange(len(deleted), dtype=np.uint64) << np.uint64(2)
    flags = deleted.astype(np.uint64) << np.uint64(1) | undated.astype(np.uint64)
    return np.uint64(part_id << 26) | rows | flags


def undated_deletions(frame: pl.DataFrame) -> Flags:
    """Deletions nobody dated: concluded from absence, or told by the record that another was merged into."""
    dated = pl.col("updated_at").is_not_null()
    if "counts_from_at" in frame.columns:
        dated &= pl.col("updated_at").eq_missing(pl.col("counts_from_at"))
    return frame.select(pl.col("is_deleted") & ~dated).to_series().to_numpy()


def entries_of(frame: pl.DataFrame, part_id: int) -> Entries:
    """The entries of a part, from its own columns."""
    versions = frame["version_hash"].str.slice(0, 16).str.decode("hex").to_list()
    order = "counts_from_at" if "counts_from_at" in frame.columns else "updated_at"
    return Entries(
        hash_ids(frame["record_id"]),
        np.frombuffer(b"".join(versions), dtype=">u8").astype(np.uint64),
        hash_orders(frame[order]),
        places(part_id, frame["is_deleted"].to_numpy(), undated_deletions(frame)),
    )


class VersionIndex:
    """The versions of one stream.

    Args:
        folder: where the cache lies.
        parts: rows by part id, of all parts the ledger knows.
        read: reads the entries of a part from the part itself.
    """

    def __init__(self, folder: Path, parts: dict[int, int], read: Callable[[int], Entries]) -> None:
        self.folder = private_folder(folder)
        self._runs: list[Entries] = []
        self._files: list[Path] = []
        self._recent: list[Entries] = []
        self._seen: list[npt.NDArray[np.uint32]] = []
        missing = self._open(parts)
        for part_id in missing:
            self._keep(part_id, part_id, read(part_id))
        if len(self._runs) > MANY_RUNS:
            self._merge(min(parts), max(parts))

    def _open(self, parts: dict[int, int]) -> list[int]:
        """Opens the runs that agree with the ledger, removes the others; returns the parts that no run covers."""
        missing = sorted(parts)
        for path in sorted(self.folder.iterdir()):
            run = _read_run(path)
            covered = [p for p in missing if run is not None and run[0] <= p <= run[1]]
            if run is None or not covered or run[2].rows_by_part() != {p: parts[p] for p in covered}:
                path.unlink()
                continue
            self._runs.append(run[2])
            self._files.append(path)
            missing = [p for p in missing if p not in set(covered)]
        return missing

    def _keep(self, first: int, last: int, entries: Entries) -> Entries:
        entries = entries.take(np.argsort(entries.ids, kind="stable"))
        path = self.folder / f"{first:012d}-{last:012d}"
        _write_run(path, first, last, entries)
        run = _read_run(path)
        assert run is not None
        self._runs.append(run[2])
        self._files.append(path)
        return entries

    def _merge(self, first: int, last: int) -> None:
        entries, old = self.all(), self._files
        self._runs, self._files = [], []
        for path in old:
            path.unlink()
        self._keep(first, last, entries)

    def add(self, part_id: int, entries: Entries) -> None:
        """Adds what a part of this pass stored. To be called after the ledger has the part."""
        entries = entries.take(np.argsort(entries.ids, kind="stable"))
        path = self.folder / f"{part_id:012d}-{part_id:012d}"
        _write_run(path, part_id, part_id, entries)
        run = _read_run(path)
        assert run is not None
        self._recent.append(run[2])
        # A quarter of the key's hash, in memory, tells which of this pass's records may be here a second time.
        self._seen.append((entries.ids >> np.uint64(32)).astype(np.uint32))
        while len(self._seen) > 1 and len(self._seen[-2]) < 4 * len(self._seen[-1]):
            self._seen[-2:] = [np.sort(np.concatenate(self._seen[-2:]))]

    def all(self) -> Entries:
        runs = [*self._runs, *self._recent]
        return Entries(
            np.concatenate([r.ids for r in runs] or [np.empty(0, np.uint64)]),
            np.concatenate([r.versions for r in runs] or [np.empty(0, np.uint64)]),
            np.concatenate([r.orders for r in runs] or [np.empty(0, np.int64)]),
            np.concatenate([r.places for r in runs] or [np.empty(0, np.uint64)]),
        )

    def current(self) -> Entries:
        """The current version of every record."""
        entries = self.all()
        order = np.lexsort((entries.places, entries.orders, entries.ids))
        entries = entries.take(order)
        if len(entries) == 0:
            return entries
        return entries.take(np.append(entries.ids[1:] != entries.ids[:-1], True))

    def find(self, ids: U64) -> tuple[I64, Entries]:
        """All versions of the records with these keys, ascending by (position in `ids`, order, time of landing).

        Returns the position in `ids` of each version found, and the versions.
        """
        order = np.argsort(ids)
        sorted_ids = ids[order]
        at: list[I64] = []
        found: list[Entries] = []
        for run in self._runs:
            self._search(run, order, sorted_ids, at, found)
        if self._recent:
            high = (sorted_ids >> np.uint64(32)).astype(np.uint32)
            maybe = np.zeros(len(high), dtype=np.bool_)
            for seen in self._seen:
                position = np.minimum(np.searchsorted(seen, high), len(seen) - 1)
                maybe |= seen[position] == high
            if maybe.any():
                for run in self._recent:
                    self._search(run, order[maybe], sorted_ids[maybe], at, found)
        if not found:
            empty = np.empty(0, np.int64)
            return empty, Entries(empty.astype(np.uint64), empty.astype(np.uint64), empty, empty.astype(np.uint64))
        where = np.concatenate(at)
        entries = Entries(
            np.concatenate([e.ids for e in found]),
            np.concatenate([e.versions for e in found]),
            np.concatenate([e.orders for e in found]),
            np.concatenate([e.places for e in found]),
        )
        by = np.lexsort((entries.places, entries.orders, where))
        return where[by], entries.take(by)

    @staticmethod
    def _search(run: Entries, order: I64, sorted_ids: U64, at: list[I64], found: list[Entries]) -> None:
        low = np.searchsorted(run.ids, sorted_ids, "left")
        # Few records have several versions in one run: look for the end only where there is a beginning.
        hit = np.flatnonzero(run.ids[np.minimum(low, len(run.ids) - 1)] == sorted_ids)
        if len(hit) == 0:
            return
        low, high = low[hit], np.searchsorted(run.ids, sorted_ids[hit], "right")
        counts = high - low
        starts = np.repeat(low - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
        at.append(np.repeat(order[hit], counts))
        found.append(run.take(starts + np.arange(len(starts))))


def _write_run(path: Path, first: int, last: int, entries: Entries) -> None:
    body = b"".join(column.tobytes() for column in (entries.ids, entries.versions, entries.orders, entries.places))
    header = _HEADER.pack(_MAGIC, _PROBE, first, last, zlib.crc32(body))
    aside = path.with_name(path.name + TEMPORARY)
    with storage_errors(path):
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(header)
            file.write(body)
        # No fsync: a torn run does not pass its checksum and is read anew from the part.
        os.replace(aside, path)


def _read_run(path: Path) -> tuple[int, int, Entries] | None:
    """A run where it lies on disk, or None where it is torn, foreign, or made by another hash function."""
    size = path.stat().st_size - _HEADER.size
    if size <= 0 or size % 32:
        return None
    with path.open("rb") as file:
        magic, probe, first, last, checksum = _HEADER.unpack(file.read(_HEADER.size))
        if magic != _MAGIC or probe != _PROBE:
            return None
        crc = 0
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    if crc != checksum:
        return None
    columns = np.memmap(path, dtype=np.uint64, mode="r", offset=_HEADER.size, shape=(4, size // 32))
    return int(first), int(last), Entries(columns[0], columns[1], columns[2].view(np.int64), columns[3])


def current_of(positions: I64, entries: Entries, length: int) -> I64:
    """For each of `length` queries the index of its current version within `entries`, or -1."""
    newest = np.full(length, -1, dtype=np.int64)
    newest[positions] = np.arange(len(positions))  # ascending: the last one written stays
    return newest
