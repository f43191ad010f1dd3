"""Zendesk Support: incremental exports of tickets, users and organisations, and the lists around them.

What belongs here is what Zendesk calls things: cursor exports that end only at `end_of_stream` and are continued with
their own cursor, time-based exports that never split a second, `generated_timestamp` (the system touched it: versions
and increments) beside `updated_at` (users see it: the journey), deletion as a status. Requests, waiting and types
belong to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.spec import (
    Auth,
    Call,
    Column,
    Cursor,
    Page,
    Paginator,
    Pass,
    Position,
    Rate,
    Stream,
    Vendor,
    Window,
)

EXPORT_SIZE = 1000
# Exports withhold what changed in the last minute.
WITHHELD = timedelta(seconds=60)

_CREATED = Column("created_at", "instant", "created_at")

TICKETS = (
    Column("external_id", "text", "external_id"),
    Column("type", "text", "type"),
    Column("subject", "text", "subject", pii=True),
    Column("priority", "text", "priority"),
    Column("status", "text", "status", required=True),
    Column("via_channel", "text", "via.channel"),
    Column("requester_id", "text", "requester_id"),
    Column("submitter_id", "text", "submitter_id"),
    Column("assignee_id", "text", "assignee_id"),
    Column("organization_id", "text", "organization_id"),
    Column("group_id", "text", "group_id"),
    Column("brand_id", "text", "brand_id"),
    Column("ticket_form_id", "text", "ticket_form_id"),
    Column("problem_id", "text", "problem_id"),
    Column("has_incidents", "boolean", "has_incidents"),
    Column("is_public", "boolean", "is_public"),
    Column("due_at", "instant", "due_at"),
    Column("tags", "json", "tags"),
    Column("custom_fields", "json", "custom_fields"),
    Column("satisfaction_score", "text", "satisfaction_rating.score"),
    Column("satisfaction_reason", "text", "satisfaction_rating.reason"),
    Column("ticket_updated_at", "instant", "updated_at"),
    _CREATED,
)

USERS = (
    Column("external_id", "text", "external_id"),
    Column("name", "text", "name", pii=True),
    Column("email", "text", "email", pii=True),
    Column("phone", "text", "phone", pii=True),
    Column("role", "text", "role"),
    Column("organization_id", "text", "organization_id"),
    Column("active", "boolean", "active"),
    Column("suspended", "boolean", "suspended"),
    Column("verified", "boolean", "verified"),
    Column("locale", "text", "locale"),
    Column("tags", "json", "tags"),
    Column("user_fields", "json", "user_fields"),
    Column("last_login_at", "instant", "last_login_at"),
    _CREATED,
)

ORGANIZATIONS = (
    Column("external_id", "text", "external_id"),
    Column("name", "text", "name"),
    Column("domain_names", "json", "domain_names"),
    Column("group_id", "text", "group_id"),
    Column("tags", "json", "tags"),
    Column("crm_company_id", "text", "organization_fields.hubspot_company_id"),
    Column("organization_fields", "json", "organization_fields"),
    _CREATED,
)

TICKET_EVENTS = (
    Column("ticket_id", "text", "ticket_id", required=True),
    Column("updater_id", "text", "updater_id"),
    Column("event_type", "text", "event_type"),
    Column("via", "text", "via"),
    Column("child_events", "json", "child_events"),
    _CREATED,
)

TICKET_METRIC_EVENTS = (
    Column("ticket_id", "text", "ticket_id", required=True),
    Column("metric", "text", "metric"),
    Column("instance_id", "integer", "instance_id"),
    Column("type", "text", "type"),
    Column("occurred_at", "instant", "time"),
    Column("status_calendar_minutes", "decimal", "status.calendar"),
    Column("status_business_minutes", "decimal", "status.business"),
    Column("sla", "json", "sla"),
)

SATISFACTION_RATINGS = (
    Column("ticket_id", "text", "ticket_id"),
    Column("requester_id", "text", "requester_id"),
    Column("assignee_id", "text", "assignee_id"),
    Column("group_id", "text", "group_id"),
    Column("score", "text", "score", required=True),
    Column("reason", "text", "reason"),
    Column("comment", "text", "comment", pii=True),
    _CREATED,
)

TICKET_FIELDS = (
    Column("type", "text", "type"),
    Column("title", "text", "title"),
    Column("active", "boolean", "active"),
    Column("required", "boolean", "required"),
    Column("position", "integer", "position"),
    Column("custom_field_options", "json", "custom_field_options"),
    _CREATED,
)

GROUPS = (
    Column("name", "text", "name"),
    Column("description", "text", "description"),
    Column("is_default", "boolean", "default"),
    _CREATED,
)


def _epoch(moment: datetime | None) -> int:
    """Seconds since 1970 of a naive UTC instant; the beginning of Zendesk's time is 0."""
    return 0 if moment is None else int(moment.replace(tzinfo=UTC).timestamp())


def _cursor_export(key: str) -> Pass:
    """The cursor exports: a page's `after_cursor` asks for the next page, in this pass or in the next one."""

    def call(window: Window, position: Position) -> Call:
        query = {**position, "per_page": window.size}
        return Call(f"/api/v2/incremental/{key}/cursor.json", query, route="exports")

    def first(window: Window) -> Position:
        if window.token is not None:
            return {"cursor": window.token}
        return {"start_time": _epoch(window.since)}

    def following(page: Page, position: Position, window: Window) -> Position | None:
        if page.document["end_of_stream"]:
            return None
        return {"cursor": page.document["after_cursor"]}

    return Pass(call, key, Paginator(following, first), page_size=EXPORT_SIZE)


