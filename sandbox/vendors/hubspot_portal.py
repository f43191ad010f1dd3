"""Who may ask a HubSpot portal for what, and how often: tokens, scopes, limits, and how a refusal is worded.

What is answered to an allowed request is `sandbox.vendors.hubspot`.
"""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.records import CrmObject
from sandbox.vendors import limits_of

TOKEN = "sandbox-hubspot-token"
DAILY_LIMIT = 650_000
BURST_LIMIT, BURST_SECONDS = 190, 10
SEARCH_LIMIT = 5  # a second
SEARCH_CAP = 10_000  # results that one search can be paged through


@dataclass
class Portal:
    """What a test may set in one portal, and what is remembered between requests."""

    index_lag: timedelta = timedelta(seconds=15)  # search does not yet show what changed within this time
    withheld_scopes: frozenset[str] = frozenset()
    search_cap: int = SEARCH_CAP
    found: dict[str, tuple[int, list[CrmObject]]] = field(default_factory=dict)


_PORTALS: weakref.WeakKeyDictionary[Any, Portal] = weakref.WeakKeyDictionary()


def portal_of(company: Any) -> Portal:
    return _PORTALS.setdefault(company, Portal())


class Refused(Exception):
    """An answer that is not 200: status, category, sentence, more fields."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"status": "error", "message": message, "correlationId": correlation()} | more
        self.body["category"] = category


def correlation() -> str:
    return str(uuid.uuid4())


def authorise(headers: Mapping[str, str]) -> None:
    given = headers.get("authorization", "")
    if given == f"Bearer {TOKEN}":
        return
    if not given:
        raise Refused(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
            "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    raise Refused(
        401, "INVALID_AUTHENTICATION", "Authentication credentials are invalid: the access token is unknown or revoked."
    )


def spend(company: Any, search: bool) -> dict[str, str]:
    """Counts a request. A refused search says only what is left of the day, as recorded."""
    limits = limits_of(company)
    daily = limits.window("hubspot.daily", DAILY_LIMIT, 86_400)
    allowed, left, _ = daily.take()
    headers = {"X-HubSpot-RateLimit-Daily": str(daily.limit), "X-HubSpot-RateLimit-Daily-Remaining": str(left)}
    if not allowed:
        raise Refused(429, "RATE_LIMITS", "You have reached your daily limit.", policyName="DAILY", _headers=headers)
    if search:
        if not limits.window("hubspot.search", SEARCH_LIMIT, 1).take()[0]:
            raise Refused(429, "RATE_LIMITS", "You have reached your secondly limit.", _headers=headers)
        return headers
    burst = limits.window("hubspot.burst", BURST_LIMIT, BURST_SECONDS)
    allowed, left, _ = burst.take()
    headers |= {
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(BURST_SECONDS * 1_000),
        "X-HubSpot-RateLimit-Max": str(burst.limit),
        "X-HubSpot-RateLimit-Remaining": str(left),
    }
    if not allowed:
        text = "You have reached your ten_secondly_rolling limit."
        raise Refused(429, "RATE_LIMITS", text, policyName="TEN_SECONDLY_ROLLING", _headers=headers)
    return headers


def need(company: Any, scope: str) -> None:
    if scope in portal_of(company).withheld_scopes:
        raise Refused(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
            "https://developers.hubspot.com/scopes.",
            errors=[
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": [scope]},
                }
            ],
            links={"scopes": "https://developers.hubspot.com/scopes"},
        )


def scope_of(kind: str) -> str:
    own = {"companies", "contacts", "deals", "line_items", "feedback_submissions"}
    if kind in own:
        return f"crm.objects.{kind}.read"
    return {"tickets": "tickets", "products": "e-commerce"}.get(kind, "crm.objects.contacts.read")
