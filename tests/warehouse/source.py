"""A tiny vendor for the warehouse's tests: pages of records with a time, a deletion and one typed column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

START = datetime(2026, 1, 1)
SCHEMA = {
    "record_id": pl.String,
    "updated_at": pl.Datetime("us"),
    "is_deleted": pl.Boolean,
    "merged_into": pl.String,
    "amount": pl.Int64,
    "record": pl.String,
}
COLUMNS = {"amount": "BIGINT"}


@dataclass(frozen=True)
class Record:
    id: str
    at: int | None
    amount: int
    deleted: bool = False

    @property
    def text(self) -> str:
        return f'{{"id":"{self.id}","amount":{self.amount}}}'


@dataclass(frozen=True)
class Refusal:
    record: str
    record_id: str | None = None
    reason_code: str = "type_mismatch"
    field_path: str | None = "amount"
    message: str = "amount is not a whole number"


@dataclass(frozen=True)
class Page:
    stream: str = "things"
    frame: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))
    rejects: list[Refusal] = field(default_factory=list)
    received: int = 0
    resume: str | None = None
    cursor: str | None = None
    complete: bool = False
    present_ids: pl.Series | None = None
    requests: int = 1
    pages: int = 1
    waited_seconds: float = 0.0
    server_time: datetime | None = None


def frame_of(records: Iterable[Record]) -> pl.DataFrame:
    rows = [
        (r.id, None if r.at is None else START + timedelta(seconds=r.at), r.deleted, None, r.amount, r.text)
        for r in records
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def page(records: Iterable[Record] = (), rejects: Iterable[Refusal] = (), **also: object) -> Page:
    frame, refused = frame_of(records), list(rejects)
    return Page(frame=frame, rejects=refused, received=frame.height + len(refused), **also)  # type: ignore[arg-type]
