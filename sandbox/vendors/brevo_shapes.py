"""How Brevo writes down one record of each kind; nothing about who reads what."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

ACCOUNT_ZONE = ZoneInfo("Europe/Berlin")
SENDER = {"id": 1, "name": "Sandbox", "email": "news@sandbox.example"}


def stamp(moment: datetime) -> str:
    """An instant as v3 writes it: milliseconds and a Z."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%S.") + f"{aware.microsecond // 1000:03d}Z"


def local_stamp(moment: datetime) -> str:
    """An instant as companies and transactional events have it: the account's own clock with its offset."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return aware.astimezone(ACCOUNT_ZONE).isoformat(timespec="milliseconds")


def object_id(*parts: object) -> str:
    """A 24-digit id, as companies have it."""
    text = "/".join(str(p) for p in parts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:24]


def contact(key: int, email: str, created: datetime, modified: datetime, **given: Any) -> Row:
    return {
        "id": key,
        "email": email,
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "createdAt": stamp(created),
        "modifiedAt": stamp(modified),
        "listIds": [],
        "listUnsubscribed": [],
        "attributes": {},
    } | given


def contact_list(key: int, name: str, folder: int, subscribers: int, blacklisted: int) -> Row:
    return {
        "id": key,
        "name": name,
        "folderId": folder,
        "uniqueSubscribers": subscribers,
        "totalSubscribers": subscribers - blacklisted,
        "totalBlacklisted": blacklisted,
    }


def folder(key: int, name: str, lists: list[Row]) -> Row:
    sums = {k: sum(row[k] for row in lists) for k in ("uniqueSubscribers", "totalSubscribers", "totalBlacklisted")}
    return {"id": key, "name": name} | sums


def company(key: str, name: str, created: datetime, updated: datetime, contacts: list[int], **given: Any) -> Row:
    return {
        "id": key,
        "attributes": {"name": name, "created_at": local_stamp(created), "last_updated_at": local_stamp(updated)}
        | given,
        "linkedContactsIds": contacts,
        "linkedDealsIds": [],
    }


def counts(events: list[Row]) -> Row:
    """What a campaign's statistics say of its events."""
    by = {kind: [e for e in events if e["kind"] == kind] for kind in {e["kind"] for e in events}}

    def total(kind: str) -> int:
        return len(by.get(kind, []))

    def unique(kind: str) -> int:
        return len({e["contact"] for e in by.get(kind, [])})

    return {
        "uniqueClicks": unique("clicked"),
        "clickers": total("clicked"),
        "complaints": total("complaints"),
        "delivered": total("delivered"),
        "sent": total("messagesSent"),
        "softBounces": total("softBounces"),
        "hardBounces": total("hardBounces"),
        "uniqueViews": unique("opened"),
        "trackableViews": unique("opened"),
        "unsubscriptions": total("unsubscribed"),
        "viewed": total("opened"),
        "deferred": 0,
        "appleMppOpens": 0,
        "opensRate": round(100 * unique("opened") / max(1, total("delivered")), 2),
    }


def campaign(
    key: int, name: str, subject: str, created: datetime, sent: datetime, lists: list[int], events: list[Row]
) -> Row:
    stats = counts(events)
    whole = {k: v for k, v in stats.items() if k != "deferred"}
    links: dict[str, int] = {}
    for event in events:
        if event["kind"] == "clicked":
            links[event["url"]] = links.get(event["url"], 0) + 1
    rates = {"estimatedViews": 0}
    return {
        "id": key,
        "name": name,
        "type": "classic",
        "status": "sent",
        "subject": subject,
        "previewText": "",
        "testSent": True,
        "header": "[DEFAULT_HEADER]",
        "footer": "[DEFAULT_FOOTER]",
        "htmlContent": f"<html><body><h1>{subject}</h1></body></html>",
        "sender": SENDER,
        "replyTo": SENDER["email"],
        "tag": "Newsletter",
        "toField": "",
        "inlineImageActivation": False,
        "mirrorActive": True,
        "recurring": False,
        "abTesting": False,
        "sendAtBestTime": False,
        "utmCampaignValue": name.lower().replace(" ", "-"),
        "utmSource": "brevo",
        "utmMedium": "email",
        "shareLink": f"https://newsletter.sandbox.example/{key}",
        "createdAt": stamp(created),
        "modifiedAt": stamp(sent),
        "scheduledAt": stamp(sent),
        "sentDate": stamp(sent),
        "recipients": {"lists": lists, "exclusionLists": []},
        "statistics": {
            "globalStats": whole | rates,
            "campaignStats": [{"listId": number} | stats for number in lists[:1]],
            "mirrorClick": 0,
            "remaining": 0,
            "linksStats": links,
            "statsByDomain": {},
            "statsByDevice": {},
            "statsByBrowser": {},
        },
    }


def event(kind: str, contact: int, campaign: int, at: datetime, url: str | None = None) -> Row:
    """Something a contact did with a campaign; `kind` is the key under which campaignStats lists it."""
    address = f"203.0.113.{contact % 250 + 1}"  # a block reserved for documentation
    return {
        "kind": kind,
        "contact": contact,
        "campaignId": campaign,
        "eventTime": stamp(at),
        "ip": address,
        "url": url,
    }


def message_event(kind: str, email: str, at: datetime, message: str, subject: str, tag: str, template: int) -> Row:
    row = {
        "email": email,
        "date": local_stamp(at),
        "subject": subject,
        "messageId": f"<{message}@smtp-relay.sandbox.example>",
        "event": kind,
        "tag": tag,
        "from": SENDER["email"],
        "templateId": template,
    }
    return row


def account() -> Row:
    return {
        "organization_id": object_id("organization"),
        "user_id": 1,
        "enterprise": False,
        "companyName": "Sandbox",
        "email": SENDER["email"],
        "firstName": "",
        "lastName": "",
        "address": {"street": "", "city": "", "zipCode": "", "country": "Germany"},
        "dateTimePreferences": {"timezone": "Europe/Berlin", "timeFormat": "24", "dateFormat": "dd-mm-yyyy"},
        "plan": [{"type": "subscription", "credits": 0, "creditsType": "sendLimit"}],
        "relay": {
            "enabled": True,
            "data": {"userName": SENDER["email"], "relay": "smtp-relay.sandbox.example", "port": 587},
        },
        "marketingAutomation": {"enabled": False},
    }
