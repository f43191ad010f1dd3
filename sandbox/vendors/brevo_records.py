"""The simulated company's newsletter tool as Brevo records: a view of the store, rebuilt when time moves on.

Who subscribes and reads is `sandbox.desk`; how a record is written down is `sandbox.vendors.brevo_shapes`.
"""

from __future__ import annotations

import weakref
from functools import cached_property
from typing import Any

from sandbox.records import NewsletterContact, Store
from sandbox.vendors import brevo_shapes as shape
from sandbox.vendors.brevo_shapes import Row, stamp

# The store's word for what happened -> the key under which Brevo lists it.
KINDS = {
    "sent": "messagesSent",
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "unsubscribed": "unsubscribed",
    "hard_bounce": "hardBounces",
    "soft_bounce": "softBounces",
}
TEMPLATES = {"double_opt_in": 5, "survey_invitation": 7}
ATTRIBUTES: tuple[tuple[str, str, str], ...] = (
    ("LASTNAME", "normal", "text"),
    ("FIRSTNAME", "normal", "text"),
    ("SMS", "normal", "text"),
    ("EXT_ID", "normal", "text"),
    ("COMPANY", "normal", "text"),
    ("CITY", "normal", "text"),
    ("ZIP", "normal", "text"),
    ("SOURCE", "normal", "text"),
    ("OPT_IN_DATE", "normal", "date"),
)

_TOOLS: weakref.WeakKeyDictionary[Any, tuple[object, Newsletter]] = weakref.WeakKeyDictionary()


def newsletter_of(company: Any) -> Newsletter:
    """The newsletter tool as of now."""
    mark = (company.revision, company.now)
    known = _TOOLS.get(company)
    if known is None or known[0] != mark:
        known = (mark, Newsletter(company.store))
        _TOOLS[company] = known
    return known[1]


def company_id(number: int) -> str:
    """The id under which the tool shows a company of the store."""
    return shape.object_id("company", number)


class Newsletter:
    """Each listing is made when first asked for. A deleted contact is gone from every answer."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.account = shape.account()

    @cached_property
    def contacts(self) -> list[Row]:
        return [
            shape.contact(
                c.id,
                c.email,
                c.created_at,
                c.updated_at,
                emailBlacklisted=c.blacklisted,
                listIds=[n for n in c.list_ids if n not in c.unsubscribed_list_ids],
                listUnsubscribed=list(c.unsubscribed_list_ids),
                attributes=attributes(c),
            )
            for c in self.store.newsletter_contacts
            if c.deleted_at is None
        ]

    @cached_property
    def lists(self) -> list[Row]:
        folders = sorted({entry.folder for entry in self.store.newsletter_lists})
        rows = []
        for entry in self.store.newsletter_lists:
            members = [c for c in self.contacts if entry.id in c["listIds"]]
            blocked = sum(c["emailBlacklisted"] for c in members)
            folder = folders.index(entry.folder) + 1
            rows.append(shape.contact_list(entry.id, entry.name, folder, len(members), blocked))
        return rows

    @cached_property
    def folders(self) -> list[Row]:
        names = sorted({entry.folder for entry in self.store.newsletter_lists})
        return [
            shape.folder(number, name, [row for row in self.lists if row["folderId"] == number])
            for number, name in enumerate(names, 1)
        ]

    @cached_property
    def attributes(self) -> list[Row]:
        rows: list[Row] = [{"name": name, "category": kind, "type": of} for name, kind, of in ATTRIBUTES]
        answers = [{"value": 1, "label": "Yes"}, {"value": 2, "label": "No"}]
        rows.append({"name": "DOUBLE_OPT-IN", "category": "category", "enumeration": answers})
        return rows

    @cached_property
    def companies(self) -> list[Row]:
        alive = {c["id"] for c in self.contacts}
        rows = []
        for c in self.store.newsletter_companies:
            if c.deleted_at is not None:
                continue
            more = {"domain": c.domain, "phone_number": c.phone}
            linked = [n for n in c.contact_ids if n in alive]
            known = {k: v for k, v in more.items() if v}
            rows.append(shape.company(company_id(c.id), c.name, c.created_at, c.updated_at, linked, **known))
        return rows

    @cached_property
    def events(self) -> dict[int, list[Row]]:
        """By contact, in the order of time."""
        rows: dict[int, list[Row]] = {}
        for e in self.store.campaign_events:
            row = shape.event(KINDS[e.kind], e.contact_id, e.campaign_id, e.at, e.url)
            rows.setdefault(e.contact_id, []).append(row)
        for events in rows.values():
            events.sort(key=lambda e: e["eventTime"])
        return rows

    @cached_property
    def campaigns(self) -> list[Row]:
        by_campaign: dict[int, list[Row]] = {}
        for events in self.events.values():
            for event in events:
                by_campaign.setdefault(event["campaignId"], []).append(event)
        return [
            shape.campaign(
                c.id, c.name, c.subject, c.created_at, c.sent_at, list(c.list_ids), by_campaign.get(c.id, [])
            )
            for c in self.store.campaigns
        ]

    @cached_property
    def transactional(self) -> list[Row]:
        return [
            shape.message_event(
                e.kind,
                e.email,
                e.at,
                f"{e.message_id:012d}",
                e.subject,
                e.template,
                TEMPLATES.get(e.template, 1),
            )
            for e in self.store.message_events
        ]


def attributes(c: NewsletterContact) -> Row:
    """A contact's attributes: Brevo leaves out those without a value."""
    asked = c.opt_in_requested_at is not None
    opted = "Yes" if c.opt_in_confirmed_at else "No" if asked else None
    known = {
        "FIRSTNAME": c.first_name,
        "LASTNAME": c.last_name,
        "COMPANY": c.company,
        "CITY": c.city,
        "ZIP": c.zipcode,
        "SMS": "".join(d for d in c.phone if d.isdigit()) if c.phone else None,
        "SOURCE": c.source,
        "EXT_ID": c.crm_id,
        "DOUBLE_OPT-IN": opted,
        "OPT_IN_DATE": stamp(c.opt_in_confirmed_at) if c.opt_in_confirmed_at else None,
    }
    return {name: value for name, value in known.items() if value is not None}
