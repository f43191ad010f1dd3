"""A disk that is full or read-only, and the doctor: typed errors, nothing half counted, and a way back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.source import COLUMNS, Record, Refusal, page
from warehouse import Build, Landing, Ledger, Publisher, StorageError, doctor, files, run_lock, verify


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of six megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        # Lazily: caches of this process are still mapped from there.
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def pages(n: int) -> Iterator[object]:
    for i in range(n):
        yield page([Record(f"{i}-{j}", 1, j) for j in range(200)], resume=str(i))


def test_a_full_disk_while_landing(small: Path) -> None:
    data = small / "data"
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    ledger.migrate()
    landing = Landing(ledger, data, "r1")
    landing.write("shop", "default", page([Record("before", 1, 1)], [Refusal("{x}")], resume='"kept"'))
    assert landing.finish_stream("shop", "default", "things").new == 1
    filler = small / "filler"
    with pytest.raises(OSError), filler.open("wb") as file:
        while True:
            file.write(os.urandom(1 << 16))
            file.flush()
    for one in pages(10):
        landing.write("shop", "default", one)  # type: ignore[arg-type]
    with pytest.raises(StorageError, match=r"No space left|disk is full") as caught:
        landing.finish_stream("shop", "default", "things")
    assert caught.value.exit_code == 60
    assert landing.state("shop", "default", "things")[1] == '"kept"'
    filler.unlink()
    again = Landing(ledger, data, "r2")
    for one in pages(10):
        again.write("shop", "default", one)  # type: ignore[arg-type]
    assert again.finish_stream("shop", "default", "things").new == 2000
    assert verify(data, ledger) == []


def test_a_full_disk_while_building_and_publishing(small: Path, tmp_path: Path) -> None:
    data = small / "data"
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger' / 'ledger.sqlite'}")
    ledger.migrate()
    marts = tmp_path / "marts.duckdb"
    publisher = Publisher(data, ledger)

    def build(rows: int) -> None:
        marts.unlink(missing_ok=True)
        with duckdb.connect(str(marts)) as connection:
            connection.execute(f"create table fct as select i, md5(i::varchar) as word from range({rows}) r(i)")

    build(10)
    publisher.publish(marts, "run1")
    for rows in (20_000, 60_000, 100_000, 300_000):
        build(rows)
        try:
            publisher.publish(marts, f"run{rows}")
        except StorageError as error:
            assert error.exit_code == 60
            break
    else:
        pytest.fail("the disk was never full")
    current = publisher.current()
    assert current is not None and current["run_id"] != f"run{rows}"
    assert verify(data, ledger) == []
    assert not [p for p in publisher.folder.iterdir() if ".tmp" in p.name]

    landing = Landing(ledger, data, "r1")
    for one in pages(20):
        landing.write("shop", "default", one)  # type: ignore[arg-type]
    landing.finish_stream("shop", "default", "things")
    filler = small / "filler"
    with pytest.raises(OSError), filler.open("wb") as file:
        while True:
            file.write(os.urandom(1 << 14))
            file.flush()
    raw = Build(data, ledger, {"shop__things": COLUMNS}, threads=1)
    with pytest.raises(StorageError) as caught:
        raw.refresh_raw()
    assert caught.value.exit_code == 60 and raw.notes == []
    filler.unlink()
    assert raw.refresh_raw() == {"shop__things": 4000}


def test_a_write_that_fails_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(StorageError, match="Input/output error"):
        files.write_durably(tmp_path / "x", b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StorageError, match="symbolic link"):
        files.private_folder(tmp_path / "link")


class TestDoctor:
    def whats(self, data: Path, ledger: Ledger) -> str:
        return "\n".join(f.what for f in doctor(data, ledger))

    def test_nothing_is_wrong(self, data: Path, ledger: Ledger) -> None:
        landing = Landing(ledger, data, "r1")
        landing.write("shop", "default", page([Record("a", 1, 1)], complete=True))
        Build(data, ledger, {"shop__things": COLUMNS}).refresh_raw()
        assert doctor(data, ledger) == []

    def test_what_is_wrong_is_named_with_its_repair(self, data: Path, ledger: Ledger) -> None:
        landing = Landing(ledger, data, "r1")
        landing.write("shop", "default", page([Record("a", 1, 1)], complete=True))
        part = next(data.glob("raw/shop/default/things/*.parquet"))
        build = Build(data, ledger, {"shop__things": COLUMNS})
        build.refresh_raw()
        build.path.write_bytes(b"no database")
        (part.parent / "x.parquet.tmp").write_bytes(b"")
        part.write_bytes(b"short")
        os.chmod(data, 0o755)
        ledger.start_run("dead")
        findings = doctor(data, ledger)
        text = "\n".join(f.what for f in findings)
        for word in ("build.duckdb", "x.parquet.tmp", part.name, "can be read by others", "run dead"):
            assert word in text
        assert all(f.repair for f in findings)
        assert [f.severity for f in verify(data, ledger)] == ["error"]

    def test_a_run_at_work_is_told(self, data: Path, ledger: Ledger) -> None:
        with run_lock(data):
            assert "holds" in self.whats(data, ledger)
