"""The operational database: runs, parts, cursors, quarantine, issues, decisions. The only truth beside the parts.

SQLite in WAL mode with full fsync by default, PostgreSQL by URL. Opening, migrating, runs and the audit trail live
here; each other concept keeps its own statements in its own module and takes `ledger.begin()`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from warehouse import tables
from warehouse.errors import IntegrityError, LedgerError, StorageError
from warehouse.files import PRIVATE_FILE, private_folder, storage_errors

MIGRATIONS = Path(__file__).parent / "migrations"
NO_HASH = "0" * 64
_TICK = timedelta(microseconds=1)


def utc_now() -> datetime:
    """Now, naive UTC: the form in which the ledger keeps instants."""
    return datetime.now(UTC).replace(tzinfo=None)


class Ledger:
    """The ledger at a SQLAlchemy URL. Safe to share between threads."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.swept: set[tuple[str, str]] = set()
        self.mutex = threading.RLock()
        self._loaded_at: datetime | None = None
        try:
            self.url = sa.make_url(url)
        except exc.ArgumentError:
            raise LedgerError(f"the ledger's address {url!r} is no database URL; see `[storage] ledger`") from None
        self._create_private_file()
        try:
            self.engine = sa.create_engine(self.url, pool_pre_ping=not self.is_sqlite)
        except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
            raise LedgerError(f"the ledger's driver is not installed ({error}); see `[storage] ledger`") from None
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _on_connect)
            sa.event.listen(self.engine, "begin", _on_begin)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def _create_private_file(self) -> None:
        if not self.is_sqlite or self.url.database in (None, "", ":memory:"):
            return
        path = Path(str(self.url.database))
        if not path.parent.exists():
            private_folder(path.parent)
        with storage_errors(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction: all or nothing, durable when it returns."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except exc.OperationalError as error:
            where = self.url.render_as_string(hide_password=True)
            raise StorageError(
                f"the ledger {where} refused: {str(error.orig).splitlines()[0]}; check disk space and permissions, "
                "then run again"
            ) from None
        except exc.DatabaseError as error:
            if "malformed" in str(error.orig) or "not a database" in str(error.orig):
                where = self.url.render_as_string(hide_password=True)
                raise IntegrityError(f"the ledger {where} is damaged: restore it from a backup") from None
            raise

    def close(self) -> None:
        self.engine.dispose()

    def migrate(self) -> None:
        """Brings the schema to the newest version; refuses a ledger that a newer program wrote."""
        if self.version() == tables.HEAD:
            return
        # Alembic costs a tenth of a second of import: only where there is something to do.
        from alembic import command, util
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        try:
            with self.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except util.CommandError as error:
            raise LedgerError(
                f"the ledger {self.url.render_as_string(hide_password=True)} has schema {self.version()}, which this "
                f"program does not know ({error}): use the version that wrote it, or a newer one"
            ) from None

    def version(self) -> str | None:
        with self.begin() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("select version_num from alembic_version")).scalar()

    # -- runs

    def start_run(self, run_id: str) -> None:
        """Opens the run's row. The caller holds the lock, so whoever is still marked running has died."""
        now = self.clock()
        with self.begin() as connection:
            connection.execute(
                sa.update(tables.run)
                .where(tables.run.c.status == "running", tables.run.c.run_id != run_id)
                .values(status="died", finished_at=now)
            )
            connection.execute(
                sa.update(tables.stream_run)
                .where(tables.stream_run.c.status == "running", tables.stream_run.c.run_id != run_id)
                .values(status="incomplete", finished_at=now)
            )
            upsert(
                connection,
                tables.run,
                {"run_id": run_id, "started_at": now, "status": "running", "pid": os.getpid()},
            )

    def finish_run(self, run_id: str, *, exit_code: int, as_of: datetime | None = None) -> None:
        with self.begin() as connection:
            connection.execute(
                sa.update(tables.run)
                .where(tables.run.c.run_id == run_id)
                .values(status="finished", finished_at=self.clock(), exit_code=exit_code, as_of=as_of)
            )

    def runs(self, limit: int = 20) -> list[dict[str, Any]]:
        """The newest runs, newest first."""
        return self.rows(sa.select(tables.run).order_by(tables.run.c.started_at.desc()).limit(limit))

    def stream_runs(self, run_id: str) -> list[dict[str, Any]]:
        statement = sa.select(tables.stream_run).where(tables.stream_run.c.run_id == run_id)
        return self.rows(statement.order_by(tables.stream_run.c.vendor, tables.stream_run.c.stream))

    def rows(self, statement: sa.Select[Any]) -> list[dict[str, Any]]:
        with self.begin() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def next_loaded_at(self) -> datetime:
        """An instant later than that of every part so far, also when the machine's clock was set back."""
        with self.mutex:
            if self._loaded_at is None:
                with self.begin() as connection:
                    self._loaded_at = connection.execute(sa.select(sa.func.max(tables.part.c.loaded_at))).scalar()
            now = self.clock()
            self._loaded_at = now if self._loaded_at is None else max(now, self._loaded_at + _TICK)
            return self._loaded_at

    # -- audit

    def audit(self, by: str, action: str, subject: str, **detail: Any) -> None:
        """Appends to the audit trail: who did what to which. No values of records in `detail`."""
        with self.begin() as connection:
            append_audit(connection, self.clock(), by, action, subject, detail)

    def audit_trail(self) -> list[dict[str, Any]]:
        return self.rows(sa.select(tables.audit).order_by(tables.audit.c.audit_id))

    def verify_audit(self) -> None:
        """Raises IntegrityError where an entry of the trail was changed or taken out."""
        previous = NO_HASH
        for entry in self.audit_trail():
            if entry["previous_hash"] != previous or entry["hash"] != _entry_hash(entry):
                raise IntegrityError(
                    f"the audit trail was altered at entry {entry['audit_id']}: compare the ledger with a backup"
                )
            previous = entry["hash"]


def append_audit(
    connection: sa.Connection, at: datetime, by: str, action: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """Appends within a transaction of the caller: a decision and its entry stand or fall together."""
    newest = sa.select(tables.audit.c.hash).order_by(tables.audit.c.audit_id.desc()).limit(1)
    entry: dict[str, Any] = {
        "at": at,
        "by": by,
        "action": action,
        "subject": subject,
        "detail": json.dumps(detail, sort_keys=True, default=str),
        "previous_hash": connection.execute(newest).scalar() or NO_HASH,
    }
    connection.execute(sa.insert(tables.audit).values(**entry, hash=_entry_hash(entry)))


def _entry_hash(entry: Mapping[str, Any]) -> str:
    parts = (
        entry["previous_hash"],
        entry["at"].isoformat(),
        *(entry[k] for k in ("by", "action", "subject", "detail")),
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    values: Mapping[str, Any],
    add: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """Inserts a row, or updates it where its primary key exists; columns in `add` are summed, in `keep` left alone."""
    keys = [column.name for column in table.primary_key]
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(**values)
    changes = {
        name: table.c[name] + statement.excluded[name] if name in add else statement.excluded[name]
        for name in values
        if name not in keys and name not in keep
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves: the driver would begin them too late
    for pragma in ("journal_mode = wal", "synchronous = full", "busy_timeout = 30000", "foreign_keys = on"):
        connection.execute(f"pragma {pragma}")


def _on_begin(connection: sa.Connection) -> None:
    # Immediate: a transaction that starts by reading must not fail when it comes to write.
    connection.exec_driver_sql("begin immediate")
