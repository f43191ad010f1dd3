"""The simulated company's help desk as Zendesk records: a view of the store, rebuilt when time moves on.

What customers write is `sandbox.desk`; how a record is written down is `sandbox.vendors.zendesk_shapes`.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sandbox.records import SUPPORT_GROUPS, Store, SupportTicket
from sandbox.vendors import zendesk_shapes as shape
from sandbox.vendors.zendesk_shapes import Row, stamp

CATEGORY_FIELD, ORDER_FIELD = 360_011_737_434, 360_011_737_435
CHANNELS = {"phone": "voice"}  # the store's word -> Zendesk's
FIELDS = (
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
)
CATEGORIES = ("complaint", "question", "return", "maintenance", "delivery", "invoice")

_DESKS: weakref.WeakKeyDictionary[Any, tuple[object, Desk]] = weakref.WeakKeyDictionary()


def desk_of(company: Any) -> Desk:
    """The help desk as of now."""
    mark = (company.revision, company.now)
    known = _DESKS.get(company)
    if known is None or known[0] != mark:
        known = (mark, Desk(company.store))
        _DESKS[company] = known
    return known[1]


def user_id(number: int) -> int:
    """The id under which the help desk shows a user of the store."""
    return 370_000_000_000 + number


def organization_id(number: int) -> int:
    return 360_300_000_000 + number


def group_id(name: str) -> int:
    return 360_002_000_000 + SUPPORT_GROUPS.index(name)


@dataclass
class Desk:
    """Each listing is made when first asked for."""

    store: Store

    @property
    def founded(self) -> datetime:
        return min(u.created_at for u in self.store.support_users)

    @cached_property
    def users(self) -> list[Row]:
        """Agents and end users; a deleted or merged one stays, inactive."""
        return [
            shape.user(
                user_id(u.id),
                u.created_at,
                u.updated_at,
                name=u.name,
                email=u.email,
                phone=u.phone,
                organization_id=organization_id(u.organization_id) if u.organization_id else None,
                role=u.role,
                restricted_agent=u.role == "end-user",
                external_id=u.external_id,
                active=u.active and u.deleted_at is None and u.merged_into is None,
                last_login_at=stamp(u.last_login),
            )
            for u in self.store.support_users
        ]

    @cached_property
    def organizations(self) -> list[Row]:
        rows = []
        for o in self.store.support_organizations:
            if o.deleted_at is not None:
                continue
            fields = {
                "street": o.street,
                "zip": o.zipcode,
                "city": o.city,
                "phone": o.phone,
                "hubspot_company_id": o.crm_id,
            }
            row = shape.organization(
                organization_id(o.id),
                o.created_at,
                o.updated_at,
                name=o.name,
                domain_names=list(o.domain_names),
                details=o.details,
                external_id=o.external_id,
                organization_fields=fields,
            )
            rows.append(row)
        return rows

    @cached_property
    def tickets(self) -> list[Row]:
        return [self.ticket(t) for t in self.store.support_tickets]

    def ticket(self, t: SupportTicket) -> Row:
        requester = self.store.support_users[t.requester_id - 1]
        fields = [{"id": CATEGORY_FIELD, "value": t.category}, {"id": ORDER_FIELD, "value": t.order_number}]
        rating = self.rating_of.get(t.id)
        row = shape.ticket(
            t.id,
            t.created_at,
            t.updated_at,
            t.generated_at,
            subject=t.subject,
            description=t.description,
            via=shape.via(CHANNELS.get(t.channel, t.channel), requester.email, requester.name),
            type=t.type,
            priority=t.priority,
            status=t.status,
            requester_id=user_id(t.requester_id),
            submitter_id=user_id(t.requester_id),
            assignee_id=user_id(t.assignee_id) if t.assignee_id else None,
            organization_id=organization_id(t.organization_id) if t.organization_id else None,
            group_id=group_id(t.group),
            tags=list(t.tags),
            custom_fields=fields,
            fields=fields,
            recipient=shape.SUPPORT_ADDRESS if t.channel == "email" else None,
            satisfaction_rating=rating or {"score": t.satisfaction},
        )
        row["raw_subject"] = t.subject
        if t.status == "deleted":  # what was said is scrubbed, that it was said stays
            row |= {"subject": "SCRUBBED", "raw_subject": "SCRUBBED", "description": "SCRUBBED"}
        return row

    @cached_property
    def rating_of(self) -> dict[int, Row]:
        return {
            r.ticket_id: {"id": 361_000_000_000 + r.id, "score": r.score, "comment": r.comment}
            for r in self.store.ratings
            if r.score != "offered"
        }

    @cached_property
    def ratings(self) -> list[Row]:
        return [
            shape.rating(
                361_000_000_000 + r.id,
                r.ticket_id,
                r.score,
                r.created_at,
                updated_at=stamp(r.updated_at),
                requester_id=user_id(r.requester_id),
                assignee_id=user_id(r.assignee_id) if r.assignee_id else None,
                group_id=group_id(r.group),
                comment=r.comment,
            )
            for r in self.store.ratings
        ]

    @cached_property
    def ticket_events(self) -> list[Row]:
        rows = []
        for e in self.store.ticket_events:
            first = 900_000_000_000 + e.id * 10
            children: list[Row] = []
            if e.comment is not None:
                children.append(shape.comment(first + 1, user_id(e.updater_id), e.comment, e.public))
            for place, (field, value, before) in enumerate(e.changes, start=2):
                if field == "assignee_id":
                    value, before = (str(user_id(int(v))) if v else None for v in (value, before))
                children.append(shape.change(first + place, field, value, before, e.first))
            rows.append(shape.ticket_event(first, e.ticket_id, e.at, user_id(e.updater_id), children))
        return rows

    @cached_property
    def metric_events(self) -> list[Row]:
        rows = []
        begun: dict[tuple[int, str, int], datetime] = {}
        for number, e in enumerate(self.store.ticket_metric_events):
            key = 926_000_000_000 + number * 2
            rows.append(shape.metric_event(key, e.ticket_id, e.metric, e.instance, e.type, e.at))
            span = (e.ticket_id, e.metric, e.instance)
            if e.type == "activate":
                begun[span] = e.at
            elif e.type == "fulfill" and span in begun:
                minutes = int((e.at - begun.pop(span)).total_seconds() // 60)
                row = shape.metric_event(key + 1, e.ticket_id, e.metric, e.instance, "update_status", e.at)
                rows.append(row | {"status": {"calendar": minutes, "business": minutes * 5 // 21}})
        return rows

    @cached_property
    def groups(self) -> list[Row]:
        return [shape.group(group_id(name), name, self.founded) for name in SUPPORT_GROUPS]

    @cached_property
    def ticket_fields(self) -> list[Row]:
        rows = [
            shape.ticket_field(360_011_737_000 + n, kind, title, n, self.founded)
            for n, (kind, title) in enumerate(FIELDS)
        ]
        options = [
            {"id": 360_011_800_000 + n, "name": name, "raw_name": name, "value": name, "default": False}
            for n, name in enumerate(CATEGORIES)
        ]
        rows.append(
            shape.ticket_field(CATEGORY_FIELD, "tagger", "Kategorie", 8, self.founded, custom_field_options=options)
        )
        rows.append(shape.ticket_field(ORDER_FIELD, "text", "Auftragsnummer", 9, self.founded))
        return rows
