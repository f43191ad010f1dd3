"""The journey, rebuilt account by account, is the journey that a full rebuild gives: whatever arrives, in whatever order.

Records of the simulated company arrive in shuffled portions, are corrected, vanish and grow old. After each portion the
tables that were carried on are compared, row by row, with those made from nothing.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from connectors import VENDORS, connect
from insight.pipeline import resolve_identity
from insight.tables import SCHEMAS
from orchestration.work import raw_schemas
from sandbox.server import AUTH, SECRETS, serve

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
START = datetime(2026, 6, 30, 6)
SYSTEM = {"source_instance": "VARCHAR", "record_id": "VARCHAR", "updated_at": "TIMESTAMP", "is_deleted": "BOOLEAN"}
LANDED = {"record": "VARCHAR", "version_hash": "VARCHAR", "loaded_at": "TIMESTAMP", "load_id": "VARCHAR"}
OVERRIDES = (
    "entity_type",
    "a_system",
    "a_instance",
    "a_record_id",
    "b_system",
    "b_instance",
    "b_record_id",
    "decision",
)
Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def records() -> Frames:
    """Everything that four systems hold of a small company, by raw table."""
    found: Frames = {}
    with serve(seed=3, accounts=16) as sandbox:
        for vendor in ("hubspot", "shopware", "brevo", "zendesk"):
            auth = {key: SECRETS[name] for key, name in AUTH[vendor].items()}
            connector = connect(
                vendor,
                base_url=f"{sandbox.url}/{vendor}",
                auth=auth,
                allow_insecure_loopback=True,
                options={"rates": {"default": 10_000, "exports": 500}} if vendor == "zendesk" else None,
            )
            for stream in VENDORS[vendor].streams:
                frames = [batch.frame for batch in connector.read(stream) if batch.frame.height]
                if frames:
                    newest_last = pl.concat(frames)
                    found[f"{vendor}__{stream}"] = newest_last.unique("record_id", keep="last", maintain_order=True)
    return found


class Warehouse:
    """A build file and a file of published tables, with the steps between them that this test needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.build, self.marts = folder / "build.duckdb", folder / "marts.duckdb"
        self.loads = 0
        folder.mkdir(parents=True, exist_ok=True)

    def create(self) -> None:
        with duckdb.connect(str(self.build)) as connection:
            for schema in ("raw", "ops", "insight"):
                connection.execute(f"create schema {schema}")
            for table, columns in raw_schemas().items():
                _create(connection, f"raw.{table}", {**SYSTEM, "merged_into": "VARCHAR", **columns, **LANDED})
            for table, columns in SCHEMAS.items():
                _create(connection, f"insight.{table}", columns)
            _create(connection, "ops.run", {"as_of_at": "TIMESTAMP", "run_id": "VARCHAR"})
            link = ("source_system", "source_instance", "source_object", "url_template")
            _create(connection, "ops.record_link", dict.fromkeys(link, "VARCHAR"))
        self.dbt("seed", "--full-refresh")
        self.dbt("run", "--select", "tag:staging")

    def land(self, frames: Frames, as_of: datetime) -> None:
        """New versions replace old ones, as landing does."""
        self.loads += 1
        with duckdb.connect(str(self.build)) as connection:
            for table, frame in frames.items():
                landed = frame.with_columns(
                    source_instance=pl.lit("default"),
                    loaded_at=pl.lit(START + timedelta(seconds=self.loads)),
                    load_id=pl.lit(f"load_{self.loads}"),
                    version_hash=pl.col("record").hash(self.loads).cast(pl.String),
                )
                connection.register("landed", landed)
                connection.execute(f"delete from raw.{table} where record_id in (select record_id from landed)")
                connection.execute(f"insert into raw.{table} by name select * from landed")
                connection.unregister("landed")
            connection.execute("delete from ops.run")
            connection.execute("insert into ops.run values (?, 'test')", [as_of])

    def run(self) -> None:
        with duckdb.connect(str(self.build)) as connection:
            inputs = connection.execute("select * from identity.int_identity__record").pl()
            resolved, _ = resolve_identity(inputs, pl.DataFrame(schema=dict.fromkeys(OVERRIDES, pl.String)))
            connection.execute("delete from insight.identity")
            connection.register("resolved", resolved)
            connection.execute("insert into insight.identity by name select * from resolved")
        self.dbt("run", "--select", "tag:journey")

    def dbt(self, *arguments: str) -> None:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        os.environ.update(WEGPUNKT_BUILD=str(self.build), WEGPUNKT_MARTS=str(self.marts), DO_NOT_TRACK="1")
        os.environ.pop("WEGPUNKT_SEEDS", None)
        place = [
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--target-path",
            str(self.folder / "target"),
        ]
        outcome = dbtRunner().invoke(["--quiet", "--log-level-file", "none", *arguments, *place])
        DuckDBConnectionManager.close_all_connections()
        assert outcome.success, (outcome.exception, [r.message for r in getattr(outcome.result, "results", [])])

    def read(self, query: str) -> pl.DataFrame:
        with duckdb.connect(str(self.build)) as connection:
            connection.execute(f"attach '{self.marts}' as pub (read_only)")
            return connection.execute(query).pl()

    def from_nothing(self, folder: Path) -> Warehouse:
        """The same records, with nothing built from them yet."""
        other = Warehouse(folder)
        shutil.copy(self.build, other.build)
        return other


