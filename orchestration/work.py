"""What the steps of a run do with the warehouse: prepare, read, write, file issues, publish.

The meeting point of connectors' declarations, insight's tables and warehouse/; no step order belongs here (models.py,
scores.py, gates.py, publishing.py), and no Dagster.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from connectors import VENDORS
from expectations import Report, Suite
from insight.tables import SCHEMAS
from orchestration import dbt
from orchestration.settings import Settings
from warehouse import Build, Issues, Ledger, Publisher, tables

DUCKDB_TYPES = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,4)",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMP",
    "date": "DATE",
}
LINK_COLUMNS = {
    "source_system": "VARCHAR",
    "source_instance": "VARCHAR",
    "source_object": "VARCHAR",
    "url_template": "VARCHAR",
}


def raw_schemas() -> dict[str, dict[str, str]]:
    """The typed columns of every raw table, by DuckDB type: table `<vendor>__<stream>` for all vendors we know."""
    return {
        f"{vendor.name}__{stream.name}": {c.name: DUCKDB_TYPES[c.type] for c in stream.columns}
        for vendor in VENDORS.values()
        for stream in vendor.streams.values()
    }


class Work:
    """The warehouse of one run. Opens files late and closes them early: dbt opens the same ones with its own settings."""

    def __init__(self, settings: Settings, ledger: Ledger, run_id: str) -> None:
        self.settings, self.ledger, self.run_id = settings, ledger, run_id
        self.build = Build(settings.data, ledger, raw_schemas(), settings.threads, settings.memory_limit)
        self._changed: dict[str, int] | None = None
        self.stands = False
        """Whether the build file was made whole by the present code, so that only new rows are missing; known once prepared."""

    # --- before the models

    def refresh_raw(self) -> dict[str, int]:
        """Brings the raw tables up to date once a run; says how many rows of which table changed."""
        if self._changed is None:
            self._changed = self.build.refresh_raw()
        return self._changed

    def inputs(self) -> str:
        """What decides the published rows: what was landed, and the code and rules that work on it."""
        last = self._newest(tables.part.c.loaded_at)
        return f"{dbt.code_hash(self.settings)}:{last.isoformat() if last else '-'}"

    def prepare(self, as_of: datetime | None) -> bool:
        """Gets the build file ready for the models; False when what is published was made of the same inputs."""
        self.refresh_raw()
        if self.published_inputs() == self.inputs() and self.settings.published_file.exists():
            return False
        known = as_of or self._newest(tables.cursor.c.data_as_of)
        if known is None:
            raise dbt.DbtError("nothing was ever landed, so there is nothing to build; run `wegpunkt check`")
        self.build.write_run(self.run_id, known)
        self.build.create_tables("insight", SCHEMAS)
        self.build.write_table("ops", "record_link", self._links(), LINK_COLUMNS)
        dbt.lay_seeds(self.settings, dbt.Dbt.of(self.settings).seeds)
        self.stands = self._note("made", "made_of") == (self._made_of(),)
        if not self.stands:
            self._write_made("")  # a run that dies half-way leaves tables and views of two codes
        return True

    def _made_of(self) -> str:
        """What besides rows the build file depends on: the code, the steward's CSVs, the columns that connectors declare."""
        columns = hashlib.sha256(repr(sorted(raw_schemas().items())).encode()).hexdigest()[:32]
        return f"{dbt.code_hash(self.settings)}:{columns}"

    def _write_made(self, made_of: str) -> None:
        self.build.write_table("ops", "made", pl.DataFrame({"made_of": [made_of]}), {"made_of": "VARCHAR"})

    def note_made(self) -> None:
        """Notes that the present code has made every seed, view and table anew."""
        self._write_made(self._made_of())

    def published_inputs(self) -> str | None:
        """The inputs that the newest generation was made of; None when nobody can tell, and then it is made again."""
        newest = self.ledger.rows(
            sa.select(tables.generation).order_by(tables.generation.c.published_at.desc()).limit(1)
        )
        row = self._note("published", "generation, inputs")
        return str(row[1]) if newest and row and row[0] == newest[0]["generation"] else None

    def _note(self, table: str, columns: str) -> tuple[Any, ...] | None:
        """The one row of a table in which an earlier run noted something; None where none did."""
        with self.build.connect(read_only=True) as connection:
            there = connection.execute(
                f"select 1 from duckdb_tables() where schema_name = 'ops' and table_name = '{table}'"
            ).fetchone()
            return connection.execute(f"select {columns} from ops.{table}").fetchone() if there else None

    def _newest(self, column: sa.Column[datetime]) -> datetime | None:
        found = self.ledger.rows(sa.select(sa.func.max(column).label("newest")))[0]["newest"]
        return found if isinstance(found, datetime) or found is None else datetime.fromisoformat(found)

    def as_of_date(self) -> date:
        with self.build.connect(read_only=True) as connection:
            row = connection.execute("select as_of_at from ops.run").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment.date()

    def _links(self) -> pl.DataFrame:
        """Pages of the vendors for people, where the options of a source name what their address needs."""
        rows = []
        for source in self.settings.sources:
            vendor = VENDORS[source.vendor]
            options = {"base_url": source.base_url, **source.options}
            for stream in vendor.streams:
                url = vendor.record_url(stream, "{id}", options)
                if url is not None:
                    rows.append((source.vendor, source.instance, stream, url))
        return pl.DataFrame(rows, schema=dict.fromkeys(LINK_COLUMNS, pl.String), orient="row")

    # --- reading and writing

    def read(self, table: str) -> pl.DataFrame:
        """A table of the build file, `schema.name`."""
        with self.build.connect(read_only=True) as connection:
            return connection.execute(f"select * from {table}").pl()

    def write_insight(self, frames: dict[str, pl.DataFrame]) -> None:
        for table, frame in frames.items():
            self.build.write_table("insight", table, frame, SCHEMAS[table])

    def overrides(self) -> pl.DataFrame:
        """The steward's decisions on who is who."""
        columns = (
            "entity_type",
            "a_system",
            "a_instance",
            "a_record_id",
            "b_system",
            "b_instance",
            "b_record_id",
            "decision",
        )
        override = tables.identity_override
        rows = self.ledger.rows(sa.select(override).where(override.c.removed_at.is_(None)))
        return pl.DataFrame([{c: r[c] for c in columns} for r in rows], schema=dict.fromkeys(columns, pl.String))

    def raw_frame(self, table: str, columns: Sequence[str]) -> pl.DataFrame | None:
        """The live rows of a raw table that this run changed; None where it did not change.

        With several accounts at one vendor the key is made unique by the instance.
        """
        if not self.refresh_raw().get(table):
            return None
        with self.build.connect(read_only=True) as connection:
            found = connection.execute(f'select * from raw."{table}" where not is_deleted').pl()
        several = found["source_instance"].n_unique() > 1
        key = pl.concat_str("source_instance", pl.lit("/"), "record_id") if several else pl.col("record_id")
        return found.with_columns(key.alias("record_id")).select(columns)

    def mart_frame(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        import duckdb

        chosen = ", ".join(f'"{c}"' for c in columns)
        with duckdb.connect(str(self.settings.marts_file), read_only=True) as connection:
            have = {
                r[0]
                for r in connection.execute(
                    "select column_name from duckdb_columns() where table_name = ?", [table]
                ).fetchall()
            }
            known = chosen if set(columns) <= have else "*"
            return connection.execute(f'select {known} from "{table}"').pl()

    def row_counts(self, names: Iterable[str]) -> dict[str, int]:
        """Rows of published tables, by one query each on the file's own statistics."""
        import duckdb

        wanted = set(names)
        if not self.settings.marts_file.exists():
            return {}
        with duckdb.connect(str(self.settings.marts_file), read_only=True) as connection:
            tables = connection.execute("select table_name, estimated_size from duckdb_tables()").fetchall()
        return {table: int(rows) for table, rows in tables if table in wanted}

    # --- the gate and publishing

    def file_issues(self, report: Report, suite: Suite, links: dict[str, str]) -> None:
        """One issue a rule that failed; rules that hold again close theirs."""
        Issues(self.ledger).record(self.run_id, suite.table, report.outcomes, checked=report.rows, urls=links)

    def open_checks(self) -> dict[str, set[str]]:
        """The checks of each table that an open issue without a waiver keeps failing."""
        found: dict[str, set[str]] = {}
        for issue in Issues(self.ledger).list("open"):
            if not issue["waived_until"]:
                check = "gx_critical" if issue["severity"] == "critical" else "gx_warning"
                found.setdefault(issue["table_name"], set()).add(check)
        return found

    def waived(self) -> set[str]:
        return Issues(self.ledger).waived()

    def publish(self) -> tuple[str, dict[str, int]]:
        """Publishes the marts file and remembers of which inputs it was made."""
        publisher = Publisher(self.settings.data, self.ledger, keep=self.settings.keep_generations)
        waived = sorted(self.waived())
        self._publish_people()
        generation = publisher.publish(self.settings.marts_file, self.run_id, waivers=waived)
        made = pl.DataFrame({"generation": [generation.generation], "inputs": [self.inputs()]})
        self.build.write_table("ops", "published", made, {"generation": "VARCHAR", "inputs": "VARCHAR"})
        return generation.generation, dict(generation.rows)

    def _publish_people(self) -> None:
        """Names and addresses behind the contact keys of the target lists, in a file of its own that only its owner reads."""
        import duckdb

        folder = self.settings.data / "published"
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        file, aside = folder / "people.duckdb", folder / "people.duckdb.new"
        aside.unlink(missing_ok=True)
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"attach '{self.settings.build_file}' as build (read_only)")
            connection.execute(f"attach '{self.settings.marts_file}' as marts (read_only)")
            connection.execute(f"attach '{aside}' as people (storage_version 'v1.2.0')")
            os.chmod(aside, 0o600)
            connection.execute(
                "create table people.person as select contact_key, first_name, last_name, email, phone"
                " from build.journey.int_contact__golden where contact_key in ("
                " select target_contact_key from marts.mart_retention_target"
                " union select target_contact_key from marts.mart_growth_target)"
            )
        os.replace(aside, file)


__all__ = ["Work", "raw_schemas"]
