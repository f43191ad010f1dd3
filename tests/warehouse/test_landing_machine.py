"""Landing and building against a model: whatever the source does and in whatever order pages come, nothing is lost,
doubled or invented, and the current version is the newest the source ever showed."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.warehouse.source import COLUMNS, START, Record, Refusal, page
from warehouse import Build, Landing, Ledger, compact, compaction, landing, tables

KEYS = st.sampled_from(["a", "b", "c", "d"])
TABLE = "shop__things"
ABSENT = datetime(2030, 1, 1)
"""When keys were compared: the time of every deletion concluded from absence."""


class Syncing(RuleBasedStateMachine):
    """A source whose records change and vanish; passes over it are cut, repeated, replayed and reordered."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(landing, "PART_ROWS", 3)
        self.patch.setattr(compaction, "PART_ROWS", 8)
        self.patch.setattr(compaction, "MANY", 2)
        self.folder = tempfile.TemporaryDirectory()
        self.data = Path(self.folder.name) / "data"
        self.ledger = Ledger(f"sqlite:///{self.data / 'ledger.sqlite'}")
        self.ledger.migrate()
        self.build = Build(self.data, self.ledger, {TABLE: COLUMNS}, threads=1)
        self.clock, self.runs = 0, 0
        self.alive: dict[str, Record] = {}
        self.shown: dict[str, dict[int, Record]] = {}  # every version the source showed, by time
        self.landed: dict[str, Record] = {}  # the newest version landed of each record
        self.reconciled = False  # whether any record was ever proved absent
        self.gone: set[str] = set()  # live in what was landed, but proved absent since

    def teardown(self) -> None:
        self.converge()
        self.ledger.close()
        self.patch.undo()
        self.folder.cleanup()

    # -- the source

    @initialize()
    def begin(self) -> None:
        self.change("a", 1)

    @rule(key=KEYS, amount=st.integers(0, 2))
    def change(self, key: str, amount: int) -> None:
        self.clock += 1
        record = Record(key, self.clock, amount)
        self.alive[key] = record
        self.shown.setdefault(key, {})[self.clock] = record

    @rule(key=KEYS)
    def remove(self, key: str) -> None:
        self.alive.pop(key, None)

    @rule(key=KEYS)
    @precondition(lambda self: any(k not in self.alive for k in self.shown))
    def restore_as_it_was(self, key: str) -> None:
        if key in self.shown and key not in self.alive:
            self.alive[key] = self.shown[key][max(self.shown[key])]

    @rule(key=KEYS)
    def told_deletion(self, key: str) -> None:
        if key in self.alive:
            self.clock += 1
            record = Record(key, self.clock, self.alive[key].amount, deleted=True)
            self.alive[key] = record
            self.shown[key][self.clock] = record

    # -- the passes

    def deliver(self, pages: list[list[Record]], cut: int | None = None, refused: int = 0) -> None:
        """One pass in pages; `cut`: nothing more of it arrives, and what was collected is lost as in a crash."""
        self.runs += 1
        one = Landing(self.ledger, self.data, f"run{self.runs}")
        for number, records in enumerate(pages):
            if cut == number:
                return
            rejects = [Refusal(f"{{bad {i}}}", f"bad{i}") for i in range(refused)]
            last = number == len(pages) - 1
            one.write("shop", "default", page(records, rejects, complete=last, resume=str(number)))
        counts = one.finish_stream("shop", "default", "things")
        assert counts.received == sum(map(len, pages)) + refused * len(pages)
        assert counts.received == counts.new + counts.unchanged + counts.superseded + counts.quarantined
        assert counts.quarantined == refused * len(pages)

    def known_after(self, records: list[Record]) -> None:
        for record in records:
            assert record.at is not None
            held = self.landed.get(record.id)
            if held is None or record.at >= (held.at or 0):
                self.landed[record.id] = record
                self.gone.discard(record.id)

    @rule(size=st.integers(1, 3), refused=st.integers(0, 1), backwards=st.booleans())
    def sync(self, size: int, refused: int, backwards: bool) -> None:
        records = sorted(self.alive.values(), key=lambda r: r.at or 0, reverse=backwards)
        pages = [records[i : i + size] for i in range(0, len(records), size)] or [[]]
        self.deliver(pages, refused=refused)
        self.known_after(records)

    @rule(cut=st.integers(0, 2))
    def sync_that_dies(self, cut: int) -> None:
        records = list(self.alive.values())
        before = self.stored_versions()
        self.deliver([records, []], cut=min(cut, 1))
        arrived = self.stored_versions() - before
        self.known_after([r for r in records if arrived] if len(records) >= 3 and cut else [])

    @rule(picks=st.lists(st.tuples(KEYS, st.integers(0, 20)), min_size=1, max_size=5))
    def replay_of_old_versions(self, picks: list[tuple[str, int]]) -> None:
        """Also an overlapping backfill: any versions of any time, in any order, several of one record in one page."""
        records = []
        for key, number in picks:
            versions = self.shown.get(key, {})
            if versions and not (key in self.gone and key not in self.alive):
                records.append(versions[sorted(versions)[number % len(versions)]])
        self.deliver([records])
        self.known_after(records)

    @rule()
    def reconcile(self) -> None:
        self.runs += 1
        one = Landing(self.ledger, self.data, f"run{self.runs}")
        ids = pl.Series(sorted(self.alive), dtype=pl.String)
        one.write("shop", "default", page(complete=True, present_ids=ids, server_time=ABSENT))
        one.finish_stream("shop", "default", "things")
        for key, record in self.landed.items():
            if key not in self.alive and not record.deleted:
                self.gone.add(key)
                self.reconciled = True

    @rule()
    def merge_small_parts(self) -> None:
        before = self.stored_versions()
        self.runs += 1
        compact(self.data, self.ledger, f"run{self.runs}")
        assert self.stored_versions() == before

    @rule()
    def lose_the_build_file(self) -> None:
        self.build.path.unlink(missing_ok=True)

    @rule()
    def refresh(self) -> None:
        self.build.refresh_raw()

    # -- what must hold

    def stored_versions(self) -> Counter[tuple[str, str]]:
        kept = sa.select(tables.part.c.path).where(tables.part.c.kind.in_(["records", "compacted"]))
        frames = [pl.read_parquet(self.data / row["path"]) for row in self.ledger.rows(kept)]
        rows = [row for f in frames for row in f.select("record_id", "version_hash", "updated_at").iter_rows()]
        return Counter((key, version) for key, version, at in rows if at != ABSENT)

    @invariant()
    def current_is_the_newest_landed(self) -> None:
        self.build.refresh_raw()
        with self.build.connect(read_only=True) as connection:
            rows = connection.execute(
                f"select record_id, updated_at, is_deleted, amount from raw.{TABLE} order by 1"
            ).fetchall()
        expected = []
        for key, record in sorted(self.landed.items()):
            at = ABSENT if key in self.gone else START + timedelta(seconds=record.at or 0)
            expected.append((key, at, record.deleted or key in self.gone, record.amount))
        assert rows == expected

    @invariant()
    def nothing_is_stored_twice_without_a_deletion_between(self) -> None:
        if not self.gone and not self.restored():
            assert all(n == 1 for n in self.stored_versions().values())

    def restored(self) -> bool:
        return self.reconciled

    def converge(self) -> None:
        """Quiet source, one whole pass, keys compared: what is held is what the source has."""
        self.sync(size=2, refused=0, backwards=False)
        self.reconcile()
        self.current_is_the_newest_landed()
        before = self.stored_versions()
        self.sync(size=3, refused=0, backwards=True)
        assert self.stored_versions() == before
        with self.build.connect(read_only=True) as connection:
            live = connection.execute(f"select record_id, amount from raw.{TABLE} where not is_deleted").fetchall()
        assert dict(live) == {k: r.amount for k, r in self.alive.items() if not r.deleted}
        # A build from all parts at once is the build that grew with them.
        with self.build.connect(read_only=True) as connection:
            grown = connection.execute(f"from raw.{TABLE} order by record_id").fetchall()
        self.build.path.unlink()
        self.build.refresh_raw()
        with self.build.connect(read_only=True) as connection:
            assert connection.execute(f"from raw.{TABLE} order by record_id").fetchall() == grown


TestSyncing = Syncing.TestCase
TestSyncing.settings = settings(
    max_examples=14,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
