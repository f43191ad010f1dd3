"""A run killed at any moment: the next one ends where an undisturbed one would, without anybody's help."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from tests.warehouse.conftest import ROOT
from tests.warehouse.source import COLUMNS, Record, Refusal, page
from warehouse import Build, Landing, Ledger, compact, compaction, landing, run_lock, tables, verify

PAGES, SIZE = 60, 5


def pages_from(start: int) -> list[tuple[int, list[Record], list[Refusal]]]:
    """A stream of pages with records that come again in later versions, and one refusal in seven pages."""
    found = []
    for n in range(start, PAGES):
        records = [Record(f"r{(n * SIZE + i) % 170}", n, n % 3) for i in range(SIZE)]
        found.append((n, records, [Refusal(f"{{bad {n}}}", f"bad{n}")] if n % 7 == 0 else []))
    return found


def work(data: Path, run: str) -> None:
    """A whole run as the pipeline does it, resuming where the last one was cut."""
    landing.PART_ROWS = 20
    compaction.PART_ROWS, compaction.MANY = 200, 2
    with run_lock(data, wait_seconds=10):
        ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
        ledger.migrate()
        ledger.start_run(run)
        one = Landing(ledger, data, run)
        print("started", flush=True)
        cursor, resume = one.state("shop", "default", "things")
        if cursor is None:
            for n, records, refused in pages_from(json.loads(resume)["page"] if resume else 0):
                last = n == PAGES - 1
                mark = None if last else json.dumps({"page": n + 1})
                one.write(
                    "shop",
                    "default",
                    page(records, refused, resume=mark, complete=last, cursor='"end"' if last else None),
                )
            one.finish_stream("shop", "default", "things")
        Build(data, ledger, {"shop__things": COLUMNS}, threads=1).refresh_raw()
        compact(data, ledger, run)
        Build(data, ledger, {"shop__things": COLUMNS}, threads=1).refresh_raw()
        ledger.finish_run(run, exit_code=0)
    print("ended", flush=True)


def state(data: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[str]]:
    """What is held: every stored version, the current ones, and the refused rows."""
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    assert verify(data, ledger) == []
    replaced = {row["path"] for row in ledger.rows(tables.replaced_file.select())}
    known = {row["path"] for row in ledger.rows(tables.part.select())}
    there = {f.relative_to(data).as_posix() for f in data.glob("raw/**/*.parquet")}
    assert known <= there <= known | replaced
    files = [data / path for path in known if "/rejects/" not in path]
    assert len(files) < 10, "small parts were not merged"
    columns = ("record_id", "updated_at", "amount", "version_hash")
    versions = pl.concat([pl.read_parquet(f, columns=list(columns)) for f in files]).sort(columns)
    with Build(data, ledger, {"shop__things": COLUMNS}).connect(read_only=True) as connection:
        current = connection.execute(f"select {', '.join(columns)} from raw.shop__things order by 1").fetchall()
    refused = [
        row["quarantine_id"]
        for row in ledger.rows(tables.quarantine.select().order_by(tables.quarantine.c.quarantine_id))
    ]
    return versions.rows(), current, refused


def start(data: Path, run: str) -> subprocess.Popen[str]:
    code = "import sys; from pathlib import Path; from tests.warehouse.test_kill import work; work(Path(sys.argv[1]), sys.argv[2])"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(data), run],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )  # fmt: skip


def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    began = time.monotonic()
    child = start(undisturbed, "run")
    assert child.stdout is not None and child.stdout.readline() == "started\n"
    ready = time.monotonic()
    assert child.wait() == 0, child.stderr and child.stderr.read()
    length = time.monotonic() - ready
    assert ready > began
    expected = state(undisturbed)
    chance = random.Random(20)
    data, killed, number, kills = tmp_path / "killed0", 0, 0, 0
    while kills < 20:
        number += 1
        child = start(data, f"run{number}")
        assert child.stdout is not None
        if child.stdout.readline() == "started\n":
            time.sleep(chance.uniform(0, length * 0.7))
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        if child.wait() == 0:
            assert state(data) == expected
            killed += 1
            data = tmp_path / f"killed{killed}"
    child = start(data, "last")
    _, errors = child.communicate()
    assert child.returncode == 0, errors
    assert state(data) == expected
