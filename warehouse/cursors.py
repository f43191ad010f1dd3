"""Where a stream's reading stands: its watermark, the place inside an interrupted pass, and how fresh its data is.

A watermark never moves back unless a full pass says so. It is opaque text of the connector's; the only thing read from
it here are the instants and numbers in it, to see whether it would move back.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from warehouse import tables
from warehouse.ledger import Ledger, upsert
from warehouse.parts import StreamKey

RESUME_LIFE = timedelta(hours=24)
"""Vendors forget their page tokens; an older one would fail, or worse, silently start elsewhere."""


def read_cursor(ledger: Ledger, key: StreamKey) -> tuple[str | None, str | None]:
    """The watermark, and the place inside an interrupted pass unless that is older than a day."""
    table = tables.cursor
    found = ledger.rows(
        sa.select(table).where(
            table.c.vendor == key.vendor, table.c.instance == key.instance, table.c.stream == key.stream
        )
    )
    if not found:
        return None, None
    row = found[0]
    fresh = row["resume_at"] is not None and ledger.clock() - row["resume_at"] <= RESUME_LIFE
    return row["cursor"], row["resume"] if fresh else None


def move_cursor(connection: sa.Connection, key: StreamKey, now: datetime, **changes: Any) -> None:
    upsert(
        connection,
        tables.cursor,
        {"vendor": key.vendor, "instance": key.instance, "stream": key.stream, "moved_at": now, **changes},
    )


def moves_back(old: str | None, new: str) -> bool:
    """Whether `new` has an instant or number that is lower than in `old`, and none that is higher."""
    if old is None:
        return False
    before, after = _marks(old), _marks(new)
    lower = any(after[k] < before[k] for k in before.keys() & after.keys() if type(after[k]) is type(before[k]))
    higher = any(after[k] > before[k] for k in before.keys() & after.keys() if type(after[k]) is type(before[k]))
    return lower and not higher


def _marks(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    found: dict[str, Any] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{path}.{name}", inner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[path] = float(value)
        elif isinstance(value, str):
            try:
                instant = datetime.fromisoformat(value)
            except ValueError:
                return
            found[path] = instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    walk("", value)
    return found
