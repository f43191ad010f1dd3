"""Landing: what a connector read becomes immutable parts, and only then does the cursor move.

Pages are collected to parts of about ten thousand records. A part is durable on disk before one ledger transaction
makes it known together with the cursor, the place to resume from, the refused rows and all counts: a crash at any
moment leaves either all of that or nothing. What a record means belongs elsewhere; here it is only new, unchanged,
superseded or quarantined.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import sqlalchemy as sa

from warehouse import cursors, tables
from warehouse import parts as part_files
from warehouse.classify import NEW, SUPERSEDED, UNCHANGED, classify, hashed
from warehouse.errors import IntegrityError
from warehouse.files import safe_name
from warehouse.ledger import Ledger, upsert
from warehouse.parts import LANDED, PART_ROWS, RECORDS, REJECTS, TOMBSTONES, StreamKey
from warehouse.quarantine import Refused, heal, keep_refused, refused_frame
from warehouse.versions import (
    Entries,
    VersionIndex,
    entries_of,
    hash_ids,
    hash_orders,
    places,
    undated_deletions,
)

PART_BYTES = 64 << 20
PART_SECONDS = 10.0
"""A slow vendor fills a part in minutes: what a kill costs is bounded by time, too."""
COUNTS = ("received", "new", "unchanged", "superseded", "quarantined", "tombstoned", "pages", "requests")


class Batch(Protocol):
    """What a connector yields; see the connectors for what the fields promise."""

    @property
    def stream(self) -> str: ...
    @property
    def frame(self) -> pl.DataFrame: ...
    @property
    def rejects(self) -> Sequence[Refused]: ...
    @property
    def received(self) -> int: ...
    @property
    def resume(self) -> str | None: ...
    @property
    def cursor(self) -> str | None: ...
    @property
    def complete(self) -> bool: ...
    @property
    def present_ids(self) -> pl.Series | None: ...
    @property
    def requests(self) -> int: ...
    @property
    def pages(self) -> int: ...
    @property
    def waited_seconds(self) -> float: ...
    @property
    def server_time(self) -> datetime | None: ...


@dataclass(frozen=True)
class StreamRun:
    """What a run did to a stream. `received = new + unchanged + superseded + quarantined` always holds."""

    received: int
    new: int
    unchanged: int
    superseded: int
    quarantined: int
    tombstoned: int
    pages: int
    requests: int
    waited_seconds: float
    complete: bool
    cursor_before: str | None
    cursor_after: str | None


@dataclass
class _Pass:
    """A stream being read: what is collected but not yet durable, and what decides about the next part."""

    key: StreamKey
    cursor: str | None
    index: VersionIndex | None = None
    schemas: dict[int, str] = field(default_factory=dict)
    frames: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[Refused] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    received: int = 0
    pages: int = 0
    requests: int = 0
    waited: float = 0.0
    resume: str | None = None
    resume_moved: bool = False
    next_cursor: str | None = None
    complete: bool = False
    present_ids: pl.Series | None = None
    server_time: datetime | None = None
    since: float = field(default_factory=time.monotonic)

    def collect(self, batch: Batch) -> None:
        if batch.received != batch.frame.height + len(batch.rejects):
            raise IntegrityError(
                f"{self.key}: a page of {batch.received} records became {batch.frame.height} rows and "
                f"{len(batch.rejects)} refusals; nothing of it was landed: report this as a fault of the connector"
            )
        if batch.frame.height:
            self.frames.append(batch.frame)
        self.rejects.extend(batch.rejects)
        self.rows += batch.received
        self.size += int(batch.frame.estimated_size()) + sum(len(r.record) for r in batch.rejects)
        self.received += batch.received
        self.pages += batch.pages
        self.requests += batch.requests
        self.waited += batch.waited_seconds
        self.complete = batch.complete
        if batch.server_time is not None:
            self.server_time = max(batch.server_time, self.server_time or batch.server_time)
        if batch.present_ids is not None:
            self.present_ids = batch.present_ids
            if batch.cursor is None:
                # A pass over keys alone says nothing about where the reading of records stands.
                return
        self.resume = None if batch.complete else batch.resume
        self.resume_moved = True
        if batch.complete and batch.cursor is not None:
            self.next_cursor = batch.cursor

    def clear(self, moved: bool) -> None:
        self.frames, self.rejects = [], []
        self.rows = self.size = self.received = self.pages = self.requests = 0
        self.waited = 0.0
        self.resume_moved = self.resume_moved and not moved
        self.since = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether what is collected should become a part."""
        old = self.rows > 0 and time.monotonic() - self.since >= PART_SECONDS
        return self.complete or self.rows >= PART_ROWS or self.size >= PART_BYTES or old


