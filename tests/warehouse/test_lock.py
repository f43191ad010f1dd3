"""One run at a time, and never a lock that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.warehouse.conftest import ROOT
from warehouse import LockHeld, run_lock

HOLD = """
import sys, time
from pathlib import Path
from warehouse.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(data: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(data)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


def test_the_second_run_is_told_who_holds_the_lock(data: Path) -> None:
    child = hold(data)
    try:
        with pytest.raises(LockHeld, match=str(child.pid)) as caught, run_lock(data):
            pytest.fail("two runs at once")
        assert (caught.value.pid, caught.value.exit_code) == (child.pid, 40)
    finally:
        child.kill()
        child.wait()


def test_a_killed_holder_leaves_no_lock(data: Path) -> None:
    child = hold(data)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with run_lock(data):
        pass


def test_waiting_for_the_lock(data: Path) -> None:
    child = hold(data)
    start = time.monotonic()
    with pytest.raises(LockHeld), run_lock(data, wait_seconds=0.3):
        pytest.fail("two runs at once")
    assert time.monotonic() - start >= 0.3
    child.kill()
    with run_lock(data, wait_seconds=10):
        pass
    child.wait()


def test_the_same_process_cannot_take_it_twice(data: Path) -> None:
    with run_lock(data), pytest.raises(LockHeld), run_lock(data):
        pytest.fail("two runs at once")
    with run_lock(data):
        pass
