from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    # The tests' own tiny vendor is imported from here, also by plain `pytest`, which does not add the folder.
    sys.path.insert(0, str(ROOT))

from warehouse import Ledger  # noqa: E402


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def ledger(data: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    ledger.migrate()
    return ledger
