"""Shopware's Admin API as far as exports need it: the token of an integration, `search` and `search-ids`.

Follows the Admin API's description: client credentials give a token for ten minutes without a refresh token,
answers are JSON when `Accept: application/json` is sent and JSON:API otherwise, errors are a list. The search
language is `sandbox.vendors.shopware_criteria`, the records are `sandbox.vendors.shopware_records`.
"""

from __future__ import annotations

import json
import secrets
import time
import weakref
from collections.abc import Mapping
from typing import Any

from sandbox.vendors import Response, address_of, answer, limits_of
from sandbox.vendors.shopware_criteria import CriteriaError, Entity, Record, rendered, search
from sandbox.vendors.shopware_records import shop_of
from sandbox.vendors.shopware_shapes import LIVE_VERSION

CLIENT_ID = "SANDBOXSHOPWARECLIENT"
CLIENT_SECRET = "sandbox-shopware-secret"
TOKEN_SECONDS = 600
TOKEN_LIMIT = 10  # token requests a minute and address on Shopware's own cloud
REQUEST_LIMIT = 600  # the Admin API documents no number; a shop's front server has one all the same

# Tokens live in real time and are kept beside the company: they are the server's business, not the shop's.
_TOKENS: weakref.WeakKeyDictionary[Any, dict[str, float]] = weakref.WeakKeyDictionary()

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
}


def handle(
    company: Any,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Response:
    """One request to the shop."""
    if path == "/api/oauth/token":
        return token(company, method, headers, body)
    allowed, _, reset = limits_of(company).window("shopware.api", REQUEST_LIMIT, 60).take()
    if not allowed:
        return failure(
            429,
            "FRAMEWORK__RATE_LIMIT_EXCEEDED",
            "Too many requests",
            {"Retry-After": str(max(1, round(reset)))},
        )
    if not path.startswith("/api/"):
        return failure(404, "0", f'No route found for "{method} {path}"')
    if not authorised(company, headers):
        return failure(401, "9", "The resource owner or authorization server denied the request.")
    shop = shop_of(company)
    if path == "/api/_info/version" and method == "GET":
        return answer({"version": "6.7.3.1", "versionRevision": "0" * 32})
    kind, _, name = path.removeprefix("/api/").partition("/")
    entity = shop.get(name.replace("-", "_"))
    if kind not in ("search", "search-ids") or entity is None:
        return failure(404, "0", f'No route found for "{method} {path}"')
    if method != "POST":
        return failure(405, "0", f'No route found for "{method} {path}": Method Not Allowed (Allow: POST)')
    try:
        criteria = json.loads(body) if body else {}
    except ValueError:
        return failure(400, "0", "The JSON payload is malformed.")
    if not isinstance(criteria, dict):
        return failure(400, "0", "The JSON payload is malformed.")
    version = headers.get("sw-version-id", LIVE_VERSION)
    entity = in_version(entity, version)
    try:
        found = search(shop, entity, criteria)
        if kind == "search-ids":
            return answer({"total": found.total, "data": [r["id"] for r in found.records]})
        rows = [rendered(shop, entity, r, criteria, criteria.get("includes")) for r in found.records]
    except CriteriaError as error:
        return failure(400, error.code, error.detail)
    if "application/json" in headers.get("accept", ""):
        return answer({"total": found.total, "data": rows, "aggregations": []})
    return json_api(rows, entity.name, found.total, f"{address_of(headers)}{path}")


def in_version(entity: Entity, version: str) -> Entity:
    """The records of one version: without `sw-version-id` the live one, and drafts of orders stay hidden."""
    if "versionId" not in entity.fields:
        return entity
    kept = [r for r in entity.records if r["versionId"] == version]
    return Entity(entity.name, kept, entity.fields, entity.associations)


def token(company: Any, method: str, headers: Mapping[str, str], body: bytes) -> Response:
    """The client-credentials grant of an integration."""
    allowed, _, reset = limits_of(company).window("shopware.token", TOKEN_LIMIT, 60).take()
    if not allowed:
        return failure(
            429,
            "FRAMEWORK__RATE_LIMIT_EXCEEDED",
            "Too many requests",
            {"Retry-After": str(max(1, round(reset)))},
        )
    if method != "POST":
        return failure(405, "0", f'No route found for "{method} /api/oauth/token"')
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict) or given.get("grant_type") != "client_credentials":
        return failure(400, "2", "The authorization grant type is not supported by the authorization server.")
    if given.get("client_id") != CLIENT_ID or given.get("client_secret") != CLIENT_SECRET:
        return failure(401, "4", "Client authentication failed")
    issued = _TOKENS.setdefault(company, {})
    now = time.monotonic()
    for old in [t for t, end in issued.items() if end <= now]:
        del issued[old]
    fresh = secrets.token_urlsafe(32)
    issued[fresh] = now + TOKEN_SECONDS
    return answer({"token_type": "Bearer", "expires_in": TOKEN_SECONDS, "access_token": fresh})


def authorised(company: Any, headers: Mapping[str, str]) -> bool:
    kind, _, given = headers.get("authorization", "").partition(" ")
    return kind == "Bearer" and _TOKENS.get(company, {}).get(given, 0.0) > time.monotonic()


def expire_tokens(company: Any) -> None:
    """Ends every token at once, as ten minutes would."""
    _TOKENS.pop(company, None)


def failure(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    error = {"code": code, "status": str(status), "title": TITLES[status], "detail": detail}
    return answer({"errors": [error]}, status, headers)


def json_api(rows: list[Record], name: str, total: int, url: str) -> Response:
    """The same records as JSON:API, which is what the API answers unless plain JSON is asked for."""
    data = [
        {
            "id": row["id"],
            "type": name,
            "attributes": {k: v for k, v in row.items() if k not in ("id", "_uniqueIdentifier")},
            "links": {"self": f"{url.replace('/search/', '/')}/{row['id']}"},
            "relationships": {},
            "meta": None,
        }
        for row in rows
    ]
    page = {
        "data": data,
        "included": [],
        "links": {"self": url},
        "meta": {"total": total},
        "aggregations": [],
    }
    return answer(page, content_type="application/vnd.api+json")