def _create(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]) -> None:
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(f"create table {table} ({declared})")


def _portions(records: Frames, count: int, chance: random.Random) -> Iterator[Frames]:
    """Every record once, in one of `count` portions."""
    places = {table: [chance.randrange(count) for _ in range(frame.height)] for table, frame in records.items()}
    for place in range(count):
        yield {
            table: frame.filter(pl.Series(places[table]) == place)
            for table, frame in records.items()
            if place in places[table]
        }


def _corrected(records: Frames, chance: random.Random) -> Frames:
    """Calls that took place at another time, and orders and companies that the source has deleted."""
    calls = records["hubspot__calls"].sample(3, seed=chance.randrange(1_000))
    orders = records["shopware__orders"].sample(4, seed=chance.randrange(1_000))
    companies = records["hubspot__companies"].sample(1, seed=chance.randrange(1_000))
    return {
        "hubspot__calls": calls.with_columns(hs_timestamp=pl.col("hs_timestamp").dt.offset_by("-400d")),
        "shopware__orders": orders.with_columns(is_deleted=pl.lit(True)),
        "hubspot__companies": companies.with_columns(is_deleted=pl.lit(True)),
    }


def _same(carried_on: Warehouse, folder: Path) -> None:
    anew = carried_on.from_nothing(folder)
    anew.run()
    for table, key in (("fct_customer_journey", "touchpoint_key"), ("fct_journey_phase", "journey_phase_key")):
        query = f"select * from pub.main.{table} order by {key}"
        assert_frame_equal(carried_on.read(query), anew.read(query))


def _touched(warehouse: Warehouse) -> int:
    found: Any = warehouse.read("select count(*) from journey.int_journey__touched").item()
    return int(found)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_increment_gives_what_a_full_rebuild_gives(records: Frames, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    warehouse = Warehouse(tmp_path / "carried_on")
    warehouse.create()
    for n, portion in enumerate(_portions(records, 3, chance)):
        warehouse.land(portion, START)
        warehouse.run()
        _same(warehouse, tmp_path / f"anew_{n}")
    warehouse.land(_corrected(records, chance), START)
    warehouse.run()
    _same(warehouse, tmp_path / "anew_corrected")
    warehouse.land({}, START + timedelta(days=250))  # nothing arrives; time alone makes accounts lapse
    warehouse.run()
    _same(warehouse, tmp_path / "anew_later")


def test_only_touched_accounts_are_rebuilt(records: Frames, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "carried_on")
    warehouse.create()
    warehouse.land(records, START)
    warehouse.run()
    everybody = _touched(warehouse)
    warehouse.run()
    assert _touched(warehouse) == 0
    call = records["hubspot__calls"].head(1)
    warehouse.land(
        {"hubspot__calls": call.with_columns(hs_timestamp=pl.col("hs_timestamp").dt.offset_by("-1d"))}, START
    )
    warehouse.run()
    assert 1 <= _touched(warehouse) <= 2 < everybody
    _same(warehouse, tmp_path / "anew")


def test_a_rule_that_changed_rebuilds_all(records: Frames, tmp_path: Path) -> None:
    """The fingerprint of the last successful build is what is compared: an older one means other rules."""
    warehouse = Warehouse(tmp_path / "carried_on")
    warehouse.create()
    warehouse.land(records, START)
    warehouse.run()
    everybody = _touched(warehouse)
    with duckdb.connect(str(warehouse.build)) as connection:
        connection.execute("update journey.int_journey__built set fingerprint = 'of other rules'")
    warehouse.run()
    assert _touched(warehouse) == everybody
