"""What a run costs when nothing is new and when about a thousand records are, as a multiple of starting the libraries.

A simulated company of 60 accounts answers on loopback; each run is `wegpunkt run` in a process of its own. The first,
which reads everything, is not measured: it makes the state that the others find.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Line, child, less, python

ACCOUNTS = 60
WANTED = 1_000
"""Records that an increment should bring; the days that bring them are found by living on."""
PROBED_DAYS = 30
START = "import dagster, polars, duckdb, requests"
WELL = (0, 10)  # published, or published with warnings of quality


def lines(rounds: int = 3) -> list[Line]:
    import requests

    from orchestration.demo import prepare, sandbox

    wegpunkt = str(Path(sys.executable).with_name("wegpunkt"))
    with tempfile.TemporaryDirectory() as name, sandbox(1, ACCOUNTS, 0) as url:
        config = prepare(Path(name), url)

        home = Path(name, "home")
        home.mkdir()
        shutil.copy(ROOT / "dagster.yaml", home)

        def run(**variables: str) -> tuple[float, dict[str, Any]]:
            cost = child([wegpunkt, "run", "--config", str(config), "--json"], **variables)
            document: dict[str, Any] = json.loads(cost.output)
            if cost.code not in WELL:
                raise RuntimeError(f"a run ended with code {cost.code}: {document.get('message', '')}")
            return cost.cpu, document

        run()
        start, idle, stored = [], [], []
        built = 0  # a run that publishes anew although nothing is new: the models changed meanwhile, or a fault
        for _ in range(rounds):
            start.append(child(python("-c", START)).cpu)
            cpu, document = run()
            idle.append(cpu)
            built += document.get("generation") is not None
            stored.append(run(DAGSTER_HOME=str(home))[0])
        # The first increment warms what a first run leaves cold, and says how many days bring the wanted records.
        days = PROBED_DAYS
        for _ in range(2):
            requests.post(f"{url}/_sandbox/advance", json={"days": days}, timeout=300).raise_for_status()
            cpu, document = run()
            records = int(document["changed"])
            days = max(1, min(120, round(days * WANTED / max(records, 1))))
    base = min(start)
    return [
        less(
            "run with nothing new, against the start of its libraries",
            min(idle) / base,
            4,
            2,
            _note(min(idle), built),
        ),
        less(
            "the same, every asset recorded in Dagster's store",
            min(stored) / base,
            4,
            2,
            _note(min(stored)),
        ),
        less(f"increment of {records} records, against the same", cpu / base, 11, 7, _note(cpu)),
    ]


def _note(cpu: float, built: int = 0) -> str:
    return f" ({cpu:.1f} CPU-s{f'; {built} of them built and published anew' if built else ''})"
