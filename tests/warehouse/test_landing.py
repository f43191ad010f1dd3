"""Landing through its door: what is stored, counted, remembered, and what a crash leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.source import Page, Record, Refusal, frame_of, page
from warehouse import IntegrityError, Landing, Ledger, StreamRun, WarehouseError, landing, tables
from warehouse.parts import parts_of

STREAM = ("shop", "default", "things")


def land(ledger: Ledger, data: Path, *pages: Page, run: str = "run1", full: bool = False) -> StreamRun:
    landing = Landing(ledger, data, run, full=full)
    for one in pages:
        landing.write("shop", "default", one)
    return landing.finish_stream(*STREAM)


def stored(data: Path) -> pl.DataFrame:
    files = sorted(data.glob("raw/shop/default/things/*.parquet"))
    return pl.concat([pl.read_parquet(f) for f in files], how="diagonal") if files else pl.DataFrame()


def counts(run: StreamRun) -> tuple[int, int, int, int]:
    return run.new, run.unchanged, run.superseded, run.quarantined


def test_each_version_is_stored_once(ledger: Ledger, data: Path) -> None:
    first, second = Record("a", 1, 10), Record("a", 2, 20)
    assert counts(land(ledger, data, page([first, first, Record("b", 1, 1)], complete=True), run="r1")) == (2, 1, 0, 0)
    assert counts(land(ledger, data, page([first, second], complete=True), run="r2")) == (1, 1, 0, 0)
    assert counts(land(ledger, data, page([first, second], complete=True), run="r3")) == (0, 1, 1, 0)
    assert stored(data).height == 3


def test_a_value_that_comes_back_is_a_new_version(ledger: Ledger, data: Path) -> None:
    for at, amount in enumerate([1, 2, 1]):
        assert counts(land(ledger, data, page([Record("a", at, amount)], complete=True), run=f"r{at}")) == (1, 0, 0, 0)


def test_without_a_time_the_current_version_decides(ledger: Ledger, data: Path) -> None:
    seen = [
        counts(land(ledger, data, page([Record("a", None, n)], complete=True), run=f"r{i}"))
        for i, n in enumerate([1, 1, 2, 1, 1])
    ]
    assert seen == [(1, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0)]


def test_an_older_version_is_history_and_stored_once(ledger: Ledger, data: Path) -> None:
    land(ledger, data, page([Record("a", 5, 5)], complete=True), run="r1")
    assert counts(land(ledger, data, page([Record("a", 3, 3)], complete=True), run="r2")) == (0, 0, 1, 0)
    assert counts(land(ledger, data, page([Record("a", 3, 3)], complete=True), run="r3")) == (0, 0, 1, 0)
    assert stored(data)["amount"].to_list() == [5, 3]


def test_refused_records_are_counted_and_kept(ledger: Ledger, data: Path) -> None:
    refusal = Refusal('{"id":"x","amount":"many"}', "x")
    run = land(ledger, data, page([Record("a", 1, 1)], [refusal, refusal], complete=True))
    assert (run.received, *counts(run)) == (3, 1, 0, 0, 2)


def test_a_page_that_does_not_add_up_is_refused(ledger: Ledger, data: Path) -> None:
    wrong = Page(frame=frame_of([Record("a", 1, 1)]), received=2, complete=True)
    with pytest.raises(IntegrityError, match="2 records became 1 rows") as caught:
        land(ledger, data, wrong)
    assert caught.value.exit_code == 70
    assert stored(data).is_empty()


def test_a_count_that_does_not_add_up_ends_the_run(ledger: Ledger, data: Path) -> None:
    landing = Landing(ledger, data, "r1")
    landing.write("shop", "default", page([Record("a", 1, 1)], complete=True))
    with ledger.begin() as connection:
        connection.execute(tables.stream_run.update().values(new=0))
    with pytest.raises(IntegrityError, match="received 1 records but accounts for 0 new"):
        landing.finish_stream(*STREAM)


def test_the_cursor_moves_at_the_end_and_never_back(ledger: Ledger, data: Path) -> None:
    def cursor() -> str | None:
        return Landing(ledger, data, "look").state(*STREAM)[0]

    land(ledger, data, page([Record("a", 1, 1)], resume='{"page":2}'), run="r1")
    assert cursor() is None
    land(ledger, data, page(complete=True, cursor='{"since":"2026-02-01T00:00:00"}'), run="r2")
    land(ledger, data, page(complete=True, cursor='{"since":"2026-01-01T00:00:00Z"}'), run="r3")
    assert cursor() == '{"since":"2026-02-01T00:00:00"}'
    land(ledger, data, page(complete=True, cursor='{"since":"2026-01-01T00:00:00"}'), run="r4", full=True)
    assert cursor() == '{"since":"2026-01-01T00:00:00"}'


def test_an_interrupted_pass_is_resumed_behind_its_last_durable_page(ledger: Ledger, data: Path) -> None:
    run = land(
        ledger, data, page([Record("a", 1, 1)], resume='{"page":2}'), page([Record("b", 2, 2)], resume='{"page":3}')
    )
    assert not run.complete
    assert Landing(ledger, data, "next").state(*STREAM) == (None, '{"page":3}')
    land(ledger, data, page([Record("c", 3, 3)], complete=True, cursor='"x"'), run="next")
    assert Landing(ledger, data, "third").state(*STREAM) == ('"x"', None)


def test_a_resume_token_lives_a_day(data: Path) -> None:
    now = [datetime(2026, 1, 1)]
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}", clock=lambda: now[0])
    ledger.migrate()
    land(ledger, data, page([Record("a", 1, 1)], resume='{"page":2}'))
    now[0] += timedelta(hours=24)
    assert Landing(ledger, data, "r2").state(*STREAM)[1] == '{"page":2}'
    now[0] += timedelta(seconds=1)
    assert Landing(ledger, data, "r3").state(*STREAM) == (None, None)


def test_pages_become_parts_of_ten_thousand(ledger: Ledger, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "PART_ROWS", 10)
    pages = [page([Record(f"{n}-{i}", 1, 1) for i in range(4)], resume=str(n)) for n in range(6)]
    run = land(ledger, data, *pages)
    assert run.new == 24
    assert [part.rows for part in parts_of(ledger)] == [12, 12]
    loaded = [part.loaded_at for part in parts_of(ledger)]
    assert loaded == sorted(set(loaded))


def test_pages_that_overlap_across_parts_store_nothing_twice(
    ledger: Ledger, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "PART_ROWS", 10)
    records = [Record(str(n), n, n) for n in range(300)]
    pages = [page(records[n : n + 20], resume=str(n)) for n in range(0, 290, 10)]
    run = land(ledger, data, *pages, page(records, complete=True))
    assert counts(run) == (300, run.received - 300, 0, 0)
    assert stored(data).height == 300


def test_a_slow_source_makes_a_part_before_ten_thousand(
    ledger: Ledger, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "PART_SECONDS", 0.0)
    one = Landing(ledger, data, "r1")
    one.write("shop", "default", page([Record("a", 1, 1)], resume='{"page":2}'))
    assert Landing(ledger, data, "r1").state(*STREAM)[1] == '{"page":2}'


class TestAbsence:
    def live(self, data: Path) -> dict[str, bool]:
        frame = stored(data).sort("updated_at", nulls_last=False, maintain_order=True)
        return dict(zip(frame["record_id"], ~frame["is_deleted"], strict=True))

    def test_what_a_complete_pass_does_not_show_gets_a_tombstone_with_its_last_values(
        self, ledger: Ledger, data: Path
    ) -> None:
        land(ledger, data, page([Record("a", 1, 7), Record("b", 2, 8)], complete=True), run="r1")
        seen = page(complete=True, present_ids=pl.Series(["b"]), server_time=datetime(2026, 3, 1))
        assert land(ledger, data, seen, run="r2").tombstoned == 1
        tombstone = stored(data).filter(pl.col("is_deleted")).row(0, named=True)
        assert (tombstone["record_id"], tombstone["amount"]) == ("a", 7)
        assert tombstone["updated_at"] == datetime(2026, 3, 1)
        assert land(ledger, data, seen, run="r3").tombstoned == 0

    def test_an_incomplete_pass_proves_nothing(self, ledger: Ledger, data: Path) -> None:
        land(ledger, data, page([Record("a", 1, 7)], complete=True), run="r1")
        assert land(ledger, data, page(present_ids=pl.Series(["b"])), run="r2").tombstoned == 0

    @pytest.mark.parametrize("at", [1, None])
    def test_a_record_that_is_seen_again_is_back(self, ledger: Ledger, data: Path, at: int | None) -> None:
        land(ledger, data, page([Record("a", at, 7)], complete=True), run="r1")
        gone = page(complete=True, present_ids=pl.Series([], dtype=pl.String), server_time=datetime(2026, 3, 1))
        land(ledger, data, gone, run="r2")
        assert counts(land(ledger, data, page([Record("a", at, 7)], complete=True), run="r3")) == (1, 0, 0, 0)
        assert land(ledger, data, gone, run="r4").tombstoned == 1

    def test_the_cursor_moves_together_with_the_tombstones(
        self, ledger: Ledger, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        land(ledger, data, page([Record("a", 1, 7)], complete=True, cursor='"old"'), run="r1")
        last = page(complete=True, cursor='"new"', present_ids=pl.Series(["b"]))
        with monkeypatch.context() as broken:
            broken.setattr(Landing, "_absent", lambda *_: (_ for _ in ()).throw(RuntimeError("killed here")))
            with pytest.raises(RuntimeError):
                land(ledger, data, last, run="r2")
        assert Landing(ledger, data, "r3").state(*STREAM)[0] == '"old"'
        assert land(ledger, data, last, run="r3").tombstoned == 1
        assert Landing(ledger, data, "r4").state(*STREAM)[0] == '"new"'


def test_a_merge_without_a_date_counts_from_its_arrival(ledger: Ledger, data: Path) -> None:
    land(ledger, data, page([Record("loser", 5, 7)], complete=True), run="r1")
    merged = frame_of([Record("loser", None, 0, deleted=True)]).with_columns(merged_into=pl.lit("winner"))
    one = Page(frame=merged, received=1, complete=True)
    assert counts(land(ledger, data, one, run="r2")) == (1, 0, 0, 0)
    assert counts(land(ledger, data, one, run="r3")) == (0, 1, 0, 0)


def test_a_column_declared_later_is_filled_when_the_record_comes_again(ledger: Ledger, data: Path) -> None:
    land(ledger, data, page([Record("a", 1, 7)], complete=True), run="r1")
    wider = frame_of([Record("a", 1, 7)]).with_columns(colour=pl.lit("red"))
    one = Page(frame=wider, received=1, complete=True)
    assert counts(land(ledger, data, one, run="r2")) == (1, 0, 0, 0)
    assert counts(land(ledger, data, one, run="r3")) == (0, 1, 0, 0)


class TestLeftovers:
    def test_a_part_without_a_ledger_row_is_swept(self, ledger: Ledger, data: Path) -> None:
        land(ledger, data, page([Record("a", 1, 1)], complete=True), run="r1")
        folder = data / "raw/shop/default/things"
        part = next(folder.glob("*.parquet"))
        (folder / "20990101T000000000000-dead-records.parquet").write_bytes(part.read_bytes())
        (folder / "half.parquet.tmp").write_bytes(b"half")
        landing = Landing(ledger, data, "r2")
        assert [p.name for p in folder.iterdir() if p.is_file()] == [part.name]
        assert landing.notes == ["removed what a killed run left unfinished in raw/shop/default/things"]

    def test_many_unknown_parts_are_set_aside_not_deleted(self, ledger: Ledger, data: Path) -> None:
        for n in range(3):
            land(ledger, data, page([Record("a", n, n)], complete=True), run=f"r{n}")
        with ledger.begin() as connection:
            connection.execute(tables.part.delete())
        Landing(ledger, data, "after")
        assert len(list(data.glob("set_aside/raw/shop/default/things/*.parquet"))) == 3

    @pytest.mark.parametrize("harm", ["missing", "garbage", "cut"])
    def test_the_cache_of_versions_is_made_anew(self, ledger: Ledger, data: Path, harm: str) -> None:
        land(ledger, data, page([Record("a", 1, 1), Record("b", 1, 1)], complete=True), run="r1")
        for path in (data / "cache/versions/shop/default/things").iterdir():
            if harm == "missing":
                path.unlink()
            elif harm == "garbage":
                path.write_bytes(path.read_bytes()[:-3] + b"xyz")
            else:
                path.write_bytes(path.read_bytes()[:-32])
        assert counts(land(ledger, data, page([Record("a", 1, 1)], complete=True), run="r2")) == (0, 1, 0, 0)


@pytest.mark.parametrize("vendor", ["../up", "", "a/b", "a\0b", ".hidden"])
def test_names_cannot_leave_the_data_folder(ledger: Ledger, data: Path, vendor: str) -> None:
    with pytest.raises(WarehouseError):
        Landing(ledger, data, "r1").write(vendor, "default", page([Record("a", 1, 1)], complete=True))


def test_files_are_private(ledger: Ledger, data: Path) -> None:
    land(ledger, data, page([Record("a", 1, 1)], [Refusal("{x}")], complete=True))
    for path in data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
