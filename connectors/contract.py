"""Records -> one typed frame, and the records that do not fit.

Types come from the declaration alone; nothing is inferred. How a page becomes records is decoding.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any

import polars as pl

from connectors.decoding import Raw, Refused, at, compact, printable
from connectors.spec import POLARS_TYPES, SYSTEM_SCHEMA, Column, Reject, Stream, steps_of

NUMBER = re.compile(r"-?\d+(\.\d+)?")


def instant(value: Any) -> datetime | None:
    """An instant as naive UTC: ISO text with or without zone, epoch seconds, milliseconds or microseconds.

    Raises:
        ValueError: text that is no instant; a date is midnight UTC.
    """
    if value is None or value == "" or value is False:
        return None
    if isinstance(value, bool):
        raise ValueError("boolean")
    if isinstance(value, (int, float)):
        return _epoch(float(value))
    text = str(value).strip()
    if text.isdigit() and len(text) in (10, 13, 16):
        return _epoch(float(text))
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


def _epoch(value: float) -> datetime:
    for scale, upper in ((1.0, 1e11), (1e3, 1e14), (1e6, 1e17)):
        if abs(value) < upper:
            return datetime(1970, 1, 1) + timedelta(seconds=value / scale)
    raise ValueError("epoch out of range")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return compact(value)


def _json(value: Any) -> str | None:
    return None if value is None else compact(value)


def _integer(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError("boolean")
    if isinstance(value, float):
        if not value.is_integer():
            raise LossyCast
        return int(value)
    try:
        number = int(value)
    except ValueError:  # "12.0" and "1.2E3" are whole all the same
        exact = _decimal(value)
        if exact is None or exact != exact.to_integral_value():
            raise
        number = int(exact)
    if not -(2**63) <= number < 2**63:
        raise LossyCast
    return number


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or (isinstance(value, str) and not NUMBER.fullmatch(value.strip())):
        # 1.234,56 or 1,234.56: which of them is the point is not ours to guess.
        number = value.strip() if isinstance(value, str) else ""
        if not re.fullmatch(r"-?\d+(\.\d+)?[eE][+-]?\d+", number):
            raise ValueError("no number")
    exact = Decimal(str(value).strip())
    rounded = round(exact, 4)
    if abs(rounded) >= Decimal(10) ** 14:
        raise LossyCast
    return rounded


def _boolean(value: Any) -> bool | None:
    if value is None or value == "" or isinstance(value, bool):
        return None if value == "" else value
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if value in (0, 1):
        return bool(value)
    raise ValueError("no boolean")


def _date(value: Any) -> date | None:
    if value is None or value == "" or value is False:
        return None
    text = str(value)
    if text.isdigit() and len(text) in (10, 13):
        return _epoch(float(text)).date()
    return date.fromisoformat(text[:10]) if len(text) <= 10 else datetime.fromisoformat(text).date()


class LossyCast(ValueError):
    """The value does not fit into the declared type without losing something."""


CASTS = {
    "text": _text,
    "json": _json,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "instant": instant,
    "date": _date,
}
_NON_BOOLEAN = {
    kind: (lambda value, cast=cast: cast(None if value is False else value))
    for kind, cast in CASTS.items()
    if kind != "boolean"
}


def _casts(stream: Stream) -> dict[str, Any]:
    """The casts of a stream; where the vendor writes false for every empty value, only booleans keep it."""
    return {**CASTS, **_NON_BOOLEAN} if stream.false_is_null else dict(CASTS)


REASONS = {
    "instant": "unparseable_date",
    "date": "unparseable_date",
    "integer": "unparseable_number",
    "decimal": "unparseable_number",
}


def typed(stream: Stream, raws: Iterable[Raw]) -> tuple[pl.DataFrame, list[Reject]]:
    """One row a good record: the system columns, the declared columns, the record's text.

    A record with an impossible value is refused whole with its reason code; the others go on.
    """
    good: list[Raw] = []
    rejects: list[Reject] = []
    ids: list[str] = []
    for raw in raws:
        identity = _identity(stream, raw.value)
        if raw.refusal is not None:
            rejects.append(_reject(identity, raw.refusal, raw.text))
        elif not isinstance(raw.value, dict):
            rejects.append(_reject(None, Refused("type_mismatch", "", "the record is no object"), raw.text))
        elif identity is None:
            rejects.append(
                _reject(None, Refused("missing_key", ".".join(stream.key), "the record has no id"), raw.text)
            )
        else:
            good.append(raw)
            ids.append(identity)
    try:
        return _frame(stream, good, ids), rejects
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        # Some record does not fit: find out which, one by one, and keep the rest.
        kept: list[Raw] = []
        kept_ids: list[str] = []
        for raw, identity in zip(good, ids, strict=True):
            refusal = _first_refusal(stream, raw)
            if refusal is None:
                kept.append(raw)
                kept_ids.append(identity)
            else:
                rejects.append(_reject(identity, refusal, raw.text))
        return _frame(stream, kept, kept_ids), rejects


def _reject(record_id: str | None, refusal: Refused, text: str) -> Reject:
    return Reject(record_id and printable(record_id), refusal.code, refusal.path, str(refusal), text)


def _identity(stream: Stream, value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    if len(stream.key) == 1 and type(only := value.get(stream.key[0])) is str and only:
        return only
    parts = [_text(at(value, path.split("."))) for path in stream.key]
    return None if any(p is None or p == "" for p in parts) else ":".join(str(p) for p in parts)


def _first_refusal(stream: Stream, raw: Raw) -> Refused | None:
    casts = _casts(stream)
    for column in _all_columns(stream):
        try:
            value = casts[column.type](at(raw.value, column.steps))
        except LossyCast:
            return Refused("lossy_cast", column.path, f"{column.path} does not fit into {column.type} without loss")
        except (ValueError, TypeError, InvalidOperation, OverflowError):
            code = REASONS.get(column.type, "type_mismatch")
            return Refused(code, column.path, f"{column.path} is no {column.type}")
        if value is None and column.required:
            return Refused("required_null", column.path, f"{column.path} is missing, and every {stream.entity} has one")
    return None


def _all_columns(stream: Stream) -> tuple[Column, ...]:
    marks = [Column("updated_at", "instant", p) for p in (_cursor_paths(stream))]
    return (*stream.columns, *marks)


def _cursor_paths(stream: Stream) -> list[str]:
    cursor = stream.cursor
    return [p for p in (cursor.path, cursor.fallback) if p] if cursor else []


class _Cells:
    """The values at many paths in many records, looked up together where paths share what is above their last key."""

    def __init__(self, values: list[Any], paths: Iterable[tuple[str | int, ...]]) -> None:
        self.values = values
        self.found: dict[tuple[str | int, ...], Sequence[Any]] = {}
        below: dict[tuple[str | int, ...], list[str]] = {}
        for *above, last in set(paths):
            if isinstance(last, str):
                below.setdefault(tuple(above), []).append(last)
        for prefix, names in below.items():
            holders = [at(v, prefix) for v in values] if prefix else values
            for name, column in zip(names, _columns(holders, names), strict=True):
                self.found[*prefix, name] = column

    def __call__(self, steps: tuple[str | int, ...]) -> Sequence[Any]:
        found = self.found.get(steps)
        return [at(v, steps) for v in self.values] if found is None else found


def _columns(holders: list[Any], names: list[str]) -> list[Sequence[Any]]:
    """The values of several keys: all of a record at once where every record has them all, else one by one."""
    try:
        rows = list(map(itemgetter(*names), holders))
        return [rows] if len(names) == 1 else list(zip(*rows, strict=True)) or [[] for _ in names]
    except (KeyError, TypeError):
        pass
    objects = [h if isinstance(h, dict) else {} for h in holders]
    return [[h.get(name) for h in objects] for name in names]


def _frame(stream: Stream, raws: Sequence[Raw], ids: Sequence[str]) -> pl.DataFrame:
    values = [r.value for r in raws]
    cells_at = _Cells(values, [*(c.steps for c in stream.columns), *(steps_of(p) for p in _cursor_paths(stream)[:1])])
    data: dict[str, pl.Series] = {
        "record_id": pl.Series("record_id", ids, dtype=pl.String),
        "updated_at": _updated_at(stream, values, cells_at),
        "is_deleted": pl.Series("is_deleted", [bool(stream.deleted(v)) for v in values], dtype=pl.Boolean),
        "merged_into": pl.Series("merged_into", [None] * len(values), dtype=SYSTEM_SCHEMA["merged_into"]),
    }
    for column in stream.columns:
        cells = cells_at(column.steps)
        if stream.false_is_null and column.type != "boolean":
            cells = [None if c is False else c for c in cells]
        series = _typed(column.name, column.type, cells)
        if column.required and series.null_count():
            raise ValueError(column.name)
        data[column.name] = series
    data["record"] = pl.Series("record", [r.text for r in raws], dtype=pl.String)
    return pl.DataFrame(data)


_BOOLEANS = {None: None, "": None, "true": True, "false": False, True: True, False: False}
ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def _typed(name: str, kind: str, cells: Sequence[Any]) -> pl.Series:
    """A column at once where the vendor keeps to one spelling, cell by cell where not."""
    dtype = POLARS_TYPES[kind]
    try:
        if kind == "text":
            return pl.Series(name, cells, dtype=dtype, strict=True)
        if kind == "instant":
            texts = pl.Series(name, cells, dtype=pl.String, strict=True)
            return texts.str.to_datetime(ISO, time_unit="us", time_zone=None, strict=True)
        if kind == "boolean":
            return pl.Series(name, [_BOOLEANS[c] for c in cells], dtype=dtype)
    except (TypeError, KeyError, pl.exceptions.PolarsError):
        pass  # another spelling: the casts below decide, and refuse what none of them understands
    cast = CASTS[kind]
    return pl.Series(name, [cast(c) for c in cells], dtype=dtype, strict=True)


def _updated_at(stream: Stream, values: Sequence[Any], cells_at: _Cells) -> pl.Series:
    cursor = stream.cursor
    if cursor is not None and cursor.path:
        cells = cells_at(steps_of(cursor.path))
        if all(type(c) is str and c for c in cells) and cells:
            return _typed("updated_at", "instant", cells)
    return pl.Series("updated_at", [changed_at(stream, v) for v in values], dtype=pl.Datetime("us"))


def changed_at(stream: Stream, value: Any) -> datetime | None:
    """When the vendor says that this record changed last; the declared fallback where it does not say."""
    for path in _cursor_paths(stream):
        found = instant(at(value, path.split(".")))
        if found is not None:
            return found
    return None
