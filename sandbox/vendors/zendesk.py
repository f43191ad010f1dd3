"""Zendesk's API as far as exports need it: incremental exports by cursor and by time, and listings.

Follows the documentation: exports order by the time at which the system last touched a record
(`generated_timestamp`), withhold the last minute, never split a second in time-based pages, and end with
`end_of_stream`; deleted tickets stay with status `deleted`. What the records hold is
`sandbox.vendors.zendesk_records`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.vendors import Response, address_of, answer, limits_of
from sandbox.vendors.zendesk_records import Desk, desk_of

TOKEN = "sandbox-zendesk-token"
WITHHELD_SECONDS = 60
ACCOUNT_LIMIT = 700  # requests a minute on the Professional plan
EXPORT_LIMIT = 10  # requests a minute for incremental exports, without the High Volume add-on
MAX_OFFSET_PAGE = 100

COMMENT_TEXT = ("type", "author_id", "body", "html_body", "plain_body", "public", "attachments")

Row = dict[str, Any]


class Refused(Exception):
    """An answer that is not 200: status and body."""

    def __init__(self, status: int, error: Any, description: str | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "description": description} if description else {"error": error}


def handle(
    company: Any,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Response:
    """One request to the support desk."""
    if headers.get("authorization") != f"Bearer {TOKEN}":
        return answer({"error": "Couldn't authenticate you"}, 401, {"WWW-Authenticate": 'Bearer realm="Zendesk"'})
    name = path.removeprefix("/api/v2/").removesuffix(".json").strip("/")
    allowed, limited = spend(company, name.startswith("incremental/"))
    if not allowed:
        text = "Number of allowed API requests per minute exceeded"
        return answer({"error": "APIRateLimitExceeded", "description": text}, 429, limited)
    asked = {key: values[-1] for key, values in query.items()}
    try:
        if method != "GET" or not path.startswith("/api/v2/"):
            raise Refused(404, {"title": "No help desk at this address", "message": "There is no such address."})
        return answer(
            respond(desk_of(company), name, asked, address_of(headers), company.now),
            headers=limited,
            content_type="application/json; charset=utf-8",
        )
    except Refused as refusal:
        return answer(refusal.body, refusal.status, limited)


def spend(company: Any, export: bool) -> tuple[bool, dict[str, str]]:
    """Counts a request and gives the headers that say so, in the several spellings Zendesk sends at once."""
    limits = limits_of(company)
    account = limits.window("zendesk.account", ACCOUNT_LIMIT, 60)
    allowed, left, reset = account.take()
    until = str(max(1, round(reset)))
    limit = str(account.limit)
    headers = {"x-zendesk-api-version": "v2", "x-rate-limit": limit, "x-rate-limit-remaining": str(left)}
    headers |= {"rate-limit": limit, "rate-limit-remaining": str(left), "rate-limit-reset": until}
    headers |= {"ratelimit-limit": limit, "ratelimit-remaining": str(left), "ratelimit-reset": until}
    if export and allowed:
        exports = limits.window("zendesk.exports", EXPORT_LIMIT, 60)
        allowed, left, reset = exports.take()
        until = str(max(1, round(reset)))
        headers["zendesk-ratelimit-incremental-exports"] = f"total={exports.limit}; remaining={left}; resets={until}"
    if not allowed:
        headers["Retry-After"] = until
    return allowed, headers


def respond(desk: Desk, name: str, asked: Mapping[str, str], base: str, now: datetime) -> Row:
    """The body for one address."""
    cursor_exports: dict[str, tuple[str, list[Row]]] = {
        "incremental/tickets/cursor": ("tickets", desk.tickets),
        "incremental/users/cursor": ("users", desk.users),
    }
    time_exports: dict[str, tuple[str, list[Row], Callable[[Row], float]]] = {
        "incremental/tickets": ("tickets", desk.tickets, touched),
        "incremental/users": ("users", desk.users, touched),
        "incremental/organizations": ("organizations", desk.organizations, touched),
        "incremental/ticket_events": ("ticket_events", desk.ticket_events, lambda r: float(r["timestamp"])),
        "incremental/ticket_metric_events": (
            "ticket_metric_events",
            desk.metric_events,
            lambda r: epoch(r["time"]),
        ),
    }
    listings: dict[str, list[Row]] = {
        "satisfaction_ratings": desk.ratings,
        "ticket_fields": desk.ticket_fields,
        "groups": desk.groups,
        "organizations": desk.organizations,
        "users": [u for u in desk.users if u["active"]],
        "tickets": [t for t in desk.tickets if t["status"] != "deleted"],
    }
    url = f"{base}/api/v2/{name}.json"
    if name in cursor_exports:
        key, rows = cursor_exports[name]
        return by_cursor(key, rows, asked, url, now)
    if name in time_exports:
        key, rows, time = time_exports[name]
        page = by_time(key, rows, time, asked, url, now)
        if key == "ticket_events" and "comment_events" not in asked.get("include", ""):
            page[key] = [without_comments(event) for event in page[key]]
        return absolute(page, key, base)
    if name in listings:
        rows = listings[name]
        if name == "satisfaction_ratings":
            rows = rated(rows, asked)
        return listing(name, rows, asked, url, base)
    if name == "users/me":
        return {"user": desk.users[0] | {"url": f"{base}{desk.users[0]['url']}"}}
    raise Refused(404, "InvalidEndpoint", "Not found")


def touched(row: Row) -> float:
    return float(row["_touched"])


def epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def shown(row: Row, base: str) -> Row:
    """A record as answered: inner bookkeeping gone, its address made absolute."""
    out = {key: value for key, value in row.items() if not key.startswith("_")}
    if isinstance(out.get("url"), str):
        out["url"] = base + out["url"]
    return out


def absolute(page: Row, key: str, base: str) -> Row:
    return {**page, key: [shown(row, base) for row in page[key]]}


def size_of(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdigit() or not int(text):
        raise Refused(400, "InvalidValue", f"Invalid parameter: {name} must be a positive integer")
    return min(int(text), most)


def start_of(asked: Mapping[str, str], now: datetime) -> int:
    text = asked.get("start_time", "")
    if not text.isdigit():
        raise Refused(400, "InvalidValue", "Invalid parameter: start_time must be an integer")
    if int(text) > seconds(now) - WITHHELD_SECONDS:
        raise Refused(422, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
    return int(text)


def seconds(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def by_cursor(key: str, rows: list[Row], asked: Mapping[str, str], url: str, now: datetime) -> Row:
    """A cursor export: the cursor is the last record's touch and id, and stays valid for ever."""
    size = size_of(asked, "per_page", 1000, 1000)
    after = decoded(asked["cursor"]) if "cursor" in asked else (float(start_of(asked, now)), -1)
    horizon = seconds(now) - WITHHELD_SECONDS
    ready = sorted((r for r in rows if touched(r) <= horizon), key=lambda r: (touched(r), r["id"]))
    rest = [r for r in ready if (touched(r), r["id"]) > after]
    page = rest[:size]
    last = (touched(page[-1]), page[-1]["id"]) if page else after
    cursor = encoded(last)
    base = url.split("/api/v2/")[0]
    more = len(rest) > size
    return {
        key: [shown(r, base) for r in page],
        "after_url": f"{url}?{urlencode({'cursor': cursor, 'per_page': size})}" if page or more else None,
        "before_url": None,
        "after_cursor": cursor,
        "before_cursor": None,
        "end_of_stream": not more,
    }


