"""Brevo v3: contacts with their consent, lists, companies, campaigns, and what each contact did with a campaign.

Events of a contact are asked for only where the contact changed, because that is one call a contact; everything outside
the contacts family has a budget of 100 calls an hour, so pages are as large as Brevo allows. Brevo has no feed of
deletions. Credentials are an API key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from connectors.spec import (
    Auth,
    Call,
    Children,
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

LOOKBACK = timedelta(minutes=15)
CONTACTS_PAGE, LISTS_PAGE, PAGE = 1000, 50, 100


def _instant(window: Window) -> str | None:
    return window.since.strftime("%Y-%m-%dT%H:%M:%S.000Z") if window.since else None


def _offset(records: str) -> Callable[[Page, Position, Window], Position | None]:
    """Offsets, stepped by what arrived, up to the count that Brevo tells or else an empty page: a short page proves
    nothing, because Brevo may allow less in a page than was asked for."""

    def following(page: Page, position: Position, window: Window) -> Position | None:
        found = len(page.document.get(records) or ())
        reached, count = position.get("offset", 0) + found, page.document.get("count")
        return None if not found or (isinstance(count, int) and reached >= count) else {"offset": reached}

    return following


def _pages(path: str, records: str, size: int, route: str = "other", since: str | None = None, **fixed: Any) -> Pass:
    def call(window: Window, position: Position) -> Call:
        query: dict[str, Any] = {"limit": window.size, "offset": position.get("offset", 0), **fixed}
        if since and (moment := _instant(window)):
            query[since] = moment
        return Call(path, query, route=route)

    return Pass(call, records, Paginator(_offset(records)), size)


_CREATED = Column("created_at", "instant", "createdAt")

CONTACTS = Stream(
    name="contacts",
    entity="contact",
    columns=(
        Column("email", "text", "email", pii=True),
        Column("first_name", "text", "attributes.FIRSTNAME", pii=True),
        Column("last_name", "text", "attributes.LASTNAME", pii=True),
        Column("company", "text", "attributes.COMPANY"),
        Column("phone", "text", "attributes.SMS", pii=True),
        Column("double_opt_in", "text", "attributes.DOUBLE_OPT-IN"),
        Column("opt_in_at", "instant", "attributes.OPT_IN_DATE"),
        Column("ext_id", "text", "extId"),
        Column("email_blacklisted", "boolean", "emailBlacklisted"),
        Column("sms_blacklisted", "boolean", "smsBlacklisted"),
        Column("list_ids", "json", "listIds"),
        Column("list_unsubscribed", "json", "listUnsubscribed"),
        Column("attributes", "json", "attributes", pii=True),
        _CREATED,
    ),
    increment=_pages("/v3/contacts", "contacts", CONTACTS_PAGE, "contacts", since="modifiedSince", sort="asc"),
    ids=_pages("/v3/contacts", "contacts", CONTACTS_PAGE, "contacts", sort="asc"),
    cursor=Cursor("modifiedAt", lookback=LOOKBACK, fallback="createdAt"),
    deletes="id_diff",
    reconcile_every=timedelta(days=7),
)

LISTS = Stream(
    name="lists",
    entity="list",
    columns=(
        Column("name", "text", "name"),
        Column("folder_id", "text", "folderId"),
        Column("unique_subscribers", "integer", "uniqueSubscribers"),
        Column("total_blacklisted", "integer", "totalBlacklisted"),
    ),
    increment=_pages("/v3/contacts/lists", "lists", LISTS_PAGE, "contacts"),
    deletes="full_pass",
    reconcile_every=timedelta(0),
)

COMPANIES = Stream(
    name="companies",
    entity="company",
    columns=(
        Column("name", "text", "attributes.name"),
        Column("domain", "text", "attributes.domain"),
        Column("phone", "text", "attributes.phone_number", pii=True),
        Column("industry", "text", "attributes.industry"),
        Column("owner", "text", "attributes.owner"),
        Column("linked_contacts_ids", "json", "linkedContactsIds"),
        Column("linked_deals_ids", "json", "linkedDealsIds"),
        Column("created_at", "instant", "attributes.created_at"),
    ),
    increment=Pass(
        lambda window, position: Call(
            "/v3/companies", {"limit": window.size, "page": position.get("page", 1)}, route="other"
        ),
        "items",
        Paginator(
            lambda page, position, window: {"page": position.get("page", 1) + 1} if page.document.get("items") else None
        ),
        PAGE,
    ),
    cursor=Cursor("attributes.last_updated_at"),
    deletes="full_pass",
    reconcile_every=timedelta(0),
)

CAMPAIGNS = Stream(
    name="campaigns",
    entity="campaign",
    columns=(
        Column("name", "text", "name"),
        Column("subject", "text", "subject"),
        Column("type", "text", "type"),
        Column("status", "text", "status"),
        Column("tag", "text", "tag"),
        Column("sent_at", "instant", "sentDate"),
        Column("scheduled_at", "instant", "scheduledAt"),
        Column("lists", "json", "recipients.lists"),
        Column("sent", "integer", "statistics.globalStats.sent"),
        Column("delivered", "integer", "statistics.globalStats.delivered"),
        Column("unique_views", "integer", "statistics.globalStats.uniqueViews"),
        Column("unique_clicks", "integer", "statistics.globalStats.uniqueClicks"),
        Column("unsubscriptions", "integer", "statistics.globalStats.unsubscriptions"),
        _CREATED,
    ),
    increment=_pages("/v3/emailCampaigns", "campaigns", PAGE, statistics="globalStats", sort="asc"),
    cursor=Cursor("modifiedAt", fallback="createdAt"),
    deletes="full_pass",
    reconcile_every=timedelta(0),
)

KINDS = {
    "messagesSent": ("sent", None),
    "delivered": ("delivered", None),
    "opened": ("opened", None),
    "clicked": ("clicked", "links"),
    "hardBounces": ("hard_bounce", None),
    "softBounces": ("soft_bounce", None),
    "complaints": ("complaint", None),
}
"""What campaignStats calls a kind of event, what we call it, and the list inside it that holds the single events."""


def _stats(ids: list[str], window: Window) -> Call:
    return Call(f"/v3/contacts/{ids[0]}/campaignStats", route="contacts")


def _events(document: Any, ids: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def add(kind: str, campaign: Any, at: Any, url: Any = None) -> None:
        if campaign is not None and at:
            found.append(
                {"contact_id": ids[0], "campaign_id": str(campaign), "event_type": kind, "occurred_at": at, "url": url}
            )

    for key, (kind, inner) in KINDS.items():
        for event in document.get(key) or ():
            if inner is None:
                add(kind, event.get("campaignId"), event.get("eventTime"))
            for single in event.get(inner) or () if inner else ():
                add(kind, event.get("campaignId"), single.get("eventTime"), single.get("url"))
    leaving = document.get("unsubscriptions") or {}
    for who in ("userUnsubscription", "adminUnsubscription"):
        for event in leaving.get(who) or ():
            add("unsubscribed", event.get("campaignId") or "none", event.get("eventTime"))
    return list({_key(e): e for e in found}.values())


def _key(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(event[k] or "" for k in ("contact_id", "campaign_id", "event_type", "occurred_at", "url"))


CONTACT_EVENTS = Stream(
    name="contact_events",
    entity="campaign_event",
    columns=(
        Column("contact_id", "text", "contact_id", required=True),
        Column("campaign_id", "text", "campaign_id", required=True),
        Column("event_type", "text", "event_type", required=True),
        Column("occurred_at", "instant", "occurred_at", required=True),
        Column("url", "text", "url"),
    ),
    key=("contact_id", "campaign_id", "event_type", "occurred_at"),
    children=(Children("contacts", _stats, _events, ids_per_call=1),),
    cursor=Cursor("occurred_at"),
    # A mail that is sent or opened need not move the contact's modifiedAt: once a day all contacts are asked, a call each.
    reconcile_every=timedelta(days=1),
)

TRANSACTIONAL_DAYS = 89  # Brevo answers for at most 90 days at once


def _transactional(window: Window, position: Position) -> Call:
    query: dict[str, Any] = {"limit": window.size, "offset": position.get("offset", 0), "sort": "asc"}
    if window.since is not None:
        query["startDate"] = window.since.date().isoformat()
        query["endDate"] = (window.since + timedelta(days=TRANSACTIONAL_DAYS)).date().isoformat()
    else:
        query["days"] = TRANSACTIONAL_DAYS
    return Call("/v3/smtp/statistics/events", query, route="other")


TRANSACTIONAL_EVENTS = Stream(
    name="transactional_events",
    entity="email_event",
    columns=(
        Column("email", "text", "email", required=True, pii=True),
        Column("event", "text", "event", required=True),
        Column("message_id", "text", "messageId", required=True),
        Column("occurred_at", "instant", "date", required=True),
        Column("subject", "text", "subject"),
        Column("tag", "text", "tag"),
        Column("reason", "text", "reason"),
        Column("link", "text", "link"),
    ),
    key=("messageId", "event", "date"),
    increment=Pass(_transactional, "events", Paginator(_offset("events")), 5000),
    cursor=Cursor("date", lookback=timedelta(days=2)),
)


VENDOR = Vendor(
    name="brevo",
    kind="newsletter",
    streams={s.name: s for s in (LISTS, CONTACTS, COMPANIES, CAMPAIGNS, CONTACT_EVENTS, TRANSACTIONAL_EVENTS)},
    auth=Auth(needs=("api_key",), header=lambda secrets: {"api-key": secrets["api_key"]}),
    api_version="v3",
    supported_until=None,
    rates={
        "contacts": Rate(36_000, timedelta(hours=1), "x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"),
        "other": Rate(100, timedelta(hours=1), "x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"),
    },
)
