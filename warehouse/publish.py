"""Publishing: one new generation, whole or not at all.

The closed file of published tables is copied, stamped, made durable, checked by a second process and then renamed over
the old one: a reader sees the one or the other, never a mixture and never a locked file. The same tables go to a folder
of Parquet files with a manifest. Whether a generation may be published is the gate's decision, taken before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from warehouse import duck, tables
from warehouse.duck import literal, name
from warehouse.errors import IntegrityError, StorageError
from warehouse.files import (
    TEMPORARY,
    safe_name,
    sha256_of,
    storage_errors,
    sync_file,
    sync_folder,
    write_durably,
)
from warehouse.issues import Issues
from warehouse.ledger import Ledger, append_audit, upsert

KEPT_GENERATIONS = 10
READABLE_FILE, READABLE_FOLDER = 0o640, 0o750
INFO = "publish_info"
MANIFEST = "manifest.json"
COMMENTS = {
    "generation": "Name of this generation; later ones sort later.",
    "run_id": "The run that published it.",
    "published_at": "When it was published, UTC.",
    "data_as_of": "JSON: per source, until when all of its streams are complete, UTC.",
    "contract_hash": "SHA-256 of all published tables' columns and types: changes only when the contract does.",
    "row_counts": "JSON: rows by table.",
    "open_critical_issues": "Critical quality issues that were open, waived or not.",
}
_CHECK = """
import json, sys
import duckdb
asked = json.load(sys.stdin)
connection = duckdb.connect(asked["path"], read_only=True, config=asked["config"])
rows = {t: connection.execute(f"select count(*) from {q}").fetchone()[0] for t, q in asked["tables"].items()}
generation = connection.execute("select generation from publish_info").fetchall()
json.dump({"rows": rows, "generation": [g for (g,) in generation]}, sys.stdout)
"""


@dataclass(frozen=True)
class Generation:
    """A published generation."""

    generation: str
    run_id: str
    published_at: datetime
    rows: dict[str, int]
    folder: Path


class Publisher:
    """Publishes to `published/` in the data folder. To be called under the lock."""

    def __init__(self, data_dir: Path, ledger: Ledger, keep: int = KEPT_GENERATIONS) -> None:
        self.data_dir = Path(data_dir)
        self.ledger = ledger
        self.keep = keep
        self.notes: list[str] = []

    @property
    def folder(self) -> Path:
        return self.data_dir / "published"

    @property
    def file(self) -> Path:
        return self.folder / "marts.duckdb"

    def publish(
        self,
        marts_file: Path,
        run_id: str,
        *,
        expected_rows: Mapping[str, int] | None = None,
        contract_hash: str | None = None,
        waivers: Sequence[str] = (),
    ) -> Generation:
        """Makes the tables of a closed DuckDB file the published ones.

        Args:
            expected_rows: rows by table that the caller knows must be there.
            waivers: the rules that failed but were waived; named in the manifest.

        Raises:
            StorageError: the file is not closed, or the disk refuses. The old generation stays.
            IntegrityError: the copy does not hold what the original holds. The old generation stays.
        """
        marts_file = Path(marts_file)
        _refuse_unclosed(marts_file)
        self._open_folder()
        self.repair()
        published_at = self._now()
        generation = f"{published_at:%Y%m%dT%H%M%S%fZ}-{safe_name(run_id[:8], 'run')}"
        aside = self.file.with_name(self.file.name + TEMPORARY)
        folder_aside = self.folder / (generation + TEMPORARY)
        try:
            with storage_errors(aside):
                shutil.copyfile(marts_file, aside)
                os.chmod(aside, READABLE_FILE)
            rows = self._stamp(aside, generation, run_id, published_at, contract_hash)
            if not rows:
                raise IntegrityError(f"{marts_file} holds no table: build the models, then publish again")
            with storage_errors(aside):
                sync_file(aside)
            wanted = {**rows, **dict(expected_rows or {})}
            self._check_elsewhere(aside, generation, wanted)
            self._write_parquet(aside, folder_aside, generation, run_id, published_at, rows, list(waivers))
            values = self._row(aside, generation, run_id, published_at, rows, list(waivers))
            with storage_errors(self.folder):
                os.rename(folder_aside, self.folder / generation)
                self._drop_wal_of_published()
                os.replace(aside, self.file)
                sync_folder(self.folder)
        finally:
            for path in (aside, aside.with_name(aside.name + ".wal")):
                path.unlink(missing_ok=True)
            if folder_aside.exists():
                shutil.rmtree(folder_aside)
        self._enter(values)
        self._forget_old()
        return Generation(generation, run_id, published_at, rows, self.folder / generation)

    def current(self) -> dict[str, Any] | None:
        """The one row of `publish_info` of what is published now, or None."""
        if not self.file.exists():
            return None
        connection = duck.connect(self.file, read_only=True)
        try:
            with duck.duck_errors(self.file):
                found = connection.execute(f"select * from {INFO}")
                labels = [column[0] for column in found.description]
                row = found.fetchone()
        finally:
            connection.close()
        return dict(zip(labels, row, strict=True)) if row else None

    def repair(self) -> None:
        """Brings ledger and published files together again after a crash between the rename and the ledger's row.

        What was renamed is published: it is entered. What was not is taken away. Says what it did in `notes`.
        """
        if not self.folder.is_dir():
            return
        with storage_errors(self.folder):
            for path in self.folder.iterdir():
                if path.name.endswith(TEMPORARY) or path.name.endswith(TEMPORARY + ".wal"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        try:
            current = self.current()
        except StorageError as error:
            # It is about to be replaced; nothing can be told from it.
            self.notes.append(f"{error}; the next generation replaces it")
            return
        newest = current["generation"] if current else ""
        known = {row["generation"] for row in self.generations()}
        for path in sorted(self.folder.iterdir()):
            if not path.is_dir() or path.name in known or not (path / MANIFEST).exists():
                continue
            if path.name > newest:
                with storage_errors(path):
                    shutil.rmtree(path)
                self.notes.append(f"removed generation {path.name}, which a killed run did not publish")
                continue
            manifest = json.loads((path / MANIFEST).read_bytes())
            values = {
                **{n: manifest[n] for n in ("generation", "run_id", "contract_hash", "open_critical_issues")},
                "published_at": datetime.fromisoformat(manifest["published_at"]),
                "sha256": sha256_of(self.file) if path.name == newest else "",
                "bytes": self.file.stat().st_size if path.name == newest else 0,
                "row_counts": json.dumps(manifest["row_counts"], sort_keys=True),
                "data_as_of": json.dumps(manifest["data_as_of"], sort_keys=True),
                "waivers": json.dumps(manifest["waivers"]),
                "repaired": True,
            }
            self._enter(values)
            self.notes.append(f"entered generation {path.name}, which was published but not in the ledger")

    def generations(self) -> list[dict[str, Any]]:
        """All generations the ledger knows, newest first."""
        return self.ledger.rows(sa.select(tables.generation).order_by(tables.generation.c.generation.desc()))

    # -- steps

    def _open_folder(self) -> None:
        with storage_errors(self.folder):
            if self.folder.is_symlink():
                raise StorageError(f"{self.folder} is a symbolic link: name the folder itself in the configuration")
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(exist_ok=True)
            os.chmod(self.folder, READABLE_FOLDER)

    def _now(self) -> datetime:
        """Now, but later than the newest generation, also when the clock was set back."""
        newest = self.ledger.rows(sa.select(sa.func.max(tables.generation.c.published_at).label("at")))[0]["at"]
        now = self.ledger.clock()
        return now if newest is None else max(now, newest + timedelta(microseconds=1))

    def data_as_of(self) -> dict[str, str | None]:
        """Per source, until when all of its streams are complete."""
        found: dict[str, str | None] = {}
        table = tables.cursor
        for row in self.ledger.rows(
            sa.select(table.c.vendor, table.c.instance, sa.func.min(table.c.data_as_of).label("at"))
            .group_by(table.c.vendor, table.c.instance)
            .order_by(table.c.vendor, table.c.instance)
        ):
            found[f"{row['vendor']}.{row['instance']}"] = row["at"].isoformat() if row["at"] else None
        return found

    def _stamp(
        self,
        aside: Path,
        generation: str,
        run_id: str,
        published_at: datetime,
        contract_hash: str | None,
    ) -> dict[str, int]:
        """Writes `publish_info` into the copy and closes it for good; returns the rows by table."""
        connection = duck.connect(aside)
        try:
            with duck.duck_errors(aside):
                columns = _columns(connection)
                rows = _count(connection, columns)
                contract = contract_hash or hashlib.sha256(json.dumps(columns).encode()).hexdigest()
                connection.execute(f"""
                    create table {INFO} (
                        generation VARCHAR not null, run_id VARCHAR not null, published_at TIMESTAMP not null,
                        data_as_of VARCHAR not null, contract_hash VARCHAR not null, row_counts VARCHAR not null,
                        open_critical_issues INTEGER not null
                    )""")
                connection.execute(
                    f"insert into {INFO} values (?, ?, ?, ?, ?, ?, ?)",
                    [
                        generation, run_id, published_at, json.dumps(self.data_as_of(), sort_keys=True), contract,
                        json.dumps(rows, sort_keys=True), Issues(self.ledger).open_critical(),
                    ],
                )  # fmt: skip
                connection.execute(
                    f"comment on table {INFO} is 'One row: what is published here, and how fresh it is.'"
                )
                for column, comment in COMMENTS.items():
                    connection.execute(f"comment on column {INFO}.{column} is {literal(comment)}")
                connection.execute("checkpoint")
        finally:
            connection.close()
        if aside.with_name(aside.name + ".wal").exists():
            raise StorageError(f"{aside} could not be closed: free space, then publish again")
        return rows

    def _check_elsewhere(self, path: Path, generation: str, rows: Mapping[str, int]) -> None:
        """Has a second process open the file as a reader would, and count."""
        asked = {"path": str(path), "config": duck.HARDENED, "tables": {t: name(t) for t in rows}}
        done = subprocess.run(
            [sys.executable, "-I", "-c", _CHECK], input=json.dumps(asked), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
            raise IntegrityError(f"the new {path} cannot be read ({reason}): the old generation stays; publish again")
        seen = json.loads(done.stdout)
        wrong = [f"{t}: {seen['rows'][t]} instead of {n}" for t, n in rows.items() if seen["rows"][t] != n]
        if wrong or seen["generation"] != [generation]:
            raise IntegrityError(
                f"the new {path} does not hold what was built ({'; '.join(wrong) or 'another generation'}): the old "
                "generation stays; publish again"
            )

    def _write_parquet(
        self,
        source: Path,
        folder: Path,
        generation: str,
        run_id: str,
        published_at: datetime,
        rows: Mapping[str, int],
        waivers: list[str],
    ) -> None:
        """The same tables as Parquet. A table that is as it was is a hard link to the previous generation's file."""
        before = self._previous_manifest()
        files: dict[str, dict[str, Any]] = {}
        with storage_errors(folder):
            folder.mkdir(mode=READABLE_FOLDER)
            os.chmod(folder, READABLE_FOLDER)
        info = None
        connection = duck.connect(source, read_only=True)
        try:
            with duck.duck_errors(folder):
                columns = _columns(connection)
                info = connection.execute(
                    f"select data_as_of, contract_hash, open_critical_issues from {INFO}"
                ).fetchall()[0]
                for table, types in columns.items():
                    target = folder / f"{table}.parquet"
                    fingerprint = _fingerprint(connection, table, types)
                    old = before.get(table)
                    if old is not None and old["fingerprint"] == fingerprint and self._link(old, target):
                        files[table] = {**old, "file": target.name}
                        files[table].pop("path", None)
                        continue
                    connection.execute(f"copy {name(table)} to {literal(target)} (format parquet, compression zstd)")
                    with storage_errors(target):
                        os.chmod(target, READABLE_FILE)
                        sync_file(target)
                    files[table] = {
                        "file": target.name,
                        "sha256": sha256_of(target),
                        "bytes": target.stat().st_size,
                        "rows": 1 if table == INFO else rows[table],
                        "columns": types,
                        "fingerprint": fingerprint,
                    }
        finally:
            connection.close()
        manifest = {
            "generation": generation,
            "run_id": run_id,
            "published_at": published_at.isoformat(),
            "data_as_of": json.loads(info[0]),
            "contract_hash": info[1],
            "open_critical_issues": info[2],
            "row_counts": dict(rows),
            "waivers": waivers,
            "tables": files,
        }
        write_durably(folder / MANIFEST, json.dumps(manifest, indent=1).encode(), READABLE_FILE)
        with storage_errors(folder):
            os.chmod(folder / MANIFEST, READABLE_FILE)
            sync_folder(folder)

    def _previous_manifest(self) -> dict[str, dict[str, Any]]:
        """The newest generation's tables, with the path of each file."""
        for row in self.generations():
            path = self.folder / row["generation"] / MANIFEST
            if path.exists():
                entries: dict[str, dict[str, Any]] = json.loads(path.read_bytes())["tables"]
                return {t: {**e, "path": str(path.parent / e["file"])} for t, e in entries.items()}
        return {}

    @staticmethod
    def _link(old: Mapping[str, Any], target: Path) -> bool:
        """Links the old file if it still is what the manifest says, by size; a file system without links says no."""
        path = Path(old["path"])
        try:
            if path.stat().st_size != old["bytes"]:
                return False
            os.link(path, target)
        except OSError:
            return False
        return True

    def _row(
        self,
        aside: Path,
        generation: str,
        run_id: str,
        published_at: datetime,
        rows: dict[str, int],
        waivers: list[str],
    ) -> dict[str, Any]:
        manifest = json.loads((self.folder / (generation + TEMPORARY) / MANIFEST).read_bytes())
        return {
            "generation": generation,
            "run_id": run_id,
            "published_at": published_at,
            "sha256": sha256_of(aside),
            "bytes": aside.stat().st_size,
            "row_counts": json.dumps(rows, sort_keys=True),
            "data_as_of": json.dumps(manifest["data_as_of"], sort_keys=True),
            "contract_hash": manifest["contract_hash"],
            "open_critical_issues": manifest["open_critical_issues"],
            "waivers": json.dumps(waivers),
            "repaired": False,
        }

    def _enter(self, values: dict[str, Any]) -> None:
        with self.ledger.begin() as connection:
            upsert(connection, tables.generation, values)
            detail = {"run_id": values["run_id"], "repaired": values["repaired"]}
            append_audit(connection, self.ledger.clock(), "pipeline", "publish", values["generation"], detail)

    def _drop_wal_of_published(self) -> None:
        """A WAL beside the published file belongs to whoever wrote into the old one; with the new one nobody could read."""
        wal = self.file.with_name(self.file.name + ".wal")
        if wal.exists():
            wal.unlink()
            self.notes.append(f"removed {wal.name}: somebody had written into the published file; open it read-only")

    def _forget_old(self) -> None:
        for row in self.generations()[self.keep :]:
            path = self.folder / safe_name(row["generation"], "generation")
            if path.is_dir():
                with storage_errors(path):
                    shutil.rmtree(path)


def _refuse_unclosed(marts_file: Path) -> None:
    if not marts_file.is_file():
        raise StorageError(f"{marts_file} does not exist: build the models, then publish again")
    wal = marts_file.with_name(marts_file.name + ".wal")
    if wal.exists():
        raise StorageError(
            f"{marts_file} was not closed ({wal.name} lies beside it), a copy would lack its newest rows: run the models "
            "again, then publish"
        )


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The tables of a file's main schema: table -> column -> type."""
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'main' "
        "and not internal and database_name = current_database() order by table_name, column_index"
    ).fetchall()
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def _count(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Any]) -> dict[str, int]:
    return {table: int(connection.execute(f"select count(*) from {name(table)}").fetchall()[0][0]) for table in columns}


def _fingerprint(connection: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str]) -> str:
    """Equal for equal rows in any order, and columns; another one for anything else, but for chance."""
    row = f"row({', '.join(name(column) for column in types)})"
    found = connection.execute(
        f"select count(*), bit_xor(hash({row})), sum(hash({row}) & 4294967295) from {name(table)}"
    ).fetchall()[0]
    text = json.dumps([duckdb.__version__, dict(types), [str(value) for value in found]])
    return hashlib.sha256(text.encode()).hexdigest()
