"""Where data lives: the ledger, landing, building, publishing, and proving that all of it is what it was.

Knows polars, DuckDB and SQLAlchemy; knows no vendor, no model and no scheduler.
"""

from __future__ import annotations

from warehouse.build import Build
from warehouse.compaction import compact
from warehouse.errors import (
    DecisionError,
    IntegrityError,
    LedgerError,
    LockHeld,
    StorageError,
    WarehouseError,
)
from warehouse.issues import Issues
from warehouse.landing import Batch, Landing, StreamRun
from warehouse.ledger import Ledger
from warehouse.lock import run_lock
from warehouse.publish import Generation, Publisher
from warehouse.quarantine import Quarantine
from warehouse.replay import Replayed, replay
from warehouse.verify import Finding, doctor, verify

__all__ = [
    "Batch",
    "Build",
    "DecisionError",
    "Finding",
    "Generation",
    "IntegrityError",
    "Issues",
    "Landing",
    "Ledger",
    "LedgerError",
    "LockHeld",
    "Publisher",
    "Quarantine",
    "Replayed",
    "StorageError",
    "StreamRun",
    "WarehouseError",
    "compact",
    "doctor",
    "replay",
    "run_lock",
    "verify",
]
