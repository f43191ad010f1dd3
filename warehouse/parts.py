"""Parts: immutable Parquet files below `raw/`, one row a version of a record, each known to the ledger by its hash.

Writing, finding, checking and sweeping them. What goes into one is decided in landing.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from warehouse import tables
from warehouse.errors import IntegrityError
from warehouse.files import TEMPORARY, private_folder, safe_name, sha256_of, storage_errors, write_durably
from warehouse.ledger import Ledger

SYSTEM_COLUMNS = ("record_id", "updated_at", "is_deleted", "merged_into")
RECORDS, TOMBSTONES, COMPACTED, REJECTS = "records", "tombstones", "compacted", "rejects"
FOLDERS = {RECORDS: "", TOMBSTONES: "", COMPACTED: "", REJECTS: "rejects"}
LANDED = ("loaded_at", "load_id")
"""What a merged part says of each row; of any other part it is in the ledger, the same for all rows."""
PART_ROWS = 10_000
"""Rows of a full part."""


@dataclass(frozen=True, order=True)
class StreamKey:
    """One stream of one account of a vendor."""

    vendor: str
    instance: str
    stream: str

    def __post_init__(self) -> None:
        for what in ("vendor", "instance", "stream"):
            safe_name(getattr(self, what), what)

    @property
    def table(self) -> str:
        return f"{self.vendor}__{self.stream}"

    @property
    def folder(self) -> Path:
        return Path(self.vendor) / self.instance / self.stream

    def __str__(self) -> str:
        return f"{self.vendor}.{self.stream}" + ("" if self.instance == "default" else f" of {self.instance}")


@dataclass(frozen=True)
class Part:
    """A part as the ledger knows it."""

    part_id: int
    key: StreamKey
    kind: str
    path: str
    sha256: str
    bytes: int
    rows: int
    columns_hash: str
    loaded_at: datetime
    run_id: str
    first_id: int
    """The first part that it stands for: itself, unless it was merged of several."""


def columns_hash(frame: pl.DataFrame) -> str:
    """Tells frames of different columns or types apart."""
    schema = "\n".join(f"{name} {dtype}" for name, dtype in frame.schema.items())
    return hashlib.sha256(schema.encode()).hexdigest()


def write_part(
    data_dir: Path,
    key: StreamKey,
    kind: str,
    frame: pl.DataFrame,
    loaded_at: datetime,
    run_id: str,
    merged: bool = False,
) -> dict[str, Any]:
    """Writes a part durably; returns the row that makes it known to the ledger, to be inserted by the caller.

    Args:
        merged: it is made of parts, the last of which was landed at `loaded_at`, perhaps by this very run.
    """
    folder = private_folder(data_dir / "raw" / key.folder / FOLDERS[kind])
    path = (
        folder
        / f"{loaded_at:%Y%m%dT%H%M%S%f}-{safe_name(run_id[:8], 'run')}{'-merged' if merged else ''}-{kind}.parquet"
    )
    if path.exists():
        raise IntegrityError(f"{path} is there already and parts are never overwritten: nothing was written")
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)
    content = buffer.getbuffer()
    write_durably(path, content)
    return {
        "vendor": key.vendor,
        "instance": key.instance,
        "stream": key.stream,
        "kind": kind,
        "path": path.relative_to(data_dir).as_posix(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": frame.height,
        "columns_hash": columns_hash(frame),
        "loaded_at": loaded_at,
        "run_id": run_id,
    }


def parts_of(ledger: Ledger, key: StreamKey | None = None, after: int = 0) -> list[Part]:
    """The parts the ledger knows, oldest first."""
    statement = sa.select(tables.part).where(tables.part.c.part_id > after).order_by(tables.part.c.part_id)
    if key is not None:
        statement = statement.where(
            tables.part.c.vendor == key.vendor,
            tables.part.c.instance == key.instance,
            tables.part.c.stream == key.stream,
        )
    return [
        Part(
            row["part_id"],
            StreamKey(row["vendor"], row["instance"], row["stream"]),
            **{n: row[n] for n in ("kind", "path", "sha256", "bytes", "rows", "columns_hash", "loaded_at", "run_id")},
            first_id=row["first_part_id"] or row["part_id"],
        )
        for row in ledger.rows(statement)
    ]


def check_part(data_dir: Path, part: Part, content: bool) -> None:
    """Raises IntegrityError where the file of a part is missing, of another size or (`content`) of other bytes."""
    path = data_dir / part.path
    with storage_errors(path):
        size = path.stat().st_size if path.exists() else None
    fault = "is missing" if size is None else f"has {size} bytes instead of {part.bytes}"
    if size == part.bytes:
        if not content or sha256_of(path) == part.sha256:
            return
        fault = "has other bytes than were written"
    raise IntegrityError(f"{path} {fault}: restore it from a backup; `wegpunkt verify` lists every such file")


def sweep(data_dir: Path, ledger: Ledger) -> list[str]:
    """Takes away what other parts stand for now, and what a killed run left: files that no ledger row knows. To be called
    under the lock.

    A run leaves one part and one file of refused rows of a stream at most. More than that means that the ledger is older than the
    files, for instance restored from a backup: then nothing is deleted, but set aside.
    """
    root = data_dir / "raw"
    if not root.is_dir():
        return []
    replaced = [row["path"] for row in ledger.rows(sa.select(tables.replaced_file))]
    for path in replaced:
        with storage_errors(data_dir / path):
            (data_dir / path).unlink(missing_ok=True)
    if replaced:
        with ledger.begin() as connection:
            connection.execute(sa.delete(tables.replaced_file))
    known = {part.path for part in parts_of(ledger)}
    orphans: dict[Path, list[Path]] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if name.endswith(TEMPORARY):
                path.unlink()
            elif path.relative_to(data_dir).as_posix() not in known:
                orphans.setdefault(Path(folder), []).append(path)
    notes = []
    for parent, paths in sorted(orphans.items()):
        if len(paths) == 1 or len({p.name.rsplit("-", 1)[-1] for p in paths}) == len(paths):
            for path in paths:
                path.unlink()
            notes.append(f"removed what a killed run left unfinished in {parent.relative_to(data_dir)}")
            continue
        aside = private_folder(data_dir / "set_aside" / parent.relative_to(data_dir))
        for path in paths:
            os.replace(path, aside / path.name)
        notes.append(
            f"set aside {len(paths)} parts unknown to the ledger in {aside.relative_to(data_dir)}: if the ledger was "
            "restored from an older backup, what they hold is read again from the vendor"
        )
    return notes
