"""What a vendor file declares: streams, their columns, how they page, what marks an increment and how deletions show.

Declarations only. Whoever reads a declaration (engine.py, contract.py, http.py) holds the loops; a vendor file holds none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

import polars as pl

ColumnType = Literal["text", "integer", "decimal", "boolean", "instant", "date", "json"]

POLARS_TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "json": pl.String(),
    "integer": pl.Int64(),
    "decimal": pl.Decimal(18, 4),
    "boolean": pl.Boolean(),
    "instant": pl.Datetime("us"),
    "date": pl.Date(),
}


class SourceError(Exception):
    """Something at a vendor went wrong. The message is one sentence without secrets or values."""

    code = "source"
    exit_code = 30


class AuthError(SourceError):
    """The vendor refuses the credentials."""

    code = "auth"
    exit_code = 50


class ScopeError(SourceError):
    """The credentials are good but lack a right that a stream needs."""

    code = "scope"


class Unreachable(SourceError):
    """No answer, or server errors until the retries were used up."""

    code = "unreachable"


class RateExhausted(SourceError):
    """The vendor's budget would make us wait longer than allowed; resume after `retry_at` (naive UTC)."""

    code = "rate"

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class PaginationStuck(SourceError):
    """A page or cursor came twice: going on would never end."""

    code = "pagination_loop"


class UnexpectedContent(SourceError):
    """An answer that is not what the stream declares: HTML, an error envelope, a missing data key, a cut body."""

    code = "unexpected_content"


class ConfigError(SourceError):
    """The configuration of a source is wrong."""

    code = "config"
    exit_code = 50


def steps_of(path: str) -> tuple[str | int, ...]:
    """The keys and list positions of a path."""
    return tuple(int(p) if p.isdigit() else p for p in path.split("."))


@dataclass(frozen=True)
class Column:
    """One typed column: `path` leads to it inside a record, dots between keys, digits for list positions."""

    name: str
    type: ColumnType
    path: str
    required: bool = False
    pii: bool = False

    @property
    def steps(self) -> tuple[str | int, ...]:
        return steps_of(self.path)


@dataclass(frozen=True)
class Call:
    """One request before it is sent: path below the base URL, query or JSON body, and the rate route it counts on."""

    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    route: str = "default"


@dataclass(frozen=True)
class Window:
    """What a pass asks for. `since` is where it begins (None: everything), `until` where it must end (None: now);
    both naive UTC. `archived` asks for the vendor's archive, `size` is the page size, `settings` the source's options,
    `token` the vendor's continuation token that the last pass ended with, for a stream with an opaque cursor."""

    since: datetime | None
    until: datetime | None
    size: int
    archived: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    token: str | None = None


Position = Mapping[str, Any]
"""Where a pass stands, as plain JSON: what the paginator needs to ask for the next page."""


@dataclass(frozen=True)
class Page:
    """One decoded answer, for paginators: the document, and the raw records with their text."""

    document: Any
    records: list[Any]
    size: int


@dataclass(frozen=True)
class Paginator:
    """How the next page follows from this one. `next(page, position, window)` gives the next position, or None at the end.

    `anchors` are the keys of a position at which a search begins anew: after such a move a page may rightly look like an
    earlier one, which otherwise counts as running in a circle.
    """

    next: Callable[[Page, Position, Window], Position | None]
    first: Callable[[Window], Position] = lambda window: {}
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cursor:
    """What marks an increment. `path` leads to the instant in a record that says when it changed.

    `lookback` is read again before the last watermark (the vendor's index lags), `server_lag` is withheld before the
    server's clock. `opaque` names the document's key whose value is the vendor's own continuation token.
    """

    path: str | None
    lookback: timedelta = timedelta(minutes=15)
    server_lag: timedelta = timedelta(0)
    fallback: str | None = None
    opaque: str | None = None


Deletes = Literal["flag", "archived_pass", "id_diff", "full_pass", "none"]


@dataclass(frozen=True)
class Pass:
    """One way through a stream: builds calls, finds records, pages."""

    call: Callable[[Window, Position], Call]
    records: str
    paginator: Paginator
    page_size: int = 100


@dataclass(frozen=True)
class Children:
    """Records that hang on others: ids of the parents changed in this pass are asked for in batches.

    `call(ids, window)` builds the request; `split(document, ids)` turns the answer into records (plain JSON objects).
    `parent` is the stream whose changes lead to them. `more(document, window)` asks for what the answer left out.
    """

    parent: str
    call: Callable[[list[str], Window], Call]
    split: Callable[[Any, list[str]], list[dict[str, Any]]]
    ids_per_call: int = 100
    more: Callable[[Any, Window], Call | None] = lambda document, window: None
    select: Callable[[Mapping[str, Any]], bool] = lambda record: True


