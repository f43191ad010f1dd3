"""How Zendesk writes down one record of each kind; nothing about who complains of what.

Keys that start with an underscore are the system's own bookkeeping (`_touched`) and never leave it.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

BRAND = 360002256672
FORM = 360000389592
SUPPORT_ADDRESS = "support@sandbox.example"
FIRST = 360_000_000_000  # ids of an account count up from a number of this size


def number(kind: str, *parts: object) -> int:
    """A stable id of twelve digits from what a thing is."""
    text = "/".join(str(p) for p in (kind, *parts))
    return FIRST + zlib.crc32(text.encode()) * 100 + zlib.crc32(text[::-1].encode()) % 100


def stamp(moment: datetime | None) -> str | None:
    """An instant as the API writes it: whole seconds, UTC, with a Z."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(moment: datetime) -> int:
    return int((moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp())


def via(channel: str, address: str | None = None, name: str | None = None) -> Row:
    sender = {"address": address, "name": name} if channel == "email" else {}
    to = {"name": "Support", "address": SUPPORT_ADDRESS} if channel == "email" else {}
    return {"channel": channel, "source": {"from": sender, "to": to, "rel": None}}


def ticket(key: int, created: datetime, updated: datetime, touched: datetime | None = None, **given: Any) -> Row:
    subject = given.get("subject", "")
    moved = touched or updated
    return {
        "url": f"/api/v2/tickets/{key}.json",
        "id": key,
        "external_id": None,
        "via": via("web"),
        "created_at": stamp(created),
        "updated_at": stamp(updated),
        "generated_timestamp": seconds(moved),
        "type": None,
        "subject": subject,
        "raw_subject": subject,
        "description": subject,
        "priority": None,
        "status": "new",
        "recipient": None,
        "requester_id": None,
        "submitter_id": None,
        "assignee_id": None,
        "organization_id": None,
        "group_id": None,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": None,
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": [],
        "custom_fields": [],
        "satisfaction_rating": None,
        "sharing_agreement_ids": [],
        "fields": [],
        "followup_ids": [],
        "ticket_form_id": FORM,
        "brand_id": BRAND,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        "_touched": seconds(moved),
    } | given


def user(key: int, created: datetime, updated: datetime, **given: Any) -> Row:
    return {
        "url": f"/api/v2/users/{key}.json",
        "id": key,
        "name": "",
        "email": None,
        "created_at": stamp(created),
        "updated_at": stamp(updated),
        "time_zone": "Berlin",
        "iana_time_zone": "Europe/Berlin",
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 8,
        "locale": "de",
        "organization_id": None,
        "role": "end-user",
        "verified": True,
        "external_id": None,
        "tags": [],
        "alias": "",
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": None,
        "two_factor_auth_enabled": False,
        "signature": None,
        "details": "",
        "notes": "",
        "role_type": None,
        "custom_role_id": None,
        "moderator": False,
        "ticket_restriction": "requested",
        "only_private_comments": False,
        "restricted_agent": True,
        "suspended": False,
        "default_group_id": None,
        "report_csv": False,
        "user_fields": {},
        "_touched": seconds(updated),
    } | given


def organization(key: int, created: datetime, updated: datetime, **given: Any) -> Row:
    return {
        "url": f"/api/v2/organizations/{key}.json",
        "id": key,
        "name": "",
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": stamp(created),
        "updated_at": stamp(updated),
        "domain_names": [],
        "details": None,
        "notes": None,
        "group_id": None,
        "tags": [],
        "organization_fields": {},
        "_touched": seconds(updated),
    } | given


def group(key: int, name: str, created: datetime) -> Row:
    return {
        "url": f"/api/v2/groups/{key}.json",
        "id": key,
        "is_public": True,
        "name": name,
        "description": "",
        "default": name == "Support",
        "deleted": False,
        "created_at": stamp(created),
        "updated_at": stamp(created),
        "_touched": seconds(created),
    }


def ticket_field(key: int, kind: str, title: str, position: int, created: datetime, **given: Any) -> Row:
    return {
        "url": f"/api/v2/ticket_fields/{key}.json",
        "id": key,
        "type": kind,
        "title": title,
        "raw_title": title,
        "description": "",
        "raw_description": "",
        "position": position,
        "active": True,
        "required": False,
        "collapsed_for_agents": False,
        "regexp_for_validation": None,
        "title_in_portal": title,
        "raw_title_in_portal": title,
        "visible_in_portal": True,
        "editable_in_portal": True,
        "required_in_portal": False,
        "tag": None,
        "created_at": stamp(created),
        "updated_at": stamp(created),
        "removable": kind in ("tagger", "text"),
        "agent_description": None,
        "_touched": seconds(created),
    } | given


def ticket_event(key: int, ticket_id: int, at: datetime, updater: int, children: list[Row]) -> Row:
    return {
        "id": key,
        "ticket_id": ticket_id,
        "timestamp": seconds(at),
        "created_at": stamp(at),
        "updater_id": updater,
        "via": "Web form",
        "system": {"client": None, "ip_address": None, "latitude": None, "longitude": None, "location": None},
        "metadata": {},
        "event_type": "Audit",
        "merged_ticket_ids": [],
        "child_events": children,
    }


def change(key: int, field: str, value: Any, before: Any, first: bool) -> Row:
    """A field set when the ticket came in or changed later: its own name is the key of its value."""
    row = {
        "id": key,
        "via": "Web form",
        "via_reference_id": None,
        "event_type": "Create" if first else "Change",
    }
    return row | {field: value} | ({} if first else {"previous_value": before})


def comment(key: int, author: int, text: str, public: bool) -> Row:
    return {
        "id": key,
        "via": "Web form",
        "via_reference_id": None,
        "event_type": "Comment",
        "type": "Comment",
        "author_id": author,
        "body": text,
        "html_body": f"<p>{text}</p>",
        "plain_body": text,
        "public": public,
        "attachments": [],
        "comment_present": True,
        "comment_public": public,
    }


def metric_event(key: int, ticket_id: int, metric: str, instance: int, kind: str, at: datetime) -> Row:
    return {
        "id": key,
        "ticket_id": ticket_id,
        "metric": metric,
        "instance_id": instance,
        "type": kind,
        "time": stamp(at),
    }


def rating(key: int, ticket_id: int, score: str, at: datetime, **given: Any) -> Row:
    return {
        "url": f"/api/v2/satisfaction_ratings/{key}.json",
        "id": key,
        "assignee_id": None,
        "group_id": None,
        "requester_id": None,
        "ticket_id": ticket_id,
        "score": score,
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "comment": None,
        "reason": None,
        "reason_id": None,
        "reason_code": None,
    } | given
