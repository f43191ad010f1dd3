"""HubSpot's API as far as exports need it: object lists, search, batch reads, associations, owners, pipelines.

Follows the documentation of the dated paths (`/crm/objects/2026-09/...`; the v3 and v4 spellings answer alike):
lists give 100 at most and have no cap, search gives 200 at most and ends at 10,000, knows nothing of archived
records and sees a change only when its index has caught up. A merged record is gone, its winner lists it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.crm import instant
from sandbox.records import CRM_FIRST, CrmObject
from sandbox.vendors import Response, address_of, answer
from sandbox.vendors.hubspot_portal import Refused, authorise, correlation, need, portal_of, scope_of, spend
from sandbox.vendors.hubspot_schema import (
    DEFAULTS,
    NUMBERED,
    SINGULAR,
    TYPES,
    association_types,
    owner,
    pipelines,
    properties,
)
from sandbox.vendors.hubspot_search import SearchError, matching

LIST_PAGE, LIST_PAGE_WITH_HISTORY = 100, 50
SEARCH_PAGE = 200
BATCH, BATCH_WITH_HISTORY, BATCH_ASSOCIATIONS = 100, 50, 1_000
BIN_DAYS = 90  # how long an archived record can be seen
VERSION = r"(?:v[34]|20\d\d-\d\d)"

Row = dict[str, Any]


def handle(
    company: Any,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    body: bytes,
) -> Response:
    """One request to the portal."""
    usual: dict[str, str] = {"X-HubSpot-Correlation-Id": correlation()}
    try:
        authorise(headers)
        usual |= spend(company, path.endswith("/search"))
        url = f"{address_of(headers)}{path}"
        value, status = respond(company, method, path.rstrip("/"), query, body, url)
        return answer(value, status, usual, "application/json;charset=utf-8")
    except Refused as refusal:
        limited = refusal.body.pop("_headers", {})
        return answer(refusal.body, refusal.status, usual | limited, "application/json;charset=utf-8")


def kind_of(name: str) -> str:
    """An object's address: its plural, its singular, or its number."""
    known = NUMBERED.get(name, name.lower())
    by_singular = {one: many for many, one in SINGULAR.items()} | {"meeting": "meetings"}
    known = by_singular.get(known, known)
    if known not in TYPES:
        raise Refused(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")
    return known


ROUTES: tuple[tuple[str, str], ...] = (
    ("search", rf"/crm/(?:objects/{VERSION}|v3/objects)/([\w-]+)/search"),
    ("batch", rf"/crm/(?:objects/{VERSION}|v3/objects)/([\w-]+)/batch/read"),
    ("one", rf"/crm/(?:objects/{VERSION}|v3/objects)/([\w-]+)/(\d+)"),
    ("list", rf"/crm/(?:objects/{VERSION}|v3/objects)/([\w-]+)"),
    ("associations", rf"/crm/(?:associations/{VERSION}|v4/associations)/([\w-]+)/([\w-]+)/batch/read"),
    ("labels", rf"/crm/(?:associations/{VERSION}|v4/associations)/([\w-]+)/([\w-]+)/labels"),
    ("owners", rf"/crm/(?:owners/{VERSION}|v3/owners)"),
    ("pipelines", rf"/crm/(?:pipelines/{VERSION}|v3/pipelines)/([\w-]+)"),
    ("properties", rf"/crm/(?:properties/{VERSION}|v3/properties)/([\w-]+)"),
    ("emails", rf"/marketing/(?:emails/{VERSION}|v3/emails)"),
    ("account", rf"/account-info/{VERSION}/details"),
)
POSTED = ("search", "batch", "associations")


def respond(
    company: Any, method: str, path: str, query: Mapping[str, list[str]], body: bytes, url: str
) -> tuple[Any, int]:
    """Body and status for one address."""
    for name, pattern in ROUTES:
        match = re.fullmatch(pattern, path)
        if match is None:
            continue
        if method != ("POST" if name in POSTED else "GET"):
            raise Refused(405, "VALIDATION_ERROR", "HTTP 405 Method Not Allowed")
        if name in POSTED:
            return posted(company, name, match.groups(), body)
        return got(company, name, match.groups(), query, url), 200
    raise Refused(404, "OBJECT_NOT_FOUND", f"Unable to find a resource at {path}")


def posted(company: Any, name: str, parts: tuple[str, ...], body: bytes) -> tuple[Any, int]:
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: Cannot deserialize value")
    kind = kind_of(parts[0])
    need(company, scope_of(kind))
    if name == "search":
        return search(company, kind, given), 200
    inputs = given.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(i, dict) and str(i.get("id", "")).isdigit() for i in inputs):
        raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: inputs must be a list of objects with an id")
    ids = [int(i["id"]) for i in inputs]
    if name == "batch":
        return batch(company, kind, ids, given)
    target = kind_of(parts[1])
    need(company, scope_of(target))
    return associations(company, kind, target, ids)


