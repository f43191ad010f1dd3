"""Bytes of a page -> its records, each with the vendor's own text.

A page counts as decoded only when encoding it again gives the same bytes: that proves in one stroke that no key stood
twice and no number was rounded. Otherwise the strict decoder takes over, which is slower and refuses by record.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from connectors.spec import SourceError, UnexpectedContent

MAX_RECORD = 5_000_000
MAX_DEPTH = 64
ErrorIn = Callable[[Any], "str | SourceError | None"]


class Refused(ValueError):
    """A record breaks its contract: reason code, field path, and a message without values."""

    def __init__(self, code: str, path: str, message: str) -> None:
        super().__init__(message)
        self.code, self.path = code, path


@dataclass(frozen=True)
class Raw:
    """A record as it was found: decoded, and its text as the vendor wrote it. `refusal` when decoding it already failed."""

    value: Any
    text: str
    refusal: Refused | None = None


def document(body: bytes, where: str, error_in: ErrorIn) -> Any:
    """An answer that holds no record list of its own, decoded.

    Raises:
        UnexpectedContent: no JSON, or an error in place of an answer.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnexpectedContent(f"{where} answered with no JSON; nothing was landed") from None
    _refuse_error(found, where, error_in)
    return found


def _refuse_error(document: Any, where: str, error_in: ErrorIn | None) -> None:
    found = error_in(document) if error_in else None
    if isinstance(found, SourceError):
        raise found from None
    if found:
        message = found
        raise UnexpectedContent(f"{where} answered with an error in place of records: {message[:200]}")


def decode(body: bytes, where: str, records: str, check: ErrorIn | None = None) -> tuple[Any, list[Raw]]:
    """The document and its records.

    Args:
        body: the whole answer, UTF-8 JSON.
        where: what to call the request in an error.
        records: path of the record list in the document, `""` for the document itself.
        check: says what error the document holds, if any; some vendors send errors with status 200.

    Raises:
        UnexpectedContent: no JSON, or no list at that path. A missing list is never an empty page.
    """
    try:
        document = orjson.loads(body)
        readable = True
    except orjson.JSONDecodeError:
        readable = False
    if len(body) > MAX_RECORD or not readable:
        return _decode_strictly(body, where, records, check)
    if orjson.dumps(document) != body:
        # White space, escapes, large integers or doubled keys: decode anew with eyes open, records still cut by the fast way.
        try:
            document = json.loads(body, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_number)
        except (ValueError, RecursionError):
            return _decode_strictly(body, where, records, check)
    _refuse_error(document, where, check)
    found = _list_at(document, records, where)
    try:
        texts = _slices(body, records)
    except RecursionError:
        return _decode_strictly(body, where, records, check)
    return document, [Raw(v, t) for v, t in zip(found, texts, strict=True)]


def _list_at(document: Any, path: str, where: str) -> list[Any]:
    value = document
    for step in path.split(".") if path else ():
        if not isinstance(value, Mapping) or step not in value:
            raise UnexpectedContent(
                f"{where} answered without {path!r}, which every page of it has; nothing was landed"
            )
        value = value[step]
    if not isinstance(value, list):
        raise UnexpectedContent(f"{where} answered with something else than a list under {path!r}; nothing was landed")
    return value


def _slices(body: bytes, path: str) -> list[str]:
    """The vendor's own text of each record, cut without decoding it."""
    raw = msgspec.Raw(body)
    for step in path.split(".") if path else ():
        raw = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[step]
    parts = msgspec.json.decode(raw, type=list[msgspec.Raw])
    return [str(part, "utf-8") for part in parts]


