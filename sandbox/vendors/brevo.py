"""Brevo's v3 API as far as exports need it: contacts, lists, companies, campaigns and what became of them.

Follows the published specification: limit and offset, newest first unless asked otherwise, `modifiedSince`
with its offset from UTC, campaign statistics of a contact over at most 90 days, and limits counted by the
hour in `x-sib-ratelimit-*`. What the records hold is `sandbox.vendors.brevo_records`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.vendors import Response, answer, limits_of
from sandbox.vendors.brevo_records import Newsletter, newsletter_of

API_KEY = "sandbox-brevo-key"
CONTACTS_LIMIT = 36_000  # an hour, the whole /contacts family
EVENTS_LIMIT = 36_000  # an hour, /smtp/statistics
UNLISTED_LIMIT = 100  # an hour, every endpoint that the limits page does not name
STATS_DAYS = 90

Row = dict[str, Any]


class Refused(Exception):
    """An answer that is not 200: status, Brevo's code, its sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def handle(
    company: Any,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Response:
    """One request to the newsletter tool."""
    if headers.get("api-key") != API_KEY:
        message = "Key not found" if headers.get("api-key") else "authentication not found in headers"
        return answer({"message": message, "code": "unauthorized"}, 401)
    path = path.removeprefix("/v3").rstrip("/")
    allowed, limited = spend(company, path)
    if not allowed:
        return answer({"message": "Too many requests", "code": "too_many_requests"}, 429, limited)
    try:
        if method != "GET":
            raise Refused(405, "method_not_allowed", f"{method} Method is not allowed on this path")
        asked = Asked({name: values[-1] for name, values in query.items()})
        return answer(respond(newsletter_of(company), path, asked, company.now), headers=limited)
    except Refused as refusal:
        return answer({"code": refusal.code, "message": refusal.message}, refusal.status, limited)


def spend(company: Any, path: str) -> tuple[bool, dict[str, str]]:
    """Counts a request against its family; Brevo sends no Retry-After, only when the window ends."""
    if path == "/contacts" or path.startswith("/contacts/"):
        family, limit = "contacts", CONTACTS_LIMIT
    elif path.startswith("/smtp/statistics"):
        family, limit = "events", EVENTS_LIMIT
    else:
        family, limit = "unlisted", UNLISTED_LIMIT
    window = limits_of(company).window(f"brevo.{family}", limit, 3600)
    allowed, left, reset = window.take()
    return allowed, {
        "x-sib-ratelimit-limit": str(window.limit),
        "x-sib-ratelimit-remaining": str(left),
        "x-sib-ratelimit-reset": str(max(1, round(reset))),
    }