def got(company: Any, name: str, parts: tuple[str, ...], query: Mapping[str, list[str]], url: str) -> Any:
    if name in ("list", "one"):
        kind = kind_of(parts[0])
        need(company, scope_of(kind))
        if name == "one":
            return single(company, kind, int(parts[1]), query)
        return listed(company, kind, query, url)
    if name == "owners":
        need(company, "crm.objects.owners.read")
        return owners(company, query, url)
    if name == "pipelines":
        kind = kind_of(parts[0])
        if kind not in ("deals", "tickets"):
            raise Refused(400, "VALIDATION_ERROR", f"{kind} have no pipelines")
        return {"results": pipelines(kind, company.world.moment(0))}
    if name == "properties":
        kind = kind_of(parts[0])
        need(company, f"crm.schemas.{kind}.read")
        return {"results": properties(kind, company.world.moment(0))}
    if name == "labels":
        types = {
            str(t): t
            for label in (None, "Primary", "Entscheider")
            for t in association_types(kind_of(parts[0]), kind_of(parts[1]), label)
        }
        return {"results": list(types.values())}
    if name == "emails":
        return marketing(company, query, url)
    return {
        "portalId": 24_106_789,
        "accountType": "STANDARD",
        "timeZone": "Europe/Berlin",
        "companyCurrency": "EUR",
        "additionalCurrencies": ["CHF", "USD"],
        "utcOffset": "+02:00",
        "utcOffsetMilliseconds": 7_200_000,
        "uiDomain": "app-eu1.hubspot.com",
        "dataHostingLocation": "eu1",
    }


# Objects.
def asked(query: Mapping[str, list[str]], name: str) -> list[str]:
    """A list in a query: repeated, comma separated, or both."""
    return [part for value in query.get(name, []) for part in value.split(",") if part]


