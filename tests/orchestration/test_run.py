"""What every run does around its steps, whoever starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration import settings
from orchestration.run import Request, open_run
from tests.warehouse.source import Record, page
from warehouse import Landing, Ledger
from warehouse.parts import parts_of


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "wegpunkt.toml"
    path.write_text('[storage]\ndata = "data"\n\n[[source]]\nvendor = "files"\n')
    return path


def land_hourly(config: Path, runs: int) -> list[int]:
    """Rows of each part after so many runs of one record."""
    for n in range(runs):
        with open_run(settings.load(config), Request()) as run:
            one = Landing(run.ledger, run.settings.data, run.run_id)
            one.write("shop", "default", page([Record(f"r{n}", n, n)], complete=True))
            one.finish_stream("shop", "default", "things")
    return [part.rows for part in parts_of(Ledger(settings.load(config).ledger_url))]


def test_a_run_leaves_no_heap_of_small_parts(config: Path) -> None:
    assert land_hourly(config, 18) == [16, 1, 1]


def test_a_run_that_failed_merges_nothing(config: Path) -> None:
    land_hourly(config, 15)
    with pytest.raises(ZeroDivisionError), open_run(settings.load(config), Request()) as run:
        one = Landing(run.ledger, run.settings.data, run.run_id)
        one.write("shop", "default", page([Record("x", 1, 1)], complete=True))
        one.finish_stream("shop", "default", "things")
        raise ZeroDivisionError
    assert [part.rows for part in parts_of(Ledger(settings.load(config).ledger_url))] == [1] * 16
