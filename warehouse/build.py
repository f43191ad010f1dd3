"""The build file: raw tables with the current version of every record, kept up to date from the parts.

Everything in it can be made again from parts, ledger and code, so a damaged or deleted file is no loss. Nobody but the
pipeline opens it. Models are dbt's business, published tables the publisher's.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import polars as pl
import sqlalchemy as sa

from warehouse import duck, tables
from warehouse.duck import DamagedFile, literal, name
from warehouse.files import private_folder, storage_errors
from warehouse.ledger import Ledger
from warehouse.parts import COMPACTED, LANDED, REJECTS, Part, check_part, parts_of

LEADING = {
    "source_instance": "VARCHAR",
    "record_id": "VARCHAR",
    "updated_at": "TIMESTAMP",
    "is_deleted": "BOOLEAN",
    "merged_into": "VARCHAR",
}
TRAILING = {
    "record": "VARCHAR",
    "version_hash": "VARCHAR",
    "loaded_at": "TIMESTAMP",
    "load_id": "VARCHAR",
    # When a version counts from: its `updated_at`, but that of the version before for a deletion concluded from absence.
    "counts_from_at": "TIMESTAMP",
}
APPLIED = {"raw_table": "VARCHAR", "source_instance": "VARCHAR", "part_id": "BIGINT"}
SOURCE_STATE = {
    "source_system": "VARCHAR",
    "source_instance": "VARCHAR",
    "stream": "VARCHAR",
    "data_as_of": "TIMESTAMP",
    "last_loaded_at": "TIMESTAMP",
}
RUN = {"as_of_at": "TIMESTAMP", "run_id": "VARCHAR"}
T = TypeVar("T")


class Build:
    """The build file of a data folder.

    Args:
        schemas: the typed columns of each raw table: `<vendor>__<stream>` -> column -> DuckDB type.
    """

    def __init__(
        self,
        data_dir: Path,
        ledger: Ledger,
        schemas: Mapping[str, Mapping[str, str]],
        threads: int | None = None,
        memory_limit: str | None = None,
    ) -> None:
        self.data_dir = Path(data_dir)
        self.ledger = ledger
        self.schemas = {table: dict(columns) for table, columns in schemas.items()}
        self.threads = threads
        self.memory_limit = memory_limit
        self.notes: list[str] = []

    @property
    def path(self) -> Path:
        return self.data_dir / "warehouse" / "build.duckdb"

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the body. Keep it short: DuckDB lets one process at a time write a file."""
        private_folder(self.path.parent)
        connection = duck.connect(self.path, read_only, self.threads, self.memory_limit)
        try:
            with duck.duck_errors(self.path):
                yield connection
        finally:
            connection.close()

    def refresh_raw(self) -> dict[str, int]:
        """Brings the raw tables up to date with the parts; reads only parts it has not read before.

        Returns the number of rows written by table, of the tables that changed.

        Raises:
            IntegrityError: a part is missing or is not what was landed.
        """
        return self._healed(self._refresh_raw)

    def _refresh_raw(self) -> dict[str, int]:
        changed: dict[str, int] = {}
        known: dict[str, list[Part]] = {}
        for part in parts_of(self.ledger):
            if part.kind != REJECTS:
                known.setdefault(part.key.table, []).append(part)
        with self.connect() as connection:
            connection.execute("set preserve_insertion_order = false")
            for schema in ("raw", "ops", "insight"):
                connection.execute(f"create schema if not exists {schema}")
            if _columns(connection, "ops").get("applied_part") not in (None, APPLIED):
                connection.execute("drop table ops.applied_part")
            _create(connection, "ops", "applied_part", APPLIED)
            _create(connection, "ops", "run", RUN)
            existing = _columns(connection, "raw")
            applied: dict[str, set[tuple[str, int]]] = {}
            for table, instance, part_id in connection.execute("from ops.applied_part").fetchall():
                applied.setdefault(table, set()).add((instance, part_id))
            for table, columns in self.schemas.items():
                wanted = {**LEADING, **columns, **TRAILING}
                parts, done = known.get(table, []), applied.get(table, set())
                gone = done - {(p.key.instance, p.part_id) for p in parts}
                fresh = existing.get(table) != _normal(connection, wanted) or not _stood_for(gone, parts)
                todo = parts if fresh else [p for p in parts if (p.key.instance, p.part_id) not in done]
                if not fresh and not todo and not gone:
                    continue
                connection.execute("begin")
                if fresh:
                    connection.execute(f"drop table if exists raw.{name(table)}")
                    _create(connection, "raw", table, wanted)
                    connection.execute("delete from ops.applied_part where raw_table = ?", [table])
                elif gone:
                    matching = " and ".join(f"{c} = ?" for c in APPLIED)
                    forgotten = [(table, *one) for one in gone]
                    connection.executemany(f"delete from ops.applied_part where {matching}", forgotten)
                if todo:
                    changed[table] = self._apply(connection, table, columns, todo)
                connection.execute("commit")
            self._write_source_state(connection)
        return changed

    def _apply(
        self, connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], parts: Sequence[Part]
    ) -> int:
        """Applies parts to a raw table within the caller's transaction; returns how many rows are now different."""
        for part in parts:
            # Verified here because a flipped bit in Parquet is read without an error.
            check_part(self.data_dir, part, content=True)
        target = f"raw.{name(table)}"
        part_rows = [(p.part_id, str(self.data_dir / p.path), p.key.instance, p.loaded_at, p.run_id) for p in parts]
        connection.execute(
            "create or replace temp table incoming_part "
            "(part_id BIGINT, path VARCHAR, source_instance VARCHAR, loaded_at TIMESTAMP, load_id VARCHAR)"
        )
        connection.executemany("insert into incoming_part values (?, ?, ?, ?, ?)", part_rows)
        groups: dict[tuple[str, bool], list[Part]] = {}
        for part in parts:
            groups.setdefault((part.columns_hash, part.kind == COMPACTED), []).append(part)
        reads = [self._read(connection, columns, group) for group in groups.values()]
        # The narrow columns decide; the wide ones are read once, for the rows that stay.
        narrow = " union all ".join(
            f"select part_id, row_number_in_part, source_instance, record_id, counts_from_at, loaded_at from ({read})"
            for read in reads
        )
        connection.execute(f"create or replace temp table incoming as {narrow}")
        order = "coalesce({0}.counts_from_at, '-infinity'::TIMESTAMP), {0}.loaded_at"
        connection.execute(f"""
            create or replace temp table loser as
            with repeated as (
                select source_instance, record_id from incoming group by all having count(*) > 1
            ), ranked as (
                select part_id, row_number_in_part, row_number() over (
                    partition by source_instance, record_id
                    order by counts_from_at desc nulls last, loaded_at desc, row_number_in_part desc
                ) as place
                from incoming semi join repeated using (source_instance, record_id)
            )
            select part_id, row_number_in_part from ranked where place > 1
            union
            select incoming.part_id, incoming.row_number_in_part
            from incoming
            inner join {target} as held
                on held.source_instance = incoming.source_instance and held.record_id = incoming.record_id
            where ({order.format("held")}) > ({order.format("incoming")})
        """)
        connection.execute(f"""
            delete from {target} as held using (
                select source_instance, record_id
                from incoming anti join loser using (part_id, row_number_in_part)
            ) as winner
            where held.source_instance = winner.source_instance and held.record_id = winner.record_id
        """)
        listed = ", ".join(name(c) for c in (*LEADING, *columns, *TRAILING))
        losers = bool(connection.execute("select count(*) from loser").fetchall()[0][0])
        written = 0
        for read in reads:
            kept = f"({read}) anti join loser using (part_id, row_number_in_part)" if losers else f"({read})"
            written += connection.execute(f"insert into {target} select {listed} from {kept}").fetchall()[0][0]
        applied = [(table, p.key.instance, p.part_id) for p in parts]
        connection.executemany("insert into ops.applied_part values (?, ?, ?)", applied)
        for temporary in ("incoming", "loser", "incoming_part"):
            connection.execute(f"drop table temp.{temporary}")
        return written

    def _read(self, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], parts: Sequence[Part]) -> str:
        """A select over parts of the same columns. A column they do not have is null until the record comes again."""
        paths = [str(self.data_dir / p.path) for p in parts]
        source = f"read_parquet([{', '.join(literal(p) for p in paths)}], filename = true, file_row_number = true)"
        have = {row[0]: row[1] for row in connection.execute(f"describe select * from {source}").fetchall()}
        chosen = []
        for column, wanted in {**columns, "record": "VARCHAR", "version_hash": "VARCHAR"}.items():
            if column not in have:
                chosen.append(f"cast(null as {wanted}) as {name(column)}")
            else:
                # Of another type only where the declaration changed since: a full run types the record anew, and its
                # text is kept as it was sent.
                chosen.append(f"try_cast(file.{name(column)} as {wanted}) as {name(column)}")
        ordered = "counts_from_at" if "counts_from_at" in have else "updated_at"
        landed = ", ".join(f"{'file' if c in have else 'incoming_part'}.{c}" for c in LANDED)
        return (
            "select incoming_part.part_id, file.file_row_number as row_number_in_part, "
            "incoming_part.source_instance, file.record_id, file.updated_at, file.is_deleted, file.merged_into, "
            f"{', '.join(chosen)}, {landed}, file.{ordered} as counts_from_at "
            f"from {source} as file inner join incoming_part on incoming_part.path = file.filename"
        )

    def _write_source_state(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Says how fresh each stream is; only written where it changed, so that nothing new means nothing written."""
        table = tables.cursor
        state = self.ledger.rows(
            sa.select(table.c.vendor, table.c.instance, table.c.stream, table.c.data_as_of, table.c.last_loaded_at)
            .order_by(table.c.vendor, table.c.instance, table.c.stream)
        )  # fmt: skip
        _create(connection, "ops", "source_state", SOURCE_STATE)
        rows = [tuple(row.values()) for row in state]
        held = connection.execute("from ops.source_state order by 1, 2, 3").fetchall()
        if held == rows:
            return
        connection.execute("begin")
        connection.execute("delete from ops.source_state")
        if rows:
            connection.executemany("insert into ops.source_state values (?, ?, ?, ?, ?)", rows)
        connection.execute("commit")

    def write_run(self, run_id: str, as_of_at: datetime) -> None:
        """Says as of when the models calculate: one row in `ops.run`."""
        with self.connect() as connection:
            connection.execute("create schema if not exists ops")
            _create(connection, "ops", "run", RUN)
            connection.execute("begin")
            connection.execute("delete from ops.run")
            connection.execute("insert into ops.run values (?, ?)", [as_of_at, run_id])
            connection.execute("commit")

    def write_table(
        self, schema: str, table: str, frame: pl.DataFrame, columns: Mapping[str, str] | None = None
    ) -> int:
        """Replaces a table by a frame, with these DuckDB types where given; returns its rows."""
        with self.connect() as connection:
            connection.execute(f"create schema if not exists {name(schema)}")
            incoming = frame.to_arrow()
            connection.register("incoming_frame", incoming)
            chosen = "*"
            if columns is not None:
                chosen = ", ".join(f"cast({name(c)} as {t}) as {name(c)}" for c, t in columns.items())
            connection.execute(
                f"create or replace table {name(schema)}.{name(table)} as select {chosen} from incoming_frame"
            )
            connection.unregister("incoming_frame")
        return frame.height

    def create_tables(self, schema: str, schemas: Mapping[str, Mapping[str, str]]) -> None:
        """Creates tables that do not exist yet, empty, so that whoever reads them finds them; remakes those whose
        columns were declared otherwise."""
        with self.connect() as connection:
            connection.execute(f"create schema if not exists {name(schema)}")
            existing = _columns(connection, schema)
            for table, columns in schemas.items():
                if existing.get(table) != _normal(connection, columns):
                    connection.execute(f"drop table if exists {name(schema)}.{name(table)}")
                    _create(connection, schema, table, columns)

    def _healed(self, work: Callable[[], T]) -> T:
        """Does `work`; where the file is damaged, once more on a new one."""
        try:
            return work()
        except DamagedFile as damage:
            stamp = f"{self.ledger.clock():%Y%m%dT%H%M%S}"
            for suffix in ("", ".wal"):
                path = self.path.with_name(self.path.name + suffix)
                if path.exists():
                    with storage_errors(path):
                        os.replace(path, self.path.with_name(f"damaged-{stamp}-{path.name}"))
            self.notes.append(f"{damage}; set aside as damaged-{stamp}-{self.path.name}")
            return work()


def _stood_for(gone: Iterable[tuple[str, int]], parts: Sequence[Part]) -> bool:
    """Whether all these parts, which the ledger no longer has, were merged into parts that it has."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        spans.setdefault(part.key.instance, []).append((part.part_id, part.first_id))
    for instance, part_id in gone:
        ordered = spans.get(instance, [])
        at = bisect_left(ordered, (part_id, 0))
        if at == len(ordered) or ordered[at][1] > part_id:
            return False
    return True


def _create(connection: duckdb.DuckDBPyConnection, schema: str, table: str, columns: Mapping[str, str]) -> None:
    listed = ", ".join(f"{name(c)} {t}" for c, t in columns.items())
    connection.execute(f"create table if not exists {name(schema)}.{name(table)} ({listed})")


def _columns(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    # The name stands in the text: a parameter would have duckdb import pandas, a third of a second in a run without news.
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        f"where schema_name = {literal(schema)} and database_name = current_database() order by table_name, column_index"
    ).fetchall()
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def _normal(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> dict[str, str]:
    """The types as DuckDB spells them: `DECIMAL(18,4)` may be written in several ways."""
    kinds = sorted({*columns.values()})
    chosen = ", ".join(f"cast(null as {kind})" for kind in kinds)
    spelled = [row[1] for row in connection.execute(f"describe select {chosen}").fetchall()]
    by_kind = dict(zip(kinds, spelled, strict=True))
    return {column: by_kind[kind] for column, kind in columns.items()}
