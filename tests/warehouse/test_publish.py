"""Publishing through its door: whole generations, readers that never notice, crashes that heal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.source import page
from warehouse import IntegrityError, Landing, Ledger, Publisher, StorageError, publish, tables, verify

READER = """
import sys, time
import duckdb
torn = reads = 0
seen = set()
print("reading", flush=True)
end = time.time() + float(sys.argv[2])
while time.time() < end:
    with duckdb.connect(sys.argv[1], read_only=True) as c:
        g, = c.execute("select generation from publish_info").fetchone()
        f, = c.execute("select min(version) from fct").fetchone()
        m, = c.execute("select max(version) from mart").fetchone()
    reads += 1
    torn += f != m
    seen.add((g, f))
print(reads, torn, len(seen), len({f for _, f in seen}))
"""


@pytest.fixture
def marts(data: Path, ledger: Ledger) -> Path:
    folder = data / "warehouse"
    folder.mkdir(mode=0o700)
    return folder / "marts.duckdb"


@pytest.fixture
def publisher(data: Path, ledger: Ledger) -> Publisher:
    return Publisher(data, ledger)


def build(marts: Path, version: int = 1, rows: int = 1000) -> None:
    marts.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{marts}' as pub (storage_version 'v1.2.0')")
        connection.execute(
            f"create table pub.fct as select i, {version} as version, 'x' as word from range({rows}) r(i)"
        )
        connection.execute(f"create table pub.mart as select {version} as version, 1.50::decimal(18,2) as amount")
        connection.execute("create table pub.dim as select 1 as key")
        connection.execute("comment on table pub.fct is 'Grain: one touchpoint'")


def read(file: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_generation_is_published_as_a_file_and_as_parquet(
    publisher: Publisher, marts: Path, ledger: Ledger, data: Path
) -> None:
    landing = Landing(ledger, data, "run1")
    landing.write("shop", "default", page(complete=True, server_time=datetime(2026, 6, 1)))
    build(marts)
    generation = publisher.publish(marts, "run1", waivers=["fct.word.in_set"])
    assert generation.rows == {"dim": 1, "fct": 1000, "mart": 1}
    info = publisher.current()
    assert info is not None
    assert (info["generation"], info["run_id"], info["open_critical_issues"]) == (generation.generation, "run1", 0)
    assert json.loads(info["data_as_of"]) == {"shop.default": "2026-06-01T00:00:00"}
    assert json.loads(info["row_counts"]) == generation.rows
    manifest = json.loads((generation.folder / "manifest.json").read_bytes())
    assert manifest["waivers"] == ["fct.word.in_set"]
    assert manifest["tables"]["mart"]["columns"] == {"version": "INTEGER", "amount": "DECIMAL(18,2)"}
    for table, rows in generation.rows.items():
        assert duckdb.sql(f"select count(*) from '{generation.folder / table}.parquet'").fetchall() == [(rows,)]
    assert read(publisher.file, "select comment from duckdb_tables() where table_name = 'fct'") == [
        ("Grain: one touchpoint",)
    ]
    assert [g["generation"] for g in publisher.generations()] == [generation.generation]
    assert verify(data, ledger) == []


def test_the_file_keeps_the_format_that_old_readers_know(publisher: Publisher, marts: Path) -> None:
    build(marts)
    publisher.publish(marts, "run1")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{publisher.file}' as pub (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'pub'").fetchall()
    assert tags[0][0]["storage_version"].startswith("v1.2.0")


def test_readers_may_read_and_nobody_else_may_look(publisher: Publisher, marts: Path, data: Path) -> None:
    build(marts)
    folder = publisher.publish(marts, "run1").folder
    modes = {p.name: p.stat().st_mode & 0o777 for p in (publisher.file, *folder.iterdir())}
    assert set(modes.values()) == {0o640}
    assert {p.stat().st_mode & 0o777 for p in (publisher.folder, folder)} == {0o750}


def test_unchanged_tables_are_links(publisher: Publisher, marts: Path, data: Path, ledger: Ledger) -> None:
    build(marts, 1)
    first = publisher.publish(marts, "run1").folder
    build(marts, 2)
    second = publisher.publish(marts, "run2").folder
    assert (first / "dim.parquet").samefile(second / "dim.parquet")
    assert not (first / "fct.parquet").samefile(second / "fct.parquet")
    assert duckdb.sql(f"select distinct version from '{second}/fct.parquet'").fetchall() == [(2,)]
    assert verify(data, ledger) == []


def test_ten_generations_are_kept(data: Path, ledger: Ledger, marts: Path) -> None:
    publisher = Publisher(data, ledger, keep=2)
    folders = []
    for n in range(3):
        build(marts, n, rows=10)
        folders.append(publisher.publish(marts, f"run{n}").folder)
    assert [f.exists() for f in folders] == [False, True, True]
    assert publish.KEPT_GENERATIONS == 10


def test_readers_never_fail_and_never_see_a_mixture(publisher: Publisher, marts: Path) -> None:
    build(marts, 0)
    publisher.publish(marts, "run0")
    child = subprocess.Popen(
        [sys.executable, "-c", READER, str(publisher.file), "4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "reading\n"
    for n in range(1, 4):
        build(marts, n, rows=20000)
        publisher.publish(marts, f"run{n}")
    out, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    reads, torn, seen, versions = map(int, out.split())
    assert torn == 0 and reads > 20
    assert seen == versions >= 2, "each generation names exactly one version"


def test_a_reader_that_stays_keeps_its_generation(publisher: Publisher, marts: Path) -> None:
    build(marts, 1)
    publisher.publish(marts, "run1")
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); sys.stdin.readline(); print(c.execute('select max(version) from fct').fetchone()[0])"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(publisher.file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "open\n"
    build(marts, 2)
    publisher.publish(marts, "run2")
    out, _ = child.communicate("go\n", timeout=30)
    assert out == "1\n"
    assert read(publisher.file, "select max(version) from fct") == [(2,)]


def test_a_file_that_was_not_closed_is_refused(publisher: Publisher, marts: Path) -> None:
    build(marts)
    marts.with_name("marts.duckdb.wal").write_bytes(b"x")
    with pytest.raises(StorageError, match="was not closed") as caught:
        publisher.publish(marts, "run1")
    assert caught.value.exit_code == 60
    assert not publisher.file.exists()


def test_fewer_rows_than_the_caller_knows_are_not_published(publisher: Publisher, marts: Path) -> None:
    build(marts, 1)
    publisher.publish(marts, "run1")
    build(marts, 2, rows=500)
    with pytest.raises(IntegrityError, match="fct: 500 instead of 1000") as caught:
        publisher.publish(marts, "run2", expected_rows={"fct": 1000})
    assert caught.value.exit_code == 70
    assert read(publisher.file, "select max(version) from fct") == [(1,)]
    assert sorted(p.name for p in publisher.folder.iterdir() if ".tmp" in p.name) == []


def test_an_empty_file_is_not_published(publisher: Publisher, marts: Path) -> None:
    duckdb.connect(str(marts)).close()
    with pytest.raises(IntegrityError, match="holds no table"):
        publisher.publish(marts, "run1")


def test_a_wal_that_somebody_left_beside_the_published_file_locks_no_reader_out(
    publisher: Publisher, marts: Path
) -> None:
    build(marts, 1)
    publisher.publish(marts, "run1")
    write = (
        "import duckdb, os, signal, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute('create table mine as select 1 as x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", write, str(publisher.file)], check=False)
    assert publisher.file.with_name("marts.duckdb.wal").exists()
    build(marts, 2)
    publisher.publish(marts, "run2")
    assert read(publisher.file, "select max(version) from fct") == [(2,)]
    assert "removed marts.duckdb.wal" in publisher.notes[-1]


def test_a_damaged_published_file_is_replaced(publisher: Publisher, marts: Path) -> None:
    build(marts, 1)
    publisher.publish(marts, "run1")
    publisher.file.write_bytes(b"no database")
    build(marts, 2)
    publisher.publish(marts, "run2")
    assert read(publisher.file, "select max(version) from fct") == [(2,)]


@pytest.mark.parametrize("at", ["_write_parquet", "_drop_wal_of_published", "_enter", "_forget_old"])
def test_a_crash_at_any_step_leaves_one_whole_generation(
    publisher: Publisher, marts: Path, data: Path, ledger: Ledger, at: str
) -> None:
    build(marts, 1)
    first = publisher.publish(marts, "run1")
    build(marts, 2)
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from warehouse import Ledger, Publisher\n"
        "def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"setattr(Publisher, {at!r}, die)\n"
        "data = Path(sys.argv[1])\n"
        "Publisher(data, Ledger(sys.argv[2])).publish(data / 'warehouse' / 'marts.duckdb', 'run2')\n"
    )
    root = Path(__file__).resolve().parents[2]
    url = f"sqlite:///{data / 'ledger.sqlite'}"
    done = subprocess.run([sys.executable, "-c", code, str(data), url], cwd=root, check=False)
    assert done.returncode == -9
    version = read(publisher.file, "select max(version) from fct")[0][0]
    assert version == (2 if at in ("_enter", "_forget_old") else 1)
    publisher.repair()
    current = publisher.current()
    assert current is not None
    assert publisher.generations()[0]["generation"] == current["generation"]
    assert publisher.generations()[0]["repaired"] is (at == "_enter")
    folders = {p.name for p in publisher.folder.iterdir() if p.is_dir()}
    assert folders == {first.generation, current["generation"]}
    assert not [p for p in publisher.folder.iterdir() if ".tmp" in p.name]
    assert verify(data, ledger) == []
    build(marts, 3)
    publisher.publish(marts, "run3")
    assert read(publisher.file, "select max(version) from fct") == [(3,)]


def test_a_lost_ledger_learns_of_all_generations_again(publisher: Publisher, marts: Path, ledger: Ledger) -> None:
    for n in range(3):
        build(marts, n, rows=10)
        publisher.publish(marts, f"run{n}")
    before = [g["generation"] for g in publisher.generations()]
    with ledger.begin() as connection:
        connection.execute(tables.generation.delete())
    publisher.repair()
    assert [g["generation"] for g in publisher.generations()] == before


def test_generations_grow_even_when_the_clock_is_set_back(data: Path, marts: Path) -> None:
    now = [datetime(2026, 2, 1)]
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}", clock=lambda: now[0])
    publisher = Publisher(data, ledger)
    build(marts)
    first = publisher.publish(marts, "run1").generation
    now[0] = datetime(2026, 1, 1)
    assert publisher.publish(marts, "run2").generation > first


def test_a_full_disk_keeps_the_old_generation(
    publisher: Publisher, marts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(marts, 1)
    publisher.publish(marts, "run1")
    build(marts, 2)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as broken:
        broken.setattr(publish.shutil, "copyfile", full)
        with pytest.raises(StorageError, match="No space left"):
            publisher.publish(marts, "run2")
    assert read(publisher.file, "select max(version) from fct") == [(1,)]
    publisher.publish(marts, "run3")
    assert read(publisher.file, "select max(version) from fct") == [(2,)]