def _time_export(key: str, include: str | None = None) -> Pass:
    """The time-based exports: a page begins at the second that ended the one before, so some records come twice."""

    def call(window: Window, position: Position) -> Call:
        query = {**position, "per_page": window.size}
        if include:
            query["include"] = include
        return Call(f"/api/v2/incremental/{key}.json", query, route="exports")

    def following(page: Page, position: Position, window: Window) -> Position | None:
        document, start = page.document, position["start_time"]
        ended = document.get("end_of_stream", len(document[key]) < EXPORT_SIZE)
        if ended or document.get("end_time") is None:
            return None
        # A page holds its last second whole. When that is also its first, only the next second leads on.
        return {"start_time": document["end_time"] if document["end_time"] > start else start + 1}

    def first(window: Window) -> Position:
        return {"start_time": _epoch(window.since)}

    return Pass(call, key, Paginator(following, first), page_size=EXPORT_SIZE)


def _listing(key: str, since: bool = False, **query: Any) -> Pass:
    """The listings with cursor pagination; the ones with page numbers end at page 100."""

    def call(window: Window, position: Position) -> Call:
        asked: dict[str, Any] = {**query, "page[size]": window.size}
        if since and window.since is not None:
            asked["start_time"] = _epoch(window.since)
        if "after" in position:
            asked["page[after]"] = position["after"]
        return Call(f"/api/v2/{key}.json", asked)

    def following(page: Page, position: Position, window: Window) -> Position | None:
        meta = page.document["meta"]
        return {"after": meta["after_cursor"]} if meta["has_more"] else None

    return Pass(call, key, Paginator(following), page_size=100)


def _list(name: str, columns: tuple[Column, ...], deleted: Callable[[Mapping[str, Any]], bool], **query: Any) -> Stream:
    """A short list that is read whole every time, so that what is missing from it is gone."""
    return Stream(
        name=name,
        entity=name.rstrip("s"),
        columns=columns,
        increment=_listing(name, **query),
        cursor=Cursor("updated_at", fallback="created_at"),
        deletes="full_pass",
        reconcile_every=timedelta(0),
        deleted=deleted,
    )


_STREAMS = (
    _list("groups", GROUPS, lambda record: bool(record.get("deleted")), exclude_deleted="false"),
    _list("ticket_fields", TICKET_FIELDS, lambda record: False),
    Stream(
        name="organizations",
        entity="organization",
        columns=ORGANIZATIONS,
        increment=_time_export("organizations"),
        cursor=Cursor("updated_at", server_lag=WITHHELD, fallback="created_at"),
        deletes="flag",
        deleted=lambda record: record.get("deleted_at") is not None,
        web="{base_url}/agent/organizations/{id}",
    ),
    Stream(
        name="users",
        entity="user",
        columns=USERS,
        increment=_cursor_export("users"),
        cursor=Cursor("updated_at", server_lag=WITHHELD, fallback="created_at", opaque="after_cursor"),
        deletes="flag",
        deleted=lambda record: record.get("active") is False,
        web="{base_url}/agent/users/{id}",
    ),
    Stream(
        name="tickets",
        entity="ticket",
        columns=TICKETS,
        increment=_cursor_export("tickets"),
        cursor=Cursor("generated_timestamp", server_lag=WITHHELD, fallback="updated_at", opaque="after_cursor"),
        deletes="flag",
        deleted=lambda record: record.get("status") == "deleted",
        web="{base_url}/agent/tickets/{id}",
    ),
    Stream(
        name="ticket_events",
        entity="ticket_event",
        columns=TICKET_EVENTS,
        increment=_time_export("ticket_events", include="comment_events"),
        cursor=Cursor("timestamp", server_lag=WITHHELD, fallback="created_at"),
    ),
    Stream(
        name="ticket_metric_events",
        entity="ticket_metric_event",
        columns=TICKET_METRIC_EVENTS,
        increment=_time_export("ticket_metric_events"),
        cursor=Cursor("time", server_lag=WITHHELD),
        deletes="flag",
        deleted=lambda record: record.get("deleted") is True,
    ),
    Stream(
        name="satisfaction_ratings",
        entity="satisfaction_rating",
        columns=SATISFACTION_RATINGS,
        increment=_listing("satisfaction_ratings", since=True),
        # The filter looks at the first answer; people change their mind while the ticket can still be rated.
        cursor=Cursor("updated_at", lookback=timedelta(days=28), fallback="created_at"),
    ),
)

VENDOR = Vendor(
    name="zendesk",
    kind="support",
    streams={s.name: s for s in _STREAMS},
    auth=Auth(needs=("token",), header=lambda secrets: {"Authorization": f"Bearer {secrets['token']}"}),
    api_version="v2",
    supported_until=None,
    rates={
        "default": Rate(200, timedelta(minutes=1), "ratelimit-remaining", "ratelimit-reset"),
        "exports": Rate(10, timedelta(minutes=1)),
    },
)