def _decode_strictly(body: bytes, where: str, records: str, check: ErrorIn | None) -> tuple[Any, list[Raw]]:
    """Record by record: what no fast decoder accepts costs the one record that holds it, not its page."""
    text = body.decode("utf-8-sig", "surrogateescape")
    stripped = text.lstrip()
    if stripped[:1] not in ("{", "["):
        kind = "an HTML page" if stripped[:1] == "<" else "no JSON"
        raise UnexpectedContent(f"{where} answered with {kind}; is the address right and the service up?")
    spans = _spans(text, records)
    # The frame around the records: each of them replaced by null.
    frame, end = [], 0
    for begin, stop, _ in spans:
        frame += [text[end:begin], "null"]
        end = stop
    try:
        document = json.loads("".join([*frame, text[end:]]))
    except (ValueError, RecursionError):
        raise UnexpectedContent(f"{where} answered with JSON that is cut or broken; nothing was landed") from None
    _refuse_error(document, where, check)
    holes = _list_at(document, records, where)
    if len(holes) != len(spans):
        raise UnexpectedContent(f"{where} answered with {records!r} twice or broken; nothing was landed")
    raws = [_strict(text[begin:stop], depth) for begin, stop, depth in spans]
    holes[:] = [raw.value for raw in raws]
    return document, raws


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


def _spans(text: str, path: str) -> list[tuple[int, int, int]]:
    """Where each record of the list at `path` begins and ends, and how deep it is: one scan without recursion."""
    steps = path.split(".") if path else []
    spans: list[tuple[int, int, int]] = []
    depth, matched, inside = 0, 0, -1
    begin, deepest, last_end = -1, 0, 0
    key = None
    for token in TOKEN.finditer(text):
        mark = token.group()
        if inside >= 0 and depth == inside:
            if mark in (",", "]"):
                if begin >= 0:
                    spans.append((begin, last_end, deepest - inside))
                begin = -1
            elif begin < 0:
                begin, deepest = token.start(), depth
        if mark in ("{", "["):
            if mark == "[" and inside < 0 and matched == depth == len(steps) and (not steps or key == steps[-1]):
                inside, spans = depth + 1, []
            elif (
                mark == "{" and inside < 0 and matched == depth < len(steps) and (depth == 0 or key == steps[depth - 1])
            ):
                matched += 1
            depth += 1
            deepest = max(deepest, depth)
        elif mark in ("}", "]"):
            if depth == inside:
                inside = -1
            depth -= 1
            matched = min(matched, depth)
        elif inside < 0 and mark[0] == '"' and depth == matched:
            key = mark[1:-1]
        last_end = token.end()
    return spans


def _strict(text: str, depth: int) -> Raw:
    if len(text) > MAX_RECORD:
        return Raw(None, printable(text[:1000]), Refused("too_large", "", f"the record has {len(text):,} characters"))
    if depth > MAX_DEPTH:
        return Raw(None, printable(text[:1000]), Refused("too_deep", "", "the record is nested too deeply"))
    try:
        text.encode("utf-8")
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_number)
    except UnicodeEncodeError:
        refusal = Refused("bad_encoding", "", "bytes that are not UTF-8 stand in the text")
        return Raw(_lenient(text), printable(text), refusal)
    except Refused as refusal:
        return Raw(_lenient(text), text, refusal)
    except ValueError:
        return Raw(None, text, Refused("invalid_json", "", "the record is no JSON"))
    if _surrogate(value):
        return Raw(value, text, Refused("bad_encoding", "", "a lone surrogate stands in the text"))
    return Raw(value, text)


def printable(text: str) -> str:
    """The text where it can be stored as UTF-8: what cannot is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _lenient(text: str) -> Any:
    """For the record's id only, when its strict decoding was refused."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Refused("duplicate_key", "", "a key stands twice, and readers would disagree which one counts")
    return result


def _constant(name: str) -> Any:
    raise Refused("invalid_number", "", f"{name} is not a number of JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Refused("invalid_number", "", "a number is larger than any reader can hold")
    return value


def _surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return any(_surrogate(k) or _surrogate(v) for k, v in value.items())
    return any(map(_surrogate, value)) if isinstance(value, list) else False


def at(value: Any, steps: Sequence[str | int]) -> Any:
    """The value at a path, or None where the path breaks off."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step) if isinstance(step, str) else value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def compact(value: Any) -> str:
    """JSON text of a value; the slower encoder knows integers of any size."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"))
