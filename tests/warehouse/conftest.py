from __future__ import annotations

from pathlib import Path

import pytest

from warehouse import Ledger


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def ledger(data: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    ledger.migrate()
    return ledger
