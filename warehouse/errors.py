"""What the warehouse refuses, as types: each carries the exit code of the command line and one sentence for people.

A message says what happened, where, and what to do. Faults of a vendor or of the configuration belong elsewhere.
"""

from __future__ import annotations


class WarehouseError(Exception):
    """Anything the warehouse refuses to do."""

    exit_code = 60


class StorageError(WarehouseError):
    """The disk is full, read-only or forbidden, or a file of ours cannot be opened. What was published stays."""

    exit_code = 60


class IntegrityError(WarehouseError):
    """What is stored contradicts what the ledger says, or a count does not add up."""

    exit_code = 70


class LedgerError(WarehouseError):
    """The ledger's address is wrong, or its schema is newer than this program."""

    exit_code = 50


class DecisionError(WarehouseError):
    """A steward's decision is incomplete or not allowed: a waiver without an end, a row that does not exist."""

    exit_code = 50


class LockHeld(WarehouseError):
    """Another run is at work in the same data folder."""

    exit_code = 40

    def __init__(self, pid: int | None, path: str) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{who} holds {path}: wait until its run has ended, then start this one again")