@dataclass(frozen=True)
class Stream:
    """One kind of record of a vendor.

    Either `increment` (with `backfill` for the first time) or `children` says how it is read. `key` are the paths whose
    values, joined by a colon, are the record's id. `deleted` and `merged` look at a decoded record and say whether it
    marks a deletion, and which ids were merged into it. `false_is_null`: the vendor writes false for every empty value.
    `deletes="full_pass"`: reading everything is the only way to see what vanished or changed unmarked, so that
    `reconcile_every` decides how often the increment is such a pass (zero: every time). For a stream of `children` it says
    how often those of all parents are read, and not only of the changed ones.
    """

    name: str
    entity: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    increment: Pass | None = None
    backfill: Pass | None = None
    archive: Pass | None = None
    ids: Pass | None = None
    children: tuple[Children, ...] = ()
    cursor: Cursor | None = None
    deletes: Deletes = "none"
    reconcile_every: timedelta | None = None
    explode: Callable[[dict[str, Any]], list[dict[str, Any]]] | None = None
    deleted: Callable[[Mapping[str, Any]], bool] = lambda record: False
    merged: Callable[[Mapping[str, Any]], list[str]] = lambda record: []
    web: str | None = None
    false_is_null: bool = False

    def __post_init__(self) -> None:
        if not (self.increment or self.children):
            raise ValueError(f"stream {self.name} declares neither an increment nor children")

    @property
    def schema(self) -> dict[str, pl.DataType]:
        return {c.name: POLARS_TYPES[c.type] for c in self.columns}


@dataclass(frozen=True)
class Rate:
    """A budget of `limit` requests in `window`; `remaining` and `reset` name the vendor's headers, reset in seconds."""

    limit: int
    window: timedelta
    remaining: str | None = None
    reset: str | None = None


@dataclass(frozen=True)
class Auth:
    """How a request is signed: `header(secrets)`; with `token` a token is fetched first and again after one 401.

    `token_in` leads to the token in that answer. `sign(call, secrets, token)` serves vendors that want it in the body.
    """

    needs: tuple[str, ...]
    header: Callable[[Mapping[str, str]], Mapping[str, str]]
    token: Callable[[Mapping[str, str]], Call] | None = None
    token_in: str = "access_token"
    sign: Callable[[Call, Mapping[str, str], Any], Call] | None = None


@dataclass(frozen=True)
class Vendor:
    """One vendor: its streams in the order in which they are read, its rates, and its version."""

    name: str
    kind: Literal["crm", "shop", "newsletter", "support", "erp", "files"]
    streams: Mapping[str, Stream]
    auth: Auth
    api_version: str
    supported_until: date | None
    rates: Mapping[str, Rate] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    error_in: Callable[[Any], str | SourceError | None] = lambda document: None

    def record_url(self, stream: str, record_id: str, options: Mapping[str, Any]) -> str | None:
        """The vendor's own page for a record, when the stream has one and the options name what its address needs."""
        template = self.streams[stream].web
        if template is None:
            return None
        try:
            return template.format(id=record_id, **options)
        except KeyError:
            return None


@dataclass(frozen=True)
class Reject:
    """A record that its contract refuses. `message` and `field_path` carry no values; `record` is the vendor's text."""

    record_id: str | None
    reason_code: str
    field_path: str
    message: str
    record: str


@dataclass(frozen=True)
class Batch:
    """Some pages in a row, typed. See `connectors.Connector.read`."""

    stream: str
    frame: pl.DataFrame
    rejects: list[Reject]
    received: int
    resume: str | None
    cursor: str | None = None
    complete: bool = False
    present_ids: pl.Series | None = None
    requests: int = 0
    pages: int = 0
    waited_seconds: float = 0.0
    server_time: datetime | None = None


SYSTEM_SCHEMA: dict[str, pl.DataType] = {
    "record_id": pl.String(),
    "updated_at": pl.Datetime("us"),
    "is_deleted": pl.Boolean(),
    "merged_into": pl.String(),
}


@dataclass(frozen=True)
class Finding:
    """What `check` found about one subject (a stream or the connection)."""

    subject: str
    ok: bool
    message: str