def number(query: Mapping[str, list[str]], name: str, default: int, most: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if not text.isdigit() or int(text) < 1:
        raise Refused(400, "VALIDATION_ERROR", f"Invalid request to the {name} parameter: {text}")
    if int(text) > most:
        raise Refused(400, "VALIDATION_ERROR", f"The {name} must be less than or equal to {most}")
    return int(text)


def shape(thing: CrmObject, wanted: list[str], history: list[str] | None = None) -> Row:
    """One object: known properties that were asked for, empty ones as null, in the order of their names."""
    kind = thing.kind
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    created = "createdate" if "createdate" in TYPES[kind] else "hs_createdate"
    names = {"hs_object_id", modified, created}
    names.update(wanted or DEFAULTS.get(kind, ()))
    held = thing.properties
    shown: Row = {
        "id": str(thing.id),
        "properties": {name: held.get(name) for name in sorted(names) if name in TYPES[kind]},
        "createdAt": instant(thing.created_at),
        "updatedAt": instant(thing.updated_at),
        "archived": thing.archived_at is not None,
    }
    if thing.archived_at is not None:
        shown["archivedAt"] = instant(thing.archived_at)
    if history:
        shown["propertiesWithHistory"] = {name: versions(thing, name) for name in history if name in TYPES[kind]}
    return shown


def versions(thing: CrmObject, name: str) -> list[Row]:
    """What a property was, newest first."""
    kept = (thing.history or {}).get(name)
    if kept is None:
        value = thing.properties.get(name)
        kept = [(value, thing.created_at, "CRM_UI")] if value is not None else []
    return [{"value": value, "timestamp": instant(at), "sourceType": source} for value, at, source in reversed(kept)]


def visible(thing: CrmObject, now: datetime, archived: bool) -> bool:
    if thing.gone:
        return False
    if thing.archived_at is None:
        return not archived
    return archived and thing.archived_at > now - timedelta(days=BIN_DAYS)


def listed(company: Any, kind: str, query: Mapping[str, list[str]], url: str) -> Row:
    """A page of all objects in the order of their ids; `after` is the last id seen."""
    history = asked(query, "propertiesWithHistory")
    limit = number(query, "limit", 10, LIST_PAGE_WITH_HISTORY if history else LIST_PAGE)
    archived = query.get("archived", ["false"])[-1] == "true"
    after = query.get("after", ["0"])[-1]
    if not after.isdigit():
        raise Refused(400, "VALIDATION_ERROR", f"Invalid paging cursor: {after}")
    rows, now = company.store.crm[kind], company.now
    page: list[CrmObject] = []
    for at in range(max(0, int(after) - CRM_FIRST[kind] + 1), len(rows)):
        if visible(rows[at], now, archived):
            page.append(rows[at])
            if len(page) > limit:
                break
    wanted, linked = asked(query, "properties"), [kind_of(n) for n in asked(query, "associations")]
    results = [shape(thing, wanted, history) for thing in page[:limit]]
    for thing, result in zip(page, results, strict=False):
        with_links(company, thing, linked, result)
    return paged({"results": results}, str(page[limit - 1].id) if len(page) > limit else None, url, query)


def with_links(company: Any, thing: CrmObject, kinds: list[str], result: Row) -> None:
    for kind in kinds:
        found = [
            {"id": str(i), "type": f"{SINGULAR[thing.kind]}_to_{SINGULAR[kind]}"}
            for i, _ in links(company, thing, kind)
        ]
        if found:
            result.setdefault("associations", {})[kind] = {"results": found}


def paged(value: Row, after: str | None, url: str, query: Mapping[str, list[str]]) -> Row:
    if after is not None:
        kept = [f"{name}={v}" for name, values in query.items() if name != "after" for v in values]
        value["paging"] = {"next": {"after": after, "link": f"{url}?{'&'.join([*kept, f'after={after}'])}"}}
    return value


def find(company: Any, kind: str, number: int) -> CrmObject | None:
    """The object with this id; asked for a merged one, HubSpot gives the winner."""
    rows: list[CrmObject] = company.store.crm[kind]
    at = number - CRM_FIRST[kind]
    if not 0 <= at < len(rows):
        return None
    thing = rows[at]
    while thing.merged_into is not None:
        thing = rows[thing.merged_into - CRM_FIRST[kind]]
    return None if thing.gone else thing


def single(company: Any, kind: str, number: int, query: Mapping[str, list[str]]) -> Row:
    thing = find(company, kind, number)
    archived = query.get("archived", ["false"])[-1] == "true"
    if thing is None or not visible(thing, company.now, archived):
        raise Refused(404, "OBJECT_NOT_FOUND", "resource not found")
    result = shape(thing, asked(query, "properties"), asked(query, "propertiesWithHistory"))
    with_links(company, thing, [kind_of(n) for n in asked(query, "associations")], result)
    return result


def search(company: Any, kind: str, given: Row) -> Row:
    """What a search finds; the same question is asked page by page, so its answer is kept until something changes."""
    portal = portal_of(company)
    limit, after = given.get("limit", 10), given.get("after", 0)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= SEARCH_PAGE:
        raise Refused(400, "VALIDATION_ERROR", f"The limit must be between 1 and {SEARCH_PAGE}")
    if not str(after).isdigit():
        raise Refused(400, "VALIDATION_ERROR", f"Invalid paging offset: {after}")
    start = int(after)
    if start + limit > portal.search_cap:
        text = f"There was a problem with the request. Paging beyond {portal.search_cap} results is not supported"
        raise Refused(400, "VALIDATION_ERROR", text)
    question = json.dumps([kind, given.get("filterGroups"), given.get("sorts"), given.get("query")], sort_keys=True)
    mark = hash((company.revision, company.now, portal.index_lag))
    kept = portal.found.get(question)
    if kept is None or kept[0] != mark:
        seen = company.now - portal.index_lag
        indexed = [t for t in company.store.crm[kind] if not t.gone and t.archived_at is None and t.updated_at <= seen]
        try:
            kept = mark, matching(indexed, TYPES[kind], given)
        except SearchError as error:
            raise Refused(400, "VALIDATION_ERROR", str(error)) from None
        if len(portal.found) > 40:
            portal.found.clear()
        portal.found[question] = kept
    found = kept[1]
    wanted = given.get("properties") or []
    if not isinstance(wanted, list):
        raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: properties must be a list")
    value: Row = {
        "total": len(found),
        "results": [shape(thing, wanted) for thing in found[start : start + limit]],
    }
    if start + limit < len(found):
        value["paging"] = {"next": {"after": str(start + limit)}}
    return value


def batch(company: Any, kind: str, ids: list[int], given: Row) -> tuple[Row, int]:
    history = given.get("propertiesWithHistory") or []
    most = BATCH_WITH_HISTORY if history else BATCH
    if len(ids) > most:
        raise Refused(400, "VALIDATION_ERROR", f"Too many objects were requested: no more than {most} in a batch")
    results, missing = {}, []
    for number in ids:
        thing = find(company, kind, number)
        if thing is None or not visible(thing, company.now, bool(given.get("archived"))):
            missing.append(str(number))
        else:
            results[thing.id] = shape(thing, given.get("properties") or [], history)
    return finished(
        company, list(results.values()), missing, "Could not get some objects, they may be deleted or not exist"
    )


def finished(
    company: Any, results: list[Row], missing: list[str], why: str, category: str = "OBJECT_NOT_FOUND"
) -> tuple[Row, int]:
    at = instant(company.now)
    value: Row = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if not missing:
        return value, 200
    key = "ids" if category == "OBJECT_NOT_FOUND" else "fromObjectId"
    if category == "OBJECT_NOT_FOUND":
        errors = [{"status": "error", "category": category, "message": why, "context": {key: missing}}]
    else:
        errors = [
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "subCategory": category,
                "message": why.format(number),
                "context": {key: [number]},
            }
            for number in missing
        ]
    return value | {"numErrors": len(errors), "errors": errors}, 207