class Landing:
    """Lands the streams of one run. Call it from one thread; several landings may share a ledger.

    Args:
        full: the run reads everything anew; only then may a cursor move back.
    """

    def __init__(self, ledger: Ledger, data_dir: Path, run_id: str, full: bool = False) -> None:
        self.ledger = ledger
        self.data_dir = Path(data_dir)
        self.run_id = safe_name(run_id, "run")
        self.full = full
        self.notes: list[str] = []
        self._passes: dict[StreamKey, _Pass] = {}
        with ledger.mutex:
            if (str(self.data_dir), run_id) not in ledger.swept:
                self.notes += part_files.sweep(self.data_dir, ledger)
                ledger.swept.add((str(self.data_dir), run_id))

    def state(self, vendor: str, instance: str, stream: str) -> tuple[str | None, str | None]:
        """The cursor, and the place to resume an interrupted pass from (dropped when older than a day)."""
        return cursors.read_cursor(self.ledger, StreamKey(vendor, instance, stream))

    def write(self, vendor: str, instance: str, batch: Batch) -> None:
        """Takes one page. It is durable, and its resume token known, at the latest when the stream is finished."""
        key = StreamKey(vendor, instance, batch.stream)
        current = self._passes.get(key)
        if current is None:
            current = self._passes[key] = _Pass(key, cursors.read_cursor(self.ledger, key)[0])
        current.collect(batch)
        if batch.complete and current.present_ids is not None:
            # The cursor says that keys were compared: it may move only together with what came of that.
            landed = self._flush(current, move_cursor=False)
            self._tombstone_absent(current, landed)
        elif current.is_due:
            self._flush(current)

    def finish_stream(self, vendor: str, instance: str, stream: str) -> StreamRun:
        """Makes durable what is still collected, and checks the conservation law.

        To be called when a pass has ended, also when it has failed: what came before the failure is kept, and the
        next run resumes after it.

        Raises:
            IntegrityError: received is not new + unchanged + superseded + quarantined.
        """
        key = StreamKey(vendor, instance, stream)
        current = self._passes.pop(key, None) or _Pass(key, cursors.read_cursor(self.ledger, key)[0])
        if current.rows or current.resume_moved or current.requests:
            self._flush(current)
        now = self.ledger.clock()
        status = "complete" if current.complete else "incomplete"
        with self.ledger.begin() as connection:
            self._count(connection, current, now, {"finished_at": now, "status": status})
            table = tables.stream_run
            row = dict(connection.execute(sa.select(table).where(*_same(table, key, self.run_id))).mappings().one())
        if row["received"] != row["new"] + row["unchanged"] + row["superseded"] + row["quarantined"]:
            raise IntegrityError(
                f"{key}: received {row['received']} records but accounts for {row['new']} new, {row['unchanged']} "
                f"unchanged, {row['superseded']} superseded and {row['quarantined']} quarantined; run "
                "`wegpunkt verify`, then `wegpunkt run --full`"
            )
        return StreamRun(
            **{name: row[name] for name in COUNTS},
            waited_seconds=row["waited_seconds"],
            complete=current.complete,
            cursor_before=row["cursor_before"],
            cursor_after=row["cursor_after"],
        )

    # -- one part

    def _index(self, current: _Pass) -> VersionIndex:
        if current.index is None:
            known = {p.part_id: p for p in part_files.parts_of(self.ledger, current.key) if p.kind != REJECTS}
            current.schemas = {p.part_id: p.columns_hash for p in known.values()}

            def read(part_id: int) -> Entries:
                part = known[part_id]
                part_files.check_part(self.data_dir, part, content=False)
                wanted = ("record_id", "updated_at", "counts_from_at", "is_deleted", "version_hash")
                scan = pl.scan_parquet(self.data_dir / part.path)
                names = scan.collect_schema().names()
                return entries_of(scan.select([name for name in wanted if name in names]).collect(), part_id)

            folder = self.data_dir / "cache" / "versions" / current.key.folder
            current.index = VersionIndex(folder, {p: known[p].rows for p in known}, read)
        return current.index

    def _flush(self, current: _Pass, move_cursor: bool = True) -> list[dict[str, Any]]:
        """One part, one transaction. Leaves what was collected in place where it fails, so that nothing is half counted.

        Returns the ledger rows of the parts written.
        """
        stored: pl.DataFrame | None = None
        counts = {"new": 0, "unchanged": 0, "superseded": 0}
        entries: Entries | None = None
        fresh = pl.Series([], dtype=pl.String)
        if current.frames:
            frame = pl.concat(current.frames) if len(current.frames) > 1 else current.frames[0]
            stored, entries, status = classify(frame, self._index(current), current.schemas)
            fresh = frame["record_id"].filter(pl.Series(status == NEW))
            numbers = np.bincount(status, minlength=3)
            counts = {
                "new": int(numbers[NEW]),
                "unchanged": int(numbers[UNCHANGED]),
                "superseded": int(numbers[SUPERSEDED]),
            }
        rows: list[dict[str, Any]] = []
        if stored is not None and stored.height:
            loaded_at = self.ledger.next_loaded_at()
            rows.append(part_files.write_part(self.data_dir, current.key, RECORDS, stored, loaded_at, self.run_id))
        if current.rejects:
            refused = refused_frame(current.key, current.rejects)
            loaded_at = self.ledger.next_loaded_at()
            rows.append(part_files.write_part(self.data_dir, current.key, REJECTS, refused, loaded_at, self.run_id))
        now = self.ledger.clock()
        part_id = None
        with self.ledger.begin() as connection:
            for row in rows:
                inserted = connection.execute(sa.insert(tables.part).values(**row, resume=current.resume))
                if row["kind"] == RECORDS:
                    part_id = int(inserted.inserted_primary_key[0])  # type: ignore[index]
            if current.rejects:
                keep_refused(connection, current.key, refused, rows[-1], self.run_id, now)
            if stored is not None:
                heal(connection, current.key, fresh, now)
            after = self._move_cursor(connection, current, now, rows) if move_cursor else current.cursor
            self._count(
                connection,
                current,
                now,
                {"cursor_after": after},
                received=current.received,
                quarantined=len(current.rejects),
                pages=current.pages,
                requests=current.requests,
                waited_seconds=current.waited,
                **counts,
            )
        current.cursor = after
        current.clear(moved=move_cursor)
        if part_id is not None and entries is not None and stored is not None:
            current.schemas[part_id] = part_files.columns_hash(stored)
            placed = places(part_id, stored["is_deleted"].to_numpy(), undated_deletions(stored))
            self._index(current).add(part_id, Entries(entries.ids, entries.versions, entries.orders, placed))
        return rows

    def _move_cursor(
        self, connection: sa.Connection, current: _Pass, now: datetime, rows: Sequence[dict[str, Any]]
    ) -> str | None:
        changes: dict[str, Any] = {}
        after = current.cursor
        if current.resume_moved:
            changes |= {"resume": current.resume, "resume_at": now if current.resume else None}
        new = current.next_cursor
        if new is not None and (self.full or not cursors.moves_back(current.cursor, new)):
            after = changes["cursor"] = new
        if current.complete and current.server_time is not None:
            changes["data_as_of"] = current.server_time
        if rows:
            changes["last_loaded_at"] = rows[-1]["loaded_at"]
        if changes:
            cursors.move_cursor(connection, current.key, now, **changes)
        return after

    def _count(
        self, connection: sa.Connection, current: _Pass, now: datetime, also: dict[str, Any], **counts: float
    ) -> None:
        zeros = dict.fromkeys((*COUNTS, "waited_seconds"), 0)
        values = {
            "run_id": self.run_id,
            "vendor": current.key.vendor,
            "instance": current.key.instance,
            "stream": current.key.stream,
            "started_at": now,
            "status": "running",
            "cursor_before": current.cursor,
            "cursor_after": current.cursor,
            **zeros,
            **counts,
            **also,
        }
        upsert(connection, tables.stream_run, values, add=[*zeros], keep=["started_at", "cursor_before"])

    # -- what vanished

    def _tombstone_absent(self, current: _Pass, landed: Sequence[dict[str, Any]]) -> None:
        """Stores a tombstone for each live record that a complete pass did not show, and moves the cursor."""
        assert current.present_ids is not None
        frame = self._absent(current, current.present_ids.cast(pl.String))
        rows: list[dict[str, Any]] = []
        if frame.height:
            frame, ids, versions = hashed(frame)
            frame = frame.select(pl.exclude("counts_from_at"), "counts_from_at")
            loaded_at = self.ledger.next_loaded_at()
            row = part_files.write_part(self.data_dir, current.key, TOMBSTONES, frame, loaded_at, self.run_id)
            rows.append(row)
        now = self.ledger.clock()
        part_id = None
        with self.ledger.begin() as connection:
            if rows:
                inserted = connection.execute(sa.insert(tables.part).values(**rows[0]))
                part_id = int(inserted.inserted_primary_key[0])  # type: ignore[index]
            after = self._move_cursor(connection, current, now, [*landed, *rows])
            self._count(connection, current, now, {"cursor_after": after}, tombstoned=frame.height)
        current.cursor, current.present_ids, current.resume_moved = after, None, False
        if part_id is not None:
            everything = np.ones(frame.height, dtype=np.bool_)
            placed = places(part_id, everything, everything)
            self._index(current).add(part_id, Entries(ids, versions, hash_orders(frame["counts_from_at"]), placed))
            current.schemas[part_id] = str(rows[0]["columns_hash"])

    def _absent(self, current: _Pass, present: pl.Series) -> pl.DataFrame:
        """Tombstones of the live records that are not among these keys: their last values, marked deleted."""
        live = self._index(current).current()
        live = live.take(~live.deleted)
        absent = live.take(~np.isin(live.ids, hash_ids(present)))
        if len(absent) == 0:
            return pl.DataFrame()
        # A key whose hash equals that of a present one is taken for present; exactly the others are looked at.
        when = current.server_time or self.ledger.clock()
        return (
            self._rows(current, absent)
            .filter(~pl.col("record_id").is_in(present.implode()))
            .with_columns(
                counts_from_at=pl.col("updated_at"),
                updated_at=pl.lit(when, pl.Datetime("us")),
                is_deleted=pl.lit(True),
            )
        )

    def _rows(self, current: _Pass, entries: Entries) -> pl.DataFrame:
        """The stored rows of these versions, without what landing added to them."""
        known = {p.part_id: p for p in part_files.parts_of(self.ledger, current.key)}
        frames = []
        for part_id in sorted(set(entries.parts.tolist())):
            part_files.check_part(self.data_dir, known[part_id], content=False)
            frame = pl.read_parquet(self.data_dir / known[part_id].path)
            rows = pl.Series(entries.rows[entries.parts == part_id])
            frames.append(
                frame.select(pl.all().gather(rows)).drop("version_hash", "counts_from_at", *LANDED, strict=False)
            )
        return pl.concat(frames, how="diagonal_relaxed")


def _same(table: sa.Table, key: StreamKey, run_id: str) -> tuple[Any, ...]:
    return (
        table.c.run_id == run_id,
        table.c.vendor == key.vendor,
        table.c.instance == key.instance,
        table.c.stream == key.stream,
    )