def encoded(position: tuple[float, int]) -> str:
    return base64.b64encode(f"{position[0]:.1f}||{position[1]}".encode()).decode()


def decoded(cursor: str) -> tuple[float, int]:
    try:
        time, _, number = base64.b64decode(cursor, validate=True).decode().partition("||")
        return float(time), int(number)
    except (ValueError, binascii.Error):
        raise Refused(400, "InvalidPaginationParameter", "cursor is not valid") from None


def by_time(
    key: str, rows: list[Row], time: Callable[[Row], float], asked: Mapping[str, str], url: str, now: datetime
) -> Row:
    """A time-based export: a page runs to the end of its last second, and the next starts at that second."""
    size = size_of(asked, "per_page", 1000, 1000)
    start = start_of(asked, now)
    horizon = seconds(now) - WITHHELD_SECONDS
    ready = sorted((r for r in rows if start <= int(time(r)) <= horizon), key=lambda r: (int(time(r)), r["id"]))
    end = min(size, len(ready))
    while end < len(ready) and (
        int(time(ready[end])) == int(time(ready[end - 1])) or int(time(ready[end - 1])) == start
    ):
        end += 1  # the second case lets an export pass a second that fills a page by itself
    page = ready[:end]
    last = int(time(page[-1])) if page else None
    following = {"start_time": last, **{k: v for k, v in asked.items() if k in ("per_page", "include")}}
    return {
        key: page,
        "next_page": f"{url}?{urlencode(following)}" if page else None,
        "count": len(page),
        "end_of_stream": end >= len(ready),
        "end_time": last,
    }