# Associations.
def links(company: Any, thing: CrmObject, kind: str) -> list[tuple[int, str | None]]:
    """The live objects of a kind that a thing is associated with."""
    rows: list[CrmObject] = company.store.crm[kind]
    first = CRM_FIRST[kind]
    held = thing.links.get(kind, {})
    return [(i, label) for i, label in held.items() if not rows[i - first].gone and rows[i - first].archived_at is None]


def associations(company: Any, kind: str, target: str, ids: list[int]) -> tuple[Row, int]:
    if len(ids) > BATCH_ASSOCIATIONS:
        raise Refused(400, "VALIDATION_ERROR", f"No more than {BATCH_ASSOCIATIONS} inputs are allowed in a batch")
    results: list[Row] = []
    without: list[str] = []
    for number in ids:
        thing = find(company, kind, number)
        held = links(company, thing, target) if thing is not None and thing.archived_at is None else []
        if not held:
            without.append(str(number))
            continue
        to = [{"toObjectId": i, "associationTypes": association_types(kind, target, label)} for i, label in held]
        results.append({"from": {"id": str(number)}, "to": to})
    text = f"No {target[:-1]} is associated with {kind[:-1]} {{}}."
    return finished(company, results, without, text, "crm.associations.NO_ASSOCIATIONS_FOUND")


# The rest.
def owners(company: Any, query: Mapping[str, list[str]], url: str) -> Row:
    limit = number(query, "limit", 100, 500)
    archived = query.get("archived", ["false"])[-1] == "true"
    after = int(query.get("after", ["0"])[-1])
    everyone = company.store.owners
    teams = sorted({o.team for o in everyone})

    def is_gone(who: Any) -> bool:
        return who.archived_at is not None and who.archived_at <= company.now

    rows = [o for o in everyone if is_gone(o) == archived and o.id > after]
    results = [owner(o, teams, archived) for o in rows[:limit]]
    return paged({"results": results}, str(rows[limit - 1].id) if len(rows) > limit else None, url, query)


def marketing(company: Any, query: Mapping[str, list[str]], url: str) -> Row:
    """Invitations that the sales team sends from the CRM, one a quarter."""
    limit = number(query, "limit", 10, LIST_PAGE)
    start = int(query.get("after", ["0"])[-1])
    rows: list[Row] = []
    world = company.world
    for quarter in range(world.second // 86_400 // 91):
        at = world.moment((quarter * 91 + 30) * 86_400 + 7_200)
        if at > company.now:
            break
        rows.append(
            {
                "id": str(150_000_000_000 + quarter),
                "name": f"Einladung Hausmesse {at:%Y-%m}",
                "subject": "Besuchen Sie uns auf unserer Hausmesse",
                "state": "PUBLISHED",
                "type": "BATCH_EMAIL",
                "campaign": str(uuid.UUID(int=quarter + 1)),
                "isPublished": True,
                "archived": False,
                "createdAt": instant(at - timedelta(days=4)),
                "updatedAt": instant(at),
                "publishDate": instant(at),
                "publishedAt": instant(at),
            }
        )
    since = query.get("updatedAfter", [""])[-1]
    rows = [r for r in rows if r["updatedAt"] > since]
    value = {"total": len(rows), "results": rows[start : start + limit]}
    return paged(value, str(start + limit) if start + limit < len(rows) else None, url, query)
