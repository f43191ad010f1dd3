"""The build file through its door: current versions, kept from parts, remade whenever needed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.warehouse.source import COLUMNS, Page, Record, frame_of, page
from warehouse import Build, IntegrityError, Landing, Ledger, StorageError
from warehouse.parts import parts_of

TABLE = "shop__things"


@pytest.fixture
def build(data: Path, ledger: Ledger) -> Build:
    return Build(data, ledger, {TABLE: COLUMNS, "shop__empty": {"price": "decimal(18, 4)"}}, threads=1)


def land(ledger: Ledger, data: Path, *records: Record, run: str = "run1", instance: str = "default") -> None:
    landing = Landing(ledger, data, run)
    landing.write("shop", instance, page(records, complete=True, server_time=datetime(2026, 6, 1)))
    landing.finish_stream("shop", instance, "things")


def query(build: Build, sql: str) -> list[tuple[Any, ...]]:
    with build.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def amounts(build: Build) -> dict[tuple[str, str], int]:
    return {(i, r): a for i, r, a in query(build, f"select source_instance, record_id, amount from raw.{TABLE}")}


def test_every_declared_table_exists_before_anything_landed(build: Build) -> None:
    assert build.refresh_raw() == {}
    assert query(build, f"from raw.{TABLE}") == query(build, "from raw.shop__empty") == []
    assert query(build, "from ops.source_state") == query(build, "from ops.run") == []


def test_only_new_parts_are_read(build: Build, ledger: Ledger, data: Path) -> None:
    land(ledger, data, Record("a", 1, 1), Record("b", 1, 2), run="r1")
    assert build.refresh_raw() == {TABLE: 2}
    land(ledger, data, Record("a", 2, 5), run="r2")
    (data / parts_of(ledger)[0].path).unlink()
    assert build.refresh_raw() == {TABLE: 1}
    assert build.refresh_raw() == {}
    assert amounts(build) == {("default", "a"): 5, ("default", "b"): 2}


def test_an_older_version_never_replaces_a_newer_one(build: Build, ledger: Ledger, data: Path) -> None:
    for run, at in enumerate([1, 5, 3]):
        land(ledger, data, Record("a", at, at), run=f"r{run}")
        build.refresh_raw()
    assert amounts(build) == {("default", "a"): 5}
    build.path.unlink()
    build.refresh_raw()
    assert amounts(build) == {("default", "a"): 5}


def test_instances_do_not_mix(build: Build, ledger: Ledger, data: Path) -> None:
    land(ledger, data, Record("a", 1, 1), run="r1")
    land(ledger, data, Record("a", 1, 9), run="r1", instance="austria")
    build.refresh_raw()
    assert amounts(build) == {("default", "a"): 1, ("austria", "a"): 9}


def test_a_deleted_or_damaged_file_is_made_anew(build: Build, ledger: Ledger, data: Path) -> None:
    land(ledger, data, Record("a", 1, 1), Record("a", 2, 3), Record("b", 4, 4))
    build.refresh_raw()
    before = query(build, f"from raw.{TABLE} order by record_id")
    build.path.unlink()
    assert build.refresh_raw() == {TABLE: 2}
    assert query(build, f"from raw.{TABLE} order by record_id") == before
    build.path.write_bytes(build.path.read_bytes()[:5000])
    assert build.refresh_raw() == {TABLE: 2}
    assert query(build, f"from raw.{TABLE} order by record_id") == before
    assert "damaged" in build.notes[0] and list(build.path.parent.glob("damaged-*"))


def test_a_file_that_is_in_use_is_not_taken_for_damaged(build: Build, ledger: Ledger, data: Path) -> None:
    build.refresh_raw()
    import subprocess
    import sys

    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(build.path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match="open in another program"):
            build.refresh_raw()
        assert build.notes == []
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_part_that_is_not_what_was_landed_is_refused(build: Build, ledger: Ledger, data: Path, harm: str) -> None:
    land(ledger, data, *(Record(str(i), 1, i) for i in range(100)))
    path = data / parts_of(ledger)[0].path
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
    elif harm == "cut":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
    with pytest.raises(IntegrityError, match=path.name) as caught:
        build.refresh_raw()
    assert caught.value.exit_code == 70


def test_a_column_declared_later_remakes_its_table(build: Build, ledger: Ledger, data: Path) -> None:
    land(ledger, data, Record("a", 1, 1), run="r1")
    build.refresh_raw()
    wider = Build(data, ledger, {TABLE: {**COLUMNS, "colour": "VARCHAR"}})
    assert wider.refresh_raw() == {TABLE: 1}
    assert query(wider, f"select amount, colour from raw.{TABLE}") == [(1, None)]
    landing = Landing(ledger, data, "r2")
    frame = frame_of([Record("a", 1, 1)]).with_columns(colour=pl.lit("red"))
    landing.write("shop", "default", Page(frame=frame, received=1, complete=True))
    assert wider.refresh_raw() == {TABLE: 1}
    assert query(wider, f"select amount, colour from raw.{TABLE}") == [(1, "red")]


def test_a_ledger_that_lost_parts_remakes_the_table(build: Build, ledger: Ledger, data: Path) -> None:
    land(ledger, data, Record("a", 1, 1), run="r1")
    land(ledger, data, Record("b", 1, 1), run="r2")
    build.refresh_raw()
    from warehouse import tables

    with ledger.begin() as connection:
        connection.execute(tables.part.delete().where(tables.part.c.run_id == "r2"))
    build.refresh_raw()
    assert amounts(build) == {("default", "a"): 1}


def test_freshness_and_as_of(build: Build, ledger: Ledger, data: Path) -> None:
    land(ledger, data, Record("a", 1, 1))
    build.refresh_raw()
    build.write_run("run1", datetime(2026, 6, 2))
    build.write_run("run2", datetime(2026, 6, 3))
    state = query(build, "select source_system, source_instance, stream, data_as_of from ops.source_state")
    assert state == [("shop", "default", "things", datetime(2026, 6, 1))]
    assert query(build, "from ops.run") == [(datetime(2026, 6, 3), "run2")]


def test_tables_of_other_steps(build: Build) -> None:
    build.create_tables("insight", {"score": {"account_key": "VARCHAR", "value": "DECIMAL(18,2)"}})
    assert query(build, "from insight.score") == []
    frame = pl.DataFrame({"value": [1.5], "account_key": ["x"]})
    build.write_table("insight", "score", frame, {"account_key": "VARCHAR", "value": "DECIMAL(18,2)"})
    assert [str(v) for v in query(build, "from insight.score")[0]] == ["x", "1.50"]
    build.create_tables("insight", {"score": {"account_key": "VARCHAR", "value": "DECIMAL(18,2)"}})
    assert len(query(build, "from insight.score")) == 1


def test_no_extension_is_ever_fetched(build: Build) -> None:
    build.refresh_raw()
    with build.connect() as connection, pytest.raises(duckdb.Error):
        connection.execute("select * from st_read('x')")
    settings = "select name, value from duckdb_settings() where name like 'auto%extensions' order by 1"
    assert {value for _, value in query(build, settings)} == {"false"}


def test_an_error_of_sql_is_not_hidden(build: Build) -> None:
    with pytest.raises(duckdb.CatalogException), build.connect() as connection:
        connection.execute("from nowhere")
