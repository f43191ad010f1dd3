"""Quarantine: records that were refused, with a reason, until they are replayed, healed, discarded or erased.

The refused records themselves lie in files beside the parts; the ledger has a code, a place and no values. A decision
is a mark, never a deletion. Why a record is refused is the connectors' and the gate's business.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import sqlalchemy as sa

from warehouse import tables
from warehouse.errors import DecisionError
from warehouse.ledger import Ledger, append_audit, upsert
from warehouse.parts import Part, StreamKey, check_part, parts_of

OPEN = "open"
Rows = list[dict[str, Any]]


class Refused(Protocol):
    """A record that a connector refused."""

    @property
    def record_id(self) -> str | None: ...
    @property
    def reason_code(self) -> str: ...
    @property
    def field_path(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def record(self) -> str: ...


def refused_frame(key: StreamKey, rejects: Sequence[Refused]) -> pl.DataFrame:
    """One row for each different refusal, with how often it occurred."""
    rows: dict[str, dict[str, Any]] = {}
    times: Counter[str] = Counter()
    for reject in rejects:
        # A lone surrogate cannot be stored as UTF-8; escaped it stays legible and distinct.
        text = reject.record.encode("utf-8", "backslashreplace").decode()
        record_id = reject.record_id
        if record_id is not None:
            record_id = record_id.encode("utf-8", "backslashreplace").decode()[:500]
        identity = (
            key.vendor, key.instance, key.stream, record_id or "", reject.reason_code, reject.field_path or "", text
        )  # fmt: skip
        quarantine_id = hashlib.sha256("\x1f".join(identity).encode()).hexdigest()[:32]
        times[quarantine_id] += 1
        rows[quarantine_id] = {
            "quarantine_id": quarantine_id,
            "record_id": record_id,
            "reason_code": reject.reason_code,
            "field_path": reject.field_path,
            "message": reject.message,
            "record": text,
        }
    schema = {n: pl.String for n in ("quarantine_id", "record_id", "reason_code", "field_path", "message", "record")}
    frame = pl.DataFrame(list(rows.values()), schema=schema)
    return frame.with_columns(times=pl.Series([times[i] for i in rows], dtype=pl.Int64))


def keep_refused(
    connection: sa.Connection,
    key: StreamKey,
    refused: pl.DataFrame,
    part: dict[str, Any],
    run_id: str,
    now: datetime,
    stage: str = "contract",
) -> None:
    """Enters refused rows into the ledger; what is known is counted, and open again unless it was discarded."""
    table = tables.quarantine
    for place, row in enumerate(refused.iter_rows(named=True)):
        values = {
            "quarantine_id": row["quarantine_id"],
            "vendor": key.vendor,
            "instance": key.instance,
            "stream": key.stream,
            "record_id": row["record_id"],
            "stage": stage,
            "reason_code": row["reason_code"],
            "field_path": row["field_path"],
            "message": row["message"],
            "raw_path": part["path"],
            "raw_row": place,
            "raw_sha256": part["sha256"],
            "run_id": run_id,
            "first_seen_at": now,
            "last_seen_at": now,
            "seen_count": row["times"],
            "status": OPEN,
        }
        upsert(connection, table, values, add=["seen_count"], keep=["first_seen_at", "status"])
    ids = refused["quarantine_id"].to_list()
    connection.execute(
        sa.update(table)
        .where(table.c.quarantine_id.in_(ids), table.c.status.in_(["replayed", "superseded"]))
        .values(status=OPEN, decided_by=None, decided_at=None, decision_reason=None)
    )


def heal(connection: sa.Connection, key: StreamKey, record_ids: pl.Series, now: datetime) -> None:
    """Closes open rows of records that have now come in a later, good version."""
    table = tables.quarantine
    waiting = connection.execute(
        sa.select(table.c.quarantine_id, table.c.record_id).where(
            table.c.vendor == key.vendor,
            table.c.instance == key.instance,
            table.c.stream == key.stream,
            table.c.status == OPEN,
            table.c.record_id.is_not(None),
        )
    ).all()
    if not waiting:
        return
    came = set(record_ids.to_list())
    healed = [quarantine_id for quarantine_id, record_id in waiting if record_id in came]
    if healed:
        connection.execute(
            sa.update(table)
            .where(table.c.quarantine_id.in_(healed))
            .values(status="superseded", decided_at=now, decision_reason="a later version was good")
        )


class Quarantine:
    """What a steward sees of refused rows, and decides."""

    def __init__(self, ledger: Ledger, data_dir: Path) -> None:
        self.ledger = ledger
        self.data_dir = Path(data_dir)

    def list(
        self,
        *,
        status: str | None = OPEN,
        vendor: str | None = None,
        stream: str | None = None,
        reason_code: str | None = None,
        limit: int | None = None,
    ) -> Rows:
        """Refused rows without their records, newest first."""
        table = tables.quarantine
        statement = sa.select(table).order_by(table.c.last_seen_at.desc(), table.c.quarantine_id).limit(limit)
        for column, value in (("status", status), ("vendor", vendor), ("stream", stream), ("reason_code", reason_code)):
            if value is not None:
                statement = statement.where(table.c[column] == value)
        return self.ledger.rows(statement)

    def counts(self) -> Rows:
        """Open rows by vendor, instance, stream and reason."""
        table = tables.quarantine
        by = (table.c.vendor, table.c.instance, table.c.stream, table.c.reason_code)
        statement = sa.select(*by, sa.func.count().label("rows")).where(table.c.status == OPEN).group_by(*by)
        return self.ledger.rows(statement.order_by(*by))

    def show(self, quarantine_id: str, by: str) -> dict[str, Any]:
        """A row with the record as the vendor sent it. Looking at it is entered into the audit trail."""
        row = self._row(quarantine_id)
        record = self.records([row])[row["quarantine_id"]]
        self.ledger.audit(by, "quarantine.show", row["quarantine_id"], stream=f"{row['vendor']}.{row['stream']}")
        return {**row, "record": record}

    def records(self, rows: Iterable[dict[str, Any]]) -> dict[str, str]:
        """The refused records of these rows, by quarantine id, each file checked against its hash."""
        by_path: dict[str, Rows] = {}
        for row in rows:
            by_path.setdefault(row["raw_path"], []).append(row)
        parts: dict[str, Part] = {part.path: part for part in parts_of(self.ledger)} if by_path else {}
        found: dict[str, str] = {}
        for path, wanted in by_path.items():
            check_part(self.data_dir, parts[path], content=True)
            frame = pl.read_parquet(self.data_dir / path, columns=["quarantine_id", "record"])
            for row in wanted:
                quarantine_id, record = frame.row(row["raw_row"])
                if quarantine_id != row["quarantine_id"]:
                    raise DecisionError(f"{path} does not hold {row['quarantine_id']}: run `wegpunkt verify`")
                found[quarantine_id] = record
        return found

    def discard(self, quarantine_ids: Iterable[str], *, by: str, reason: str) -> int:
        """Marks rows as not wanted; they stay, and stay closed when the vendor sends them again."""
        if not reason.strip() or not by.strip():
            raise DecisionError("a refused row is discarded by somebody for a reason: give --by and --reason")
        ids = [self._row(i)["quarantine_id"] for i in quarantine_ids]
        self.decide(ids, "discarded", by, reason)
        return len(ids)

    def decide(self, ids: Iterable[str], status: str, by: str, reason: str) -> None:
        """Writes a decision and its audit entry in one transaction."""
        ids = tuple(ids)
        if not ids:
            return
        now = self.ledger.clock()
        with self.ledger.begin() as connection:
            connection.execute(
                sa.update(tables.quarantine)
                .where(tables.quarantine.c.quarantine_id.in_(ids))
                .values(status=status, decided_by=by, decided_at=now, decision_reason=reason)
            )
            detail = {"reason": reason, "rows": len(ids), "ids": ids}
            append_audit(connection, now, by, f"quarantine.{status}", f"{len(ids)} rows", detail)

    def _row(self, quarantine_id: str) -> dict[str, Any]:
        """The row with this id or unambiguous beginning of one."""
        table = tables.quarantine
        if not quarantine_id or not quarantine_id.isalnum():
            raise DecisionError(f"{quarantine_id!r} is no quarantine id; see `wegpunkt quarantine list`")
        found = self.ledger.rows(sa.select(table).where(table.c.quarantine_id.startswith(quarantine_id)).limit(2))
        if len(found) != 1:
            what = "no refused row has" if not found else "several refused rows have"
            raise DecisionError(f"{what} the id {quarantine_id}; see `wegpunkt quarantine list`")
        return found[0]
