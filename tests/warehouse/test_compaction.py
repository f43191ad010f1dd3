"""Compaction through its door: fewer files, the same rows, the same current versions, and nothing lost on the way."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.source import COLUMNS, Page, Record, Refusal, frame_of, page
from warehouse import (
    Build,
    IntegrityError,
    Landing,
    Ledger,
    Quarantine,
    StorageError,
    StreamRun,
    compact,
    compaction,
    tables,
    verify,
)
from warehouse.parts import PART_ROWS, parts_of

TABLE = "shop__things"


@pytest.fixture
def build(data: Path, ledger: Ledger) -> Build:
    return Build(data, ledger, {TABLE: COLUMNS}, threads=1)


def land(ledger: Ledger, data: Path, run: str, *records: Record, instance: str = "default", **also: Any) -> StreamRun:
    one = Landing(ledger, data, run)
    one.write("shop", instance, page(records, complete=True, **also))
    return one.finish_stream("shop", instance, "things")


def hourly(ledger: Ledger, data: Path, runs: int, begin: int = 0) -> None:
    for n in range(begin, begin + runs):
        land(ledger, data, f"run{n}", Record(f"r{n % 5}", n, n), Record(f"s{n}", n, n))


def rows(build: Build) -> list[tuple[Any, ...]]:
    with build.connect(read_only=True) as connection:
        return connection.execute(f"from raw.{TABLE} order by source_instance, record_id").fetchall()


def held(data: Path, ledger: Ledger) -> list[tuple[Any, ...]]:
    frames = [pl.read_parquet(data / part.path) for part in parts_of(ledger)]
    return sorted(row for f in frames for row in f.select("record_id", "updated_at", "amount", "version_hash").rows())


def test_many_small_parts_become_one_with_every_row(build: Build, ledger: Ledger, data: Path) -> None:
    hourly(ledger, data, 16)
    build.refresh_raw()
    before, versions = rows(build), held(data, ledger)
    assert compact(data, ledger, "merge") == 15
    assert [part.rows for part in parts_of(ledger)] == [32]
    assert held(data, ledger) == versions and verify(data, ledger) == []
    assert build.refresh_raw() == {}, "what stands for applied parts is not applied again"
    build.path.unlink()
    build.refresh_raw()
    assert rows(build) == before, "when and by which run a row was landed is kept, too"


def test_few_small_parts_and_full_ones_are_left_alone(ledger: Ledger, data: Path) -> None:
    hourly(ledger, data, 10)
    land(ledger, data, "big", *(Record(f"x{i}", 50, i) for i in range(PART_ROWS // 2 + 1)))
    hourly(ledger, data, 15, begin=100)
    assert compact(data, ledger, "merge") == 0
    land(ledger, data, "late", Record("y", 500, 1))
    assert compact(data, ledger, "merge") == 15
    assert [part.rows for part in parts_of(ledger)] == [2] * 10 + [PART_ROWS // 2 + 1, 31]


def test_merged_parts_are_merged_again_until_they_are_full(
    ledger: Ledger, data: Path, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "PART_ROWS", 100)
    for n in range(64):
        hourly(ledger, data, 1, begin=n)
        if n % 3 == 0:
            build.refresh_raw()
        compact(data, ledger, f"merge{n}")
    assert len(parts_of(ledger)) <= 2 * 64 * 2 / 100 + compaction.MANY
    assert sum(part.rows for part in parts_of(ledger)) == 128
    build.refresh_raw()
    grown = rows(build)
    assert len(grown) == 69 and dict((r[1], r[5]) for r in grown)["r3"] == 63
    build.path.unlink()
    build.refresh_raw()
    assert rows(build) == grown


def test_the_replaced_files_go_with_the_next_run(ledger: Ledger, data: Path) -> None:
    hourly(ledger, data, 16)
    old = [data / part.path for part in parts_of(ledger)]
    compact(data, ledger, "merge")
    assert all(path.exists() for path in old), "whoever reads at this moment still finds them"
    Landing(ledger, data, "next")
    assert not any(path.exists() for path in old)
    assert ledger.rows(tables.replaced_file.select()) == []
    assert not (data / "set_aside").exists()
    assert verify(data, ledger) == []


def test_what_is_known_stays_known(ledger: Ledger, data: Path) -> None:
    """The same records again: nothing new, although the index of versions was made of parts that are no more."""
    hourly(ledger, data, 16)
    records = [Record(f"s{n}", n, n) for n in range(16)]
    # The index, made anew of many parts, is merged itself; then it names parts that are about to go.
    shutil.rmtree(data / "cache")
    land(ledger, data, "before", *records)
    assert [f.name for f in sorted(data.glob("cache/versions/**/0*"))] == ["000000000001-000000000016"]
    compact(data, ledger, "merge")
    counts = land(ledger, data, "again", *records)
    assert (counts.new, counts.unchanged) == (0, 16)
    absent = land(ledger, data, "compare", present_ids=pl.Series([r.id for r in records]))
    assert absent.tombstoned == 5, "the rows of absent records are found where they lie now"


def test_a_deletion_stands_behind_what_it_deletes(ledger: Ledger, data: Path, build: Build) -> None:
    """A deletion concluded from absence is as late as the version before it: the order of landing alone tells."""

    def compare(run: str, day: int, *present: str) -> int:
        at = datetime(2026, 2, day)
        return land(ledger, data, run, present_ids=pl.Series(present), server_time=at).tombstoned

    def landed_by() -> dict[str, tuple[bool, str]]:
        with build.connect(read_only=True) as connection:
            found = connection.execute(f"select record_id, is_deleted, load_id from raw.{TABLE}").fetchall()
        return {key: (deleted, run) for key, deleted, run in found}

    hourly(ledger, data, 16)
    assert compare("compare1", 1, "s1", "s2") == 19
    land(ledger, data, "back", Record("s3", 3, 3))
    assert compact(data, ledger, "merge1") == 17
    build.refresh_raw()
    state = landed_by()
    assert {key for key, (deleted, _) in state.items() if not deleted} == {"s1", "s2", "s3"}
    assert state["s3"] == (False, "back") and state["s4"] == (True, "compare1")
    assert compare("compare2", 2, "s1", "s2", "s3") == 0, "what is deleted and what came back is known of merged parts"
    assert compare("compare3", 3, "s1") == 2
    build.refresh_raw()
    grown = rows(build)
    assert landed_by()["s3"] == (True, "compare3")
    build.path.unlink()
    build.refresh_raw()
    assert rows(build) == grown


def test_parts_of_other_columns_are_kept_apart(ledger: Ledger, data: Path) -> None:
    hourly(ledger, data, 8)
    wider = [frame_of([Record(f"w{n}", n, n)]).with_columns(colour=pl.lit("red")) for n in range(8)]
    for n, frame in enumerate(wider):
        one = Landing(ledger, data, f"wide{n}")
        one.write("shop", "default", Page(frame=frame, received=1, complete=True))
        one.finish_stream("shop", "default", "things")
    assert compact(data, ledger, "merge") == 14
    build = Build(data, ledger, {TABLE: {**COLUMNS, "colour": "VARCHAR"}})
    build.refresh_raw()
    with build.connect(read_only=True) as connection:
        found = connection.execute(f"select record_id, colour from raw.{TABLE} where amount = 3 order by 1").fetchall()
    assert found == [("r3", None), ("s3", None), ("w3", "red")]
    # A record that was stored without the column is stored again when it comes again, merged or not.
    one = Landing(ledger, data, "full")
    again = frame_of([Record("s3", 3, 3), Record("w3", 3, 3)]).with_columns(colour=pl.lit("red"))
    one.write("shop", "default", Page(frame=again, received=2, complete=True))
    counts = one.finish_stream("shop", "default", "things")
    assert counts.unchanged == 1
    build.refresh_raw()
    with build.connect(read_only=True) as connection:
        assert connection.execute(f"select colour from raw.{TABLE} where record_id = 's3'").fetchall() == [("red",)]


def test_instances_are_merged_apart(ledger: Ledger, data: Path, build: Build) -> None:
    for n in range(16):
        land(ledger, data, f"a{n}", Record("x", n, n))
        land(ledger, data, f"b{n}", Record("x", n, -n), instance="austria")
    build.refresh_raw()
    assert compact(data, ledger, "merge") == 30
    assert build.refresh_raw() == {}
    build.path.unlink()
    build.refresh_raw()
    assert [(r[0], r[5]) for r in rows(build)] == [("austria", -15), ("default", 15)]


def test_a_table_is_remade_when_the_ledger_lost_a_part_beside_merged_ones(
    ledger: Ledger, data: Path, build: Build
) -> None:
    """Spans of ids of two accounts overlap: what one account lost must not pass for merged into the other's."""
    for n in range(16):
        land(ledger, data, f"a{n}", Record("x", n, n))
        if n == 8:
            land(ledger, data, "lost", Record("y", n, n), instance="austria")
    build.refresh_raw()
    compact(data, ledger, "merge")
    with ledger.begin() as connection:
        connection.execute(tables.part.delete().where(tables.part.c.instance == "austria"))
    build.refresh_raw()
    assert [(r[0], r[1]) for r in rows(build)] == [("default", "x")]


