"""Compaction: neighbouring small parts of a stream become one that holds every row of them.

A run every hour leaves a few rows of a stream each time: thousands of files a year, each with a footer, a checksum and a
row in the ledger. The new file is durable and read back before one ledger transaction lets it stand for the old ones;
these are deleted by the sweep of the next run, so that whoever reads at this moment still finds them. To be called
under the lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from warehouse import tables
from warehouse.errors import IntegrityError
from warehouse.ledger import Ledger
from warehouse.parts import (
    COMPACTED,
    LANDED,
    PART_ROWS,
    REJECTS,
    Part,
    StreamKey,
    check_part,
    columns_hash,
    parts_of,
    write_part,
)

MANY = 16
"""Small neighbours that are worth a rewrite: a row is copied once in so many runs, until its part is full."""
FULL_BYTES = 8 << 20


def compact(data_dir: Path, ledger: Ledger, run_id: str) -> int:
    """Merges small parts wherever a stream has many in a row; returns how many parts there are fewer.

    Raises:
        IntegrityError: a part is missing or is not what was landed. What was merged before it stands.
        StorageError: the disk refuses. No part is lost.
    """
    streams: dict[tuple[StreamKey, bool], list[Part]] = {}
    for part in parts_of(ledger):
        streams.setdefault((part.key, part.kind == REJECTS), []).append(part)
    fewer = 0
    for (_, refused), parts in streams.items():
        merge = _merge_rejects if refused else _merge_records
        for group in _groups(parts):
            fewer += merge(Path(data_dir), ledger, run_id, group)
    return fewer


def _groups(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Small neighbours, oldest first, in groups that fill one part; of few neighbours none."""

    def is_small(part: Part) -> bool:
        return part.rows * 2 <= PART_ROWS and part.bytes * 2 <= FULL_BYTES

    for small, run in groupby(parts, key=is_small):
        neighbours = list(run)
        if not small or len(neighbours) < MANY:
            continue
        group: list[Part] = []
        for part in neighbours:
            full = sum(p.rows for p in [*group, part]) > PART_ROWS or sum(p.bytes for p in [*group, part]) > FULL_BYTES
            if full:
                yield group
                group = []
            group.append(part)
        yield group


def _merge_records(data_dir: Path, ledger: Ledger, run_id: str, group: Sequence[Part]) -> int:
    """Rows keep their order and when and by which run they were landed: both decide which version is the current one."""
    read = [(part, _landed(data_dir, part)) for part in group]
    fewer = 0
    # Only parts of the same typed columns: those of older ones are stored again when their records come again.
    for _, same in groupby(read, key=lambda pair: pair[1].schema):
        parts, frames = zip(*same, strict=True)
        if len(parts) > 1:
            frame = pl.concat(frames)
            written = _written(data_dir, parts[-1], COMPACTED, frame, run_id)
            written["columns_hash"] = columns_hash(frame.drop(LANDED))
            with ledger.begin() as connection:
                _stand_for(connection, parts, written)
            fewer += len(parts) - 1
    return fewer


def _landed(data_dir: Path, part: Part) -> pl.DataFrame:
    """The rows of a part, each with the time it counts from, the time it was landed and the run that landed it."""
    check_part(data_dir, part, content=True)
    frame = pl.read_parquet(data_dir / part.path)
    if "counts_from_at" not in frame.columns:
        frame = frame.with_columns(counts_from_at=pl.col("updated_at"))
    if part.kind != COMPACTED:
        frame = frame.with_columns(loaded_at=pl.lit(part.loaded_at, pl.Datetime("us")), load_id=pl.lit(part.run_id))
    return frame.select(pl.exclude("counts_from_at", *LANDED), "counts_from_at", *LANDED)


def _merge_rejects(data_dir: Path, ledger: Ledger, run_id: str, group: Sequence[Part]) -> int:
    """Keeps each refused record once: where the quarantine's row points to. A later sighting has the same text."""
    table = tables.quarantine
    pointing = ledger.rows(
        sa.select(table.c.quarantine_id, table.c.raw_path, table.c.raw_row)
        .where(table.c.raw_path.in_([part.path for part in group]))
        .order_by(table.c.raw_path, table.c.raw_row)
    )
    frames = []
    for part in group:
        check_part(data_dir, part, content=True)
        rows = [row["raw_row"] for row in pointing if row["raw_path"] == part.path]
        frames.append(pl.read_parquet(data_dir / part.path).select(pl.all().gather(rows)))
    frame = pl.concat(frames)
    if not set(frame["quarantine_id"]) == {row["quarantine_id"] for row in pointing}:
        raise IntegrityError(
            f"the refused rows of {group[0].key} do not lie where the ledger says: restore ledger and `raw/` from the "
            "same backup; `wegpunkt verify` lists what differs"
        )
    written = _written(data_dir, group[-1], REJECTS, frame, run_id) if frame.height else None
    with ledger.begin() as connection:
        _stand_for(connection, group, written)
        for place, quarantine_id in enumerate(frame["quarantine_id"]):
            assert written is not None
            connection.execute(
                sa.update(table)
                .where(table.c.quarantine_id == quarantine_id)
                .values(raw_path=written["path"], raw_row=place, raw_sha256=written["sha256"])
            )
    return len(group) - (written is not None)


def _written(data_dir: Path, last: Part, kind: str, frame: pl.DataFrame, run_id: str) -> dict[str, Any]:
    """Writes the new file and reads it back: the old ones go on the strength of it."""
    written = write_part(data_dir, last.key, kind, frame, last.loaded_at, run_id, merged=True)
    if not pl.read_parquet(data_dir / written["path"]).equals(frame):
        raise IntegrityError(
            f"{written['path']} does not read back as it was written: check the disk; nothing was replaced"
        )
    return written


def _stand_for(connection: sa.Connection, parts: Sequence[Part], written: dict[str, Any] | None) -> None:
    """Lets the written file stand for these parts, with the id of the last: ids tell the order of landing."""
    table = tables.part
    stays = [parts[-1].part_id] if written else []
    connection.execute(
        sa.delete(table).where(table.c.part_id.in_([p.part_id for p in parts if p.part_id not in stays]))
    )
    if written:
        connection.execute(
            sa.update(table)
            .where(table.c.part_id == parts[-1].part_id)
            .values(**written, first_part_id=parts[0].first_id)
        )
    connection.execute(sa.insert(tables.replaced_file), [{"path": part.path} for part in parts])
