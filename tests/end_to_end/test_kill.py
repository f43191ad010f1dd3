"""A run killed at any moment: the next one publishes what an undisturbed one would, without anybody's help.

WEGPUNKT_KILLS says how many runs are killed, twenty where it is not set; the moments follow from WEGPUNKT_KILL_SEED.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration import demo, settings
from sandbox.server import serve
from tests.end_to_end.conftest import ROOT, subprocess_environment

pytestmark = pytest.mark.slow

# Columns that say when and by which run a row was written, which two runs never share. A link between a person and an
# account that no vendor dates is valid from the moment it was landed.
OF_THE_RUN = {"loaded_at", "load_id", "run_id", "built_at", "updated_by_run_id", "resolved_at_watermark"}
LANDED = {("bridge_account_contact", "valid_from")}
COMMAND = [sys.executable, "-c", "from orchestration.cli import main; main()", "run", "--config"]


def prepare(folder: Path, url: str) -> Path:
    """A configuration; the files of its inbox are as old as those of any other, because their age is a column."""
    config = demo.prepare(folder, url)
    for file in (folder / "inbox").rglob("*"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return config


def start(config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, str(config)],
        cwd=ROOT,
        env=subprocess_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # its helpers die with it, and nothing else does
    )


def finish(config: Path) -> None:
    process = start(config)
    said, _ = process.communicate(timeout=900)
    assert process.returncode in (0, 10), said


def published(config: Path) -> dict[str, list[tuple[object, ...]]]:
    """All published rows, in an order of their own, without what differs from run to run."""
    with duckdb.connect(str(settings.load(config).published_file), read_only=True) as connection:
        tables = [r[0] for r in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        found = {}
        for table in tables:
            if table == "publish_info":
                continue
            described = [r[0] for r in connection.execute(f"describe {table}").fetchall()]
            columns = [c for c in described if c not in OF_THE_RUN and (table, c) not in LANDED]
            chosen = ", ".join(f'"{c}"' for c in columns)
            found[table] = connection.execute(f"select {chosen} from {table} order by all").fetchall()
        return found


def test_a_killed_run_loses_and_doubles_nothing(plain_environment: None, tmp_path: Path) -> None:
    kills = int(os.environ.get("WEGPUNKT_KILLS", "20"))
    moments = random.Random(int(os.environ.get("WEGPUNKT_KILL_SEED", "1")))
    with serve(seed=5, accounts=40) as sandbox:
        undisturbed = tmp_path / "undisturbed"
        config = prepare(undisturbed, sandbox.url)
        began = time.monotonic()
        finish(config)
        usual = time.monotonic() - began
        expected = published(config)
        assert expected["fct_customer_journey"]
        interrupted = 0
        for number in range(kills):
            folder = tmp_path / f"killed-{number}"
            config = prepare(folder, sandbox.url)
            after = moments.uniform(0.05, 1.0) * usual
            process = start(config)
            try:
                process.wait(timeout=after)
            except subprocess.TimeoutExpired:
                interrupted += 1
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
            finish(config)
            got = published(config)
            different = sorted(t for t in expected.keys() | got.keys() if expected.get(t) != got.get(t))
            print(f"\nkill {number + 1} after {after:.1f} s of about {usual:.1f} s: {different or 'the same rows'}")
            assert different == [], f"killed after {after:.1f} s"
            shutil.rmtree(folder)
    assert interrupted >= kills // 2, "too few runs were still at work when they were to be killed"
