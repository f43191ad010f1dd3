"""The ledger through its door: opening, migrating, runs, and a trail nobody can alter."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from warehouse import IntegrityError, Ledger, LedgerError, StorageError, tables
from warehouse.ledger import MIGRATIONS


def test_migrations_make_the_tables_the_code_uses(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    assert ledger.version() == tables.HEAD == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_the_same_statements_suit_postgresql() -> None:
    for table in tables.metadata.sorted_tables:
        statement = sa.schema.CreateTable(table).compile(dialect=sa.dialects.postgresql.dialect())
        assert str(statement).strip().startswith("CREATE TABLE")


def test_a_ledger_of_a_newer_program_is_refused(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(LedgerError, match="9999") as caught:
        ledger.migrate()
    assert caught.value.exit_code == 50


def test_migrating_twice_does_nothing(ledger: Ledger) -> None:
    ledger.start_run("r1")
    ledger.migrate()
    assert [run["run_id"] for run in ledger.runs()] == ["r1"]


def test_a_commit_is_durable_and_the_file_private(ledger: Ledger, data: Path) -> None:
    with ledger.begin() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
    assert (data / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700


def test_a_run_that_died_is_closed_by_the_next(ledger: Ledger) -> None:
    ledger.start_run("r1")
    ledger.start_run("r2")
    ledger.finish_run("r2", exit_code=10, as_of=datetime(2026, 1, 1))
    status = {run["run_id"]: (run["status"], run["exit_code"]) for run in ledger.runs()}
    assert status == {"r1": ("died", None), "r2": ("finished", 10)}


def test_loading_times_grow_even_when_the_clock_is_set_back(data: Path) -> None:
    now = [datetime(2026, 1, 2)]
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}", clock=lambda: now[0])
    ledger.migrate()
    first = ledger.next_loaded_at()
    now[0] -= timedelta(days=1)
    assert first < ledger.next_loaded_at() < ledger.next_loaded_at()


@pytest.mark.parametrize("statement", ["delete from audit", "update audit set by = 'x'"])
def test_the_trail_can_be_appended_to_only(ledger: Ledger, statement: str) -> None:
    ledger.audit("steward", "quarantine.show", "abc")
    with pytest.raises(sa.exc.IntegrityError, match="appended to only"), ledger.begin() as connection:
        connection.execute(sa.text(statement))
    ledger.verify_audit()


def test_an_altered_trail_is_found(ledger: Ledger) -> None:
    for number in range(3):
        ledger.audit("steward", "waiver.add", f"rule {number}")
    with ledger.begin() as connection:
        connection.execute(sa.text("drop trigger audit_no_update"))
        connection.execute(sa.text("update audit set subject = 'another' where audit_id = 2"))
    with pytest.raises(IntegrityError, match="entry 2"):
        ledger.verify_audit()


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://host/db"])
def test_a_wrong_address_is_a_matter_of_configuration(url: str) -> None:
    with pytest.raises(LedgerError):
        Ledger(url)


def test_a_damaged_ledger_is_named(data: Path) -> None:
    data.mkdir()
    (data / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises((IntegrityError, StorageError), match=r"ledger\.sqlite"):
        Ledger(f"sqlite:///{data / 'ledger.sqlite'}").migrate()