def without_comments(event: Row) -> Row:
    """What was said is in an event only when asked for with include=comment_events; that something was said, always."""
    children = [
        {k: v for k, v in child.items() if k not in COMMENT_TEXT} if child["event_type"] == "Comment" else child
        for child in event["child_events"]
    ]
    return {**event, "child_events": children}


def rated(rows: list[Row], asked: Mapping[str, str]) -> list[Row]:
    score = asked.get("score")
    groups = {
        "received": ("good", "bad"),
        "good": ("good",),
        "bad": ("bad",),
        "offered": ("offered",),
        "unoffered": ("unoffered",),
    }
    if score is not None and score not in groups:
        raise Refused(400, "InvalidValue", f"Invalid parameter: score {score}")
    after, before = asked.get("start_time", "0"), asked.get("end_time", "99999999999")
    return [
        r
        for r in rows
        if (score is None or r["score"] in groups[score]) and int(after) <= epoch(r["created_at"]) < int(before)
    ]


def listing(name: str, rows: list[Row], asked: Mapping[str, str], url: str, base: str) -> Row:
    """A listing by cursor when `page[size]` is given, by page number otherwise."""
    rows = sorted(rows, key=lambda r: r["id"])
    kept = {k: v for k, v in asked.items() if k in ("score", "start_time", "end_time", "sort_order")}
    if "page[size]" in asked or "page[after]" in asked:
        size = size_of(asked, "page[size]", 100, 100)
        after = int(marked(asked["page[after]"])) if "page[after]" in asked else -1
        rest = [r for r in rows if r["id"] > after]
        page, more = rest[:size], len(rest) > size
        mark = mark_of(page[-1]["id"]) if page else None
        before = mark_of(page[0]["id"]) if page else None
        link = f"{url}?{urlencode({**kept, 'page[after]': mark, 'page[size]': size})}" if more else None
        return {
            name: [shown(r, base) for r in page],
            "meta": {"has_more": more, "after_cursor": mark, "before_cursor": before},
            "links": {"prev": None, "next": link},
        }
    size, number = size_of(asked, "per_page", 100, 100), size_of(asked, "page", 1, 10**9)
    if number > MAX_OFFSET_PAGE:
        raise Refused(400, "InvalidPaginationDepth", "Invalid Pagination Depth: use cursor pagination beyond page 100")
    page = rows[(number - 1) * size : number * size]

    def numbered(n: int) -> str:
        return f"{url}?{urlencode({**kept, 'page': n, 'per_page': size})}"

    return {
        name: [shown(r, base) for r in page],
        "next_page": numbered(number + 1) if number * size < len(rows) else None,
        "previous_page": numbered(number - 1) if number > 1 else None,
        "count": len(rows),
    }


def mark_of(number: int) -> str:
    return base64.b64encode(json.dumps({"o": "id", "v": str(number)}).encode()).decode()


def marked(cursor: str) -> str:
    try:
        return str(json.loads(base64.b64decode(cursor))["v"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Refused(400, "InvalidPaginationParameter", "page[after] is not a valid cursor") from None