def test_a_part_lost_before_merged_ones_is_missed(ledger: Ledger, data: Path, build: Build) -> None:
    land(ledger, data, "big", *(Record(f"x{i}", 50, i) for i in range(PART_ROWS // 2 + 1)))
    hourly(ledger, data, 16)
    build.refresh_raw()
    compact(data, ledger, "merge")
    with ledger.begin() as connection:
        connection.execute(tables.part.delete().where(tables.part.c.run_id == "big"))
    build.refresh_raw()
    assert len(rows(build)) == 21


def test_refused_records_stay_within_reach(ledger: Ledger, data: Path) -> None:
    for n in range(20):
        one = Landing(ledger, data, f"run{n}")
        refused = (
            [Refusal("{same}", "same"), Refusal(f"{{bad {n}}}", f"bad{n}")] if n < 18 else [Refusal("{same}", "same")]
        )
        one.write("shop", "default", page([], refused, complete=True))
        one.finish_stream("shop", "default", "things")
    quarantine = Quarantine(ledger, data)
    before = quarantine.list()
    texts = quarantine.records(before)
    assert len(before) == 19 and compact(data, ledger, "run19") == 19
    Landing(ledger, data, "next")
    after = quarantine.list()
    moving = ("raw_path", "raw_row", "raw_sha256")
    assert [{k: v for k, v in r.items() if k not in moving} for r in after] == [
        {k: v for k, v in r.items() if k not in moving} for r in before
    ]
    assert quarantine.records(after) == texts
    assert [part.rows for part in parts_of(ledger)] == [19]
    assert verify(data, ledger) == []


def test_files_of_refusals_that_were_seen_again_later_are_not_kept(
    ledger: Ledger, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "PART_ROWS", 8)
    for n in range(20):
        one = Landing(ledger, data, f"run{n}")
        one.write("shop", "default", page([], [Refusal("{same}", "same")], complete=True))
        one.finish_stream("shop", "default", "things")
    compact(data, ledger, "merge")
    Landing(ledger, data, "next")
    assert [part.rows for part in parts_of(ledger)] == [1] and verify(data, ledger) == []
    quarantine = Quarantine(ledger, data)
    rows = quarantine.list()
    assert [row["seen_count"] for row in rows] == [20]
    assert list(quarantine.records(rows).values()) == ["{same}"]


@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_a_damaged_part_is_not_copied_into_a_sound_one(ledger: Ledger, data: Path, harm: str) -> None:
    hourly(ledger, data, 16)
    path = data / parts_of(ledger)[7].path
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content) if harm == "flip" else path.unlink()
    with pytest.raises(IntegrityError, match=path.name):
        compact(data, ledger, "merge")
    assert len(parts_of(ledger)) == 16


def test_a_full_disk_loses_nothing(ledger: Ledger, data: Path, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    hourly(ledger, data, 16)
    versions = held(data, ledger)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("warehouse.files.os.write", full)
        with pytest.raises(StorageError, match="No space left"):
            compact(data, ledger, "merge")
    assert held(data, ledger) == versions and len(parts_of(ledger)) == 16
    assert compact(data, ledger, "merge") == 15 and held(data, ledger) == versions


def test_a_file_that_reads_back_otherwise_replaces_nothing(
    ledger: Ledger, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourly(ledger, data, 16)
    real = compaction.write_part

    def torn(*args: Any, **also: Any) -> dict[str, Any]:
        written = real(*args, **also)
        path = data / str(written["path"])
        pl.read_parquet(path).head(31).write_parquet(path)
        return written

    monkeypatch.setattr(compaction, "write_part", torn)
    with pytest.raises(IntegrityError, match="does not read back"):
        compact(data, ledger, "merge")
    assert len(parts_of(ledger)) == 16
    Landing(ledger, data, "next")
    assert verify(data, ledger) == []
