"""Replay: refused records are read again, by today's rules, from the files that keep them; no vendor is asked.

What is good now is landed like any other record, so that an older version never replaces a newer one. How a record's
text becomes a typed row is handed in by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.landing import Landing
from warehouse.ledger import Ledger
from warehouse.parts import StreamKey
from warehouse.quarantine import OPEN, Quarantine, Refused

Parse = Callable[[str, str, str], "tuple[pl.DataFrame, Sequence[Refused]]"]
"""(vendor, stream, the record's text) -> its row in a frame, or an empty frame and why it is refused."""


@dataclass(frozen=True)
class Replayed:
    """What became of the rows that were replayed."""

    replayed: int
    superseded: int
    still_refused: int


@dataclass(frozen=True)
class _Page:
    stream: str
    frame: pl.DataFrame
    received: int
    rejects: Sequence[Refused] = field(default_factory=list)
    resume: str | None = None
    cursor: str | None = None
    complete: bool = False
    present_ids: pl.Series | None = None
    requests: int = 0
    pages: int = 0
    waited_seconds: float = 0.0
    server_time: datetime | None = None


def replay(
    ledger: Ledger,
    data_dir: Path,
    run_id: str,
    parse: Parse,
    *,
    by: str,
    ids: Sequence[str] | None = None,
    vendor: str | None = None,
    stream: str | None = None,
    reason_code: str | None = None,
) -> Replayed:
    """Replays open rows, all or those chosen. To be called under the lock; doing it twice changes nothing more.

    A row whose record is good and is now the current version becomes `replayed`; one that a newer or the same version
    had overtaken `superseded`; the others stay open.
    """
    quarantine = Quarantine(ledger, data_dir)
    rows = quarantine.list(status=OPEN, vendor=vendor, stream=stream, reason_code=reason_code)
    if ids is not None:
        wanted = set(ids)
        rows = [row for row in rows if row["quarantine_id"] in wanted]
    texts = quarantine.records(rows)
    landing = Landing(ledger, data_dir, run_id)
    by_stream: dict[StreamKey, list[dict[str, Any]]] = {}
    for row in rows:
        by_stream.setdefault(StreamKey(row["vendor"], row["instance"], row["stream"]), []).append(row)
    counts = {"replayed": 0, "superseded": 0}
    for key, refused in sorted(by_stream.items()):
        for row in refused:
            frame, _ = parse(key.vendor, key.stream, texts[row["quarantine_id"]])
            if frame.height == 0:
                continue
            before = landing.finish_stream(key.vendor, key.instance, key.stream)
            landing.write(key.vendor, key.instance, _Page(key.stream, frame, frame.height))
            after = landing.finish_stream(key.vendor, key.instance, key.stream)
            status = "replayed" if after.new > before.new else "superseded"
            quarantine.decide([row["quarantine_id"]], status, by, "replayed")
            counts[status] += 1
    return Replayed(**counts, still_refused=len(rows) - sum(counts.values()))