class Asked:
    """Query parameters, checked as Brevo checks them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def whole(self, name: str, default: int, most: int | None = None, least: int = 0) -> int:
        text = self.values.get(name, str(default))
        if not text.isdigit() or int(text) < least:
            raise Refused(400, "invalid_parameter", f"{name} should be a number of at least {least}")
        if most is not None and int(text) > most:
            raise Refused(400, "out_of_range", f"{name} exceeds max value {most}")
        return int(text)

    def instant(self, name: str) -> datetime | None:
        text = self.values.get(name)
        if text is None:
            return None
        try:  # a plus sign that was not encoded arrives as a blank
            moment = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text).replace("Z", "+00:00"))
        except ValueError:
            raise Refused(
                400, "invalid_parameter", f"{name} should be a UTC date-time (YYYY-MM-DDTHH:mm:ss.SSSZ)"
            ) from None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment

    def day(self, name: str) -> date | None:
        text = self.values.get(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise Refused(400, "invalid_parameter", f"{name} should be a date (YYYY-MM-DD)") from None

    def descending(self) -> bool:
        sort = self.values.get("sort", "desc")
        if sort not in ("asc", "desc"):
            raise Refused(400, "invalid_parameter", "sort should be asc or desc")
        return sort == "desc"


def respond(news: Newsletter, path: str, asked: Asked, now: datetime) -> Row:
    """The body for one address."""
    if path == "/account":
        return news.account
    if path == "/contacts":
        return contacts(news.contacts, asked, 1000)
    if path == "/contacts/lists":
        page, count = window(news.lists, asked, 10, 50)
        return {"lists": page, "count": count}
    if path == "/contacts/folders":
        page, count = window(news.folders, asked, 10, 50)
        return {"folders": page, "count": count}
    if path == "/contacts/attributes":
        return {"attributes": news.attributes}
    if found := re.fullmatch(r"/contacts/lists/(\d+)/contacts", path):
        number = int(found[1])
        if all(entry["id"] != number for entry in news.lists):
            raise Refused(404, "document_not_found", "List ID does not exist")
        return contacts([c for c in news.contacts if number in c["listIds"]], asked, 500)
    if found := re.fullmatch(r"/contacts/lists/(\d+)", path):
        return one(news.lists, int(found[1]), "List ID does not exist")
    if found := re.fullmatch(r"/contacts/([^/]+)/campaignStats", path):
        return campaign_stats(news, found[1], asked, now)
    if found := re.fullmatch(r"/contacts/([^/]+)", path):
        return contact(news, found[1])
    if path == "/companies":
        return companies(news.companies, asked)
    if path == "/emailCampaigns":
        return campaigns(news.campaigns, asked)
    if found := re.fullmatch(r"/emailCampaigns/(\d+)", path):
        return one(news.campaigns, int(found[1]), "Campaign ID does not exist")
    if path == "/smtp/statistics/events":
        return transactional(news.transactional, asked, now)
    raise Refused(404, "document_not_found", f"{path} does not exist")


def one(rows: list[Row], number: int, message: str) -> Row:
    for row in rows:
        if row["id"] == number:
            return row
    raise Refused(404, "document_not_found", message)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def window(rows: list[Row], asked: Asked, default: int, most: int) -> tuple[list[Row], int]:
    """A page by limit and offset, newest first unless asked; the count is of all, not of the page."""
    limit, offset = asked.whole("limit", default, most, least=1), asked.whole("offset", 0)
    rows = sorted(rows, key=lambda r: r["id"], reverse=asked.descending())
    return rows[offset : offset + limit], len(rows)


def since(rows: list[Row], asked: Asked) -> list[Row]:
    """`modifiedSince` and `createdSince`: at or after the given instant."""
    for name, key in (("modifiedSince", "modifiedAt"), ("createdSince", "createdAt")):
        start = asked.instant(name)
        if start is not None:
            rows = [r for r in rows if moment(r[key]) >= start]
    return rows


def contacts(rows: list[Row], asked: Asked, most: int) -> Row:
    page, count = window(since(rows, asked), asked, 50, most)
    return {"contacts": page, "count": count}


def contact(news: Newsletter, identifier: str) -> Row:
    for row in news.contacts:
        if identifier in (str(row["id"]), row.get("email")):
            return row
    raise Refused(404, "document_not_found", "Contact does not exist")


def companies(rows: list[Row], asked: Asked) -> Row:
    """Companies page by number, and their times stand inside the attributes."""
    limit, page = asked.whole("limit", 50, None, least=1), asked.whole("page", 1, None, least=1)
    for name, key in (("modifiedSince", "last_updated_at"), ("createdSince", "created_at")):
        start = asked.instant(name)
        if start is not None:
            rows = [r for r in rows if moment(r["attributes"][key]) >= start]
    rows = sorted(rows, key=lambda r: moment(r["attributes"]["created_at"]), reverse=asked.descending())
    return {"items": rows[(page - 1) * limit : page * limit]}


def campaigns(rows: list[Row], asked: Asked) -> Row:
    if status := asked.get("status"):
        rows = [r for r in rows if r["status"] == status]
    if kind := asked.get("type"):
        rows = [r for r in rows if r["type"] == kind]
    begin, end = asked.instant("startDate"), asked.instant("endDate")
    if (begin is None) != (end is None):
        raise Refused(400, "missing_parameter", "startDate and endDate are needed together")
    if begin is not None and end is not None:
        rows = [r for r in rows if r.get("sentDate") and begin <= moment(r["sentDate"]) <= end]
    page, count = window(rows, asked, 50, 100)
    if asked.get("excludeHtmlContent") == "true":
        page = [{**r, "htmlContent": ""} for r in page]
    if asked.get("statistics") is None:  # statistics are computed for six months back only, and only when asked for
        page = [{**r, "statistics": {**r["statistics"], "linksStats": {}, "statsByDomain": {}}} for r in page]
    return {"campaigns": page, "count": count}


def span(asked: Asked, now: datetime) -> tuple[date, date]:
    """The days asked for: both or none, at most 90, the last 90 when none."""
    begin, end = asked.day("startDate"), asked.day("endDate")
    if (begin is None) != (end is None):
        raise Refused(400, "missing_parameter", "startDate and endDate are needed together")
    if begin is None or end is None:
        return (now - timedelta(days=STATS_DAYS)).date(), now.date()
    if end < begin or (end - begin).days > STATS_DAYS:
        raise Refused(400, "out_of_range", f"the span from startDate to endDate must be 0 to {STATS_DAYS} days")
    return begin, end


def campaign_stats(news: Newsletter, identifier: str, asked: Asked, now: datetime) -> Row:
    begin, end = span(asked, now)
    row = contact(news, identifier)
    out: Row = {}
    for event in news.events.get(row["id"], ()):
        when = event["eventTime"]
        if not begin <= moment(when).date() <= end:
            continue
        kind, campaign = event["kind"], event["campaignId"]
        if kind == "clicked":
            link = {"count": 1, "eventTime": when, "ip": event["ip"], "url": event["url"]}
            entry = next((e for e in out.setdefault("clicked", []) if e["campaignId"] == campaign), None)
            if entry is None:
                out["clicked"].append({"campaignId": campaign, "links": [link]})
            else:
                entry["links"].append(link)
        elif kind == "opened":
            out.setdefault("opened", []).append(
                {"campaignId": campaign, "count": 1, "eventTime": when, "ip": event["ip"]}
            )
        elif kind == "unsubscribed":
            both = out.setdefault("unsubscriptions", {"userUnsubscription": [], "adminUnsubscription": []})
            both["userUnsubscription"].append({"campaignId": campaign, "eventTime": when, "ip": event["ip"]})
        else:
            out.setdefault(kind, []).append({"campaignId": campaign, "eventTime": when})
    return out


def transactional(rows: list[Row], asked: Asked, now: datetime) -> Row:
    limit, offset = asked.whole("limit", 2500, 5000, least=1), asked.whole("offset", 0)
    if asked.get("days") is not None:
        if asked.get("startDate") or asked.get("endDate"):
            raise Refused(400, "invalid_parameter", "days cannot be combined with startDate and endDate")
        length = asked.whole("days", 30, STATS_DAYS, least=1)
        begin, end = (now - timedelta(days=length)).date(), now.date()
    else:
        begin, end = span(asked, now)
    for name, key in (("event", "event"), ("email", "email"), ("messageId", "messageId"), ("tags", "tag")):
        if (wanted := asked.get(name)) is not None:
            rows = [r for r in rows if r.get(key) == wanted]
    rows = [r for r in rows if begin <= moment(r["date"]).date() <= end]
    rows = sorted(rows, key=lambda r: (moment(r["date"]), r["messageId"], r["event"]), reverse=asked.descending())
    page = rows[offset : offset + limit]
    return {"events": page}
