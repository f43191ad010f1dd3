"""HubSpot's API in front of the simulated company, held against what HubSpot documents and what was recorded of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.company import Company
from sandbox.records import CRM_KINDS
from sandbox.vendors import Response, set_limits
from sandbox.vendors.hubspot import handle
from sandbox.vendors.hubspot_portal import TOKEN, portal_of

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "vendors" / "recordings" / "hubspot" / "exchanges_grouparoo"
OBJECTS = "/crm/objects/2026-09"
KEY = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(seed=5, accounts=120)


def get(company: Company, path: str, headers: dict[str, str] = KEY, **query: object) -> Response:
    return handle(company, "GET", path, {k: [str(v)] for k, v in query.items()}, headers, b"")


def post(company: Company, path: str, body: Any, headers: dict[str, str] = KEY) -> Response:
    return handle(company, "POST", path, {}, headers, json.dumps(body).encode())


def everything(company: Company, kind: str, **query: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = "0"
    while True:
        page = get(company, f"{OBJECTS}/{kind}", limit=100, after=after, **query).json()
        rows += page["results"]
        if "paging" not in page:
            return rows
        after = page["paging"]["next"]["after"]


def changed(kind: str, since: str, **more: Any) -> dict[str, Any]:
    name = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    group = {"filters": [{"propertyName": name, "operator": "GTE", "value": since}]}
    return {"filterGroups": [group], "sorts": [{"propertyName": name, "direction": "ASCENDING"}], "limit": 200} | more


def search_all(company: Company, kind: str, question: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = "0"
    while True:
        page = post(company, f"{OBJECTS}/{kind}/search", question | {"after": after}).json()
        rows += page["results"]
        if "paging" not in page:
            assert len(rows) == page["total"]
            return rows
        after = page["paging"]["next"]["after"]


def test_without_or_with_a_wrong_token_nothing_is_told(company: Company) -> None:
    for headers in ({}, {"authorization": "Bearer other"}):
        refused = get(company, f"{OBJECTS}/companies", headers)
        assert refused.status == 401
        assert refused.json()["category"] == "INVALID_AUTHENTICATION"


def test_a_missing_scope_is_named(company: Company) -> None:
    portal_of(company).withheld_scopes = frozenset({"crm.objects.deals.read"})
    refused = get(company, f"{OBJECTS}/deals")
    portal_of(company).withheld_scopes = frozenset()
    assert refused.status == 403
    assert refused.json()["category"] == "MISSING_SCOPES"
    assert refused.json()["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.deals.read"]}


@pytest.mark.parametrize("kind", CRM_KINDS)
def test_a_list_gives_every_live_object_once(company: Company, kind: str) -> None:
    ids = [row["id"] for row in everything(company, kind)]
    live = [str(o.id) for o in company.store.crm[kind] if not o.gone and o.archived_at is None]
    assert ids == live
    assert live


def test_an_object_has_the_shape_that_was_recorded(company: Company) -> None:
    row = get(company, f"{OBJECTS}/contacts", limit=1, properties="email,lastname,mobilephone,unheard_of").json()[
        "results"
    ][0]
    assert sorted(row) == ["archived", "createdAt", "id", "properties", "updatedAt"]
    assert list(row["properties"]) == [
        "createdate",
        "email",
        "hs_object_id",
        "lastmodifieddate",
        "lastname",
        "mobilephone",
    ]
    assert row["properties"]["mobilephone"] is None
    assert all(v is None or isinstance(v, str) for v in row["properties"].values())
    datetime.strptime(row["updatedAt"], "%Y-%m-%dT%H:%M:%S.%fZ")
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings at {RECORDINGS.name}: shapes were compared with the documentation only")
    recorded = [
        e
        for e in json.loads((RECORDINGS / "export-objects__export-records-contact.json").read_text())
        if e["request"]["url"].split("?")[0].endswith("/search")
    ]
    found = next(e for e in recorded if e["response"]["status"] == 200)["response"]["body"]
    mine = post(company, f"{OBJECTS}/contacts/search", {"limit": 1}).json()
    assert set(found) <= set(mine)
    assert sorted(found["results"][0]) == sorted(mine["results"][0])


def test_a_refused_search_says_what_was_recorded(company: Company) -> None:
    set_limits(company, "documented")
    answers = [post(company, f"{OBJECTS}/deals/search", {"limit": 1}) for _ in range(6)]
    set_limits(company, "generous")
    refused = answers[-1]
    assert [a.status for a in answers] == [200] * 5 + [429]
    assert refused.json()["message"] == "You have reached your secondly limit."
    assert refused.json()["category"] == "RATE_LIMITS"
    limits = {name for name in refused.headers if "RateLimit" in name or name == "Retry-After"}
    assert limits == {"X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining"}


def test_too_many_requests_in_ten_seconds_are_refused(company: Company) -> None:
    set_limits(company, "documented")
    statuses = [get(company, "/crm/owners/2026-09").status for _ in range(191)]
    set_limits(company, "generous")
    assert statuses == [200] * 190 + [429]


def test_search_finds_what_changed_in_order_of_change(company: Company) -> None:
    since = company.now - timedelta(days=60)
    for kind in ("companies", "contacts", "deals", "calls"):
        found = search_all(company, kind, changed(kind, f"{since:%Y-%m-%dT%H:%M:%S}Z"))
        stamps = [row["updatedAt"] for row in found]
        assert stamps == sorted(stamps)
        expected = {r["id"] for r in everything(company, kind) if r["updatedAt"] >= f"{since:%Y-%m-%dT%H:%M:%S}.000Z"}
        assert {r["id"] for r in found} == expected
        milliseconds = str(int((since - datetime(1970, 1, 1)).total_seconds() * 1000))
        assert len(search_all(company, kind, changed(kind, milliseconds))) == len(found)


def test_search_sees_a_change_only_when_its_index_has_caught_up(company: Company) -> None:
    portal = portal_of(company)
    lag, portal.index_lag = portal.index_lag, timedelta(days=30)
    late = search_all(company, "deals", changed("deals", "2023-01-01T00:00:00Z"))
    portal.index_lag = lag
    soon = search_all(company, "deals", changed("deals", "2023-01-01T00:00:00Z"))
    assert len(late) < len(soon)


def test_search_ends_at_its_cap(company: Company) -> None:
    assert post(company, f"{OBJECTS}/contacts/search", {"limit": 200, "after": "9800"}).status == 200
    beyond = post(company, f"{OBJECTS}/contacts/search", {"limit": 200, "after": "10000"})
    assert beyond.status == 400
    assert beyond.json()["category"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "question",
    [
        {"limit": 201},
        {"limit": 0},
        {"filterGroups": [{"filters": [{"propertyName": "unheard_of", "operator": "EQ", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "LIKE", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "GT", "value": "much"}]}]},
        {"filterGroups": [{"filters": []}] * 6},
        {"sorts": ["amount", "dealname"]},
    ],
)
def test_search_refuses_what_it_does_not_understand(company: Company, question: dict[str, Any]) -> None:
    assert post(company, f"{OBJECTS}/deals/search", question).status == 400


def test_filters_compare_by_the_type_of_a_property(company: Company) -> None:
    deals = {
        r["id"]: r["properties"] for r in everything(company, "deals", properties="amount,dealstage,closed_lost_reason")
    }

    def found(*filters: dict[str, Any]) -> set[str]:
        return {
            r["id"] for r in search_all(company, "deals", {"filterGroups": [{"filters": list(filters)}], "limit": 200})
        }

    over = {"propertyName": "amount", "operator": "GT", "value": "900"}
    assert found(over) == {i for i, p in deals.items() if float(p["amount"]) > 900}
    closed = {"propertyName": "dealstage", "operator": "IN", "values": ["closedwon", "closedlost"]}
    assert found(over, closed) == {i for i in found(over) if deals[i]["dealstage"].startswith("closed")}
    reason = {"propertyName": "closed_lost_reason", "operator": "HAS_PROPERTY"}
    assert found(reason) == {i for i, p in deals.items() if p["closed_lost_reason"]}
    between = {"propertyName": "amount", "operator": "BETWEEN", "value": "900", "highValue": "5000"}
    assert found(between) == {i for i, p in deals.items() if 900 <= float(p["amount"]) <= 5000}
    last = str(sorted(map(int, deals))[len(deals) // 2])
    keyset = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
    assert found(keyset) == {i for i in deals if int(i) > int(last)}


def test_a_merged_record_is_gone_and_its_winner_lists_it(company: Company) -> None:
    losers = [c for c in company.store.crm["contacts"] if c.merged_into is not None]
    assert losers
    rows = {r["id"]: r for r in everything(company, "contacts", properties="hs_merged_object_ids")}
    for loser in losers:
        assert str(loser.id) not in rows
        winner = rows.get(str(loser.merged_into))
        if winner is not None:
            assert str(loser.id) in winner["properties"]["hs_merged_object_ids"].split(";")
            assert get(company, f"{OBJECTS}/contacts/{loser.id}").json()["id"] == winner["id"]


def test_archiving_hides_a_record_and_does_not_move_its_time_of_change(company: Company) -> None:
    world = company.world
    contact = next(c for c in company.store.crm["contacts"] if not c.gone and c.archived_at is None)
    before = get(company, f"{OBJECTS}/contacts/{contact.id}").json()["updatedAt"]
    world.crm.archive(contact, company.now)
    assert get(company, f"{OBJECTS}/contacts/{contact.id}").status == 404
    binned = {r["id"]: r for r in everything(company, "contacts", archived="true")}
    assert binned[str(contact.id)]["archived"] is True
    assert binned[str(contact.id)]["updatedAt"] == before
    assert str(contact.id) not in {r["id"] for r in everything(company, "contacts")}


def test_a_batch_reads_what_is_there_and_names_what_is_not(company: Company) -> None:
    ids = [r["id"] for r in everything(company, "deals")][:3]
    body = {
        "inputs": [{"id": i} for i in [*ids, "99"]],
        "properties": ["amount"],
        "propertiesWithHistory": ["dealstage"],
    }
    answered = post(company, f"{OBJECTS}/deals/batch/read", body)
    assert answered.status == 207
    assert answered.json()["numErrors"] == 1
    assert [r["id"] for r in answered.json()["results"]] == ids
    history = answered.json()["results"][0]["propertiesWithHistory"]["dealstage"]
    assert history[-1]["value"] == "appointmentscheduled"
    assert [h["timestamp"] for h in history] == sorted((h["timestamp"] for h in history), reverse=True)
    assert post(company, f"{OBJECTS}/deals/batch/read", {"inputs": [{"id": "1"}] * 101}).status == 400


def test_associations_are_the_same_from_both_sides(company: Company) -> None:
    def pairs(origin: str, target: str) -> set[tuple[str, str]]:
        ids = [r["id"] for r in everything(company, origin)]
        found = set()
        for start in range(0, len(ids), 1000):
            body = {"inputs": [{"id": i} for i in ids[start : start + 1000]]}
            answered = post(company, f"/crm/associations/2026-09/{origin}/{target}/batch/read", body)
            assert answered.status in (200, 207)
            for result in answered.json()["results"]:
                for to in result["to"]:
                    assert to["associationTypes"]
                    found.add((result["from"]["id"], str(to["toObjectId"])))
        return found

    for origin, target in (
        ("contacts", "companies"),
        ("deals", "contacts"),
        ("calls", "companies"),
        ("deals", "line_items"),
    ):
        forth, back = pairs(origin, target), pairs(target, origin)
        assert forth == {(b, a) for a, b in back}
        assert forth


def test_owners_pipelines_and_properties_describe_the_portal(company: Company) -> None:
    owners = get(company, "/crm/owners/2026-09").json()["results"]
    archived = get(company, "/crm/owners/2026-09", archived="true").json()["results"]
    known = {o["id"] for o in [*owners, *archived]}
    assert {
        r["properties"]["hubspot_owner_id"] for r in everything(company, "companies", properties="hubspot_owner_id")
    } <= known
    stages = get(company, "/crm/pipelines/2026-09/deals").json()["results"][0]["stages"]
    used = {r["properties"]["dealstage"] for r in everything(company, "deals", properties="dealstage")}
    assert used <= {s["id"] for s in stages}
    names = {p["name"] for p in get(company, "/crm/properties/2026-09/companies").json()["results"]}
    assert {"vat_id", "customer_number", "exit_reason", "hs_parent_company_id"} <= names


def test_every_property_in_use_is_declared(company: Company) -> None:
    for kind in CRM_KINDS:
        declared = {p["name"] for p in get(company, f"/crm/properties/2026-09/{kind}").json()["results"]}
        used = {name for o in company.store.crm[kind] for name in o.properties}
        assert used <= declared, kind


@pytest.mark.parametrize("path", ["/crm/v3/objects/deals", f"{OBJECTS}/deals", f"{OBJECTS}/deal", f"{OBJECTS}/0-3"])
def test_an_object_has_several_addresses(company: Company, path: str) -> None:
    assert get(company, path, limit=5).json()["results"] == get(company, f"{OBJECTS}/deals", limit=5).json()["results"]


def test_wrong_addresses_and_methods_are_refused_in_hubspots_words(company: Company) -> None:
    for answered, status in (
        (get(company, "/crm/objects/2026-09/unicorns"), 400),
        (get(company, "/nowhere"), 404),
        (get(company, f"{OBJECTS}/deals/search"), 405),
        (post(company, f"{OBJECTS}/deals", {}), 405),
        (get(company, f"{OBJECTS}/deals", limit=101), 400),
        (get(company, f"{OBJECTS}/deals", limit=100, propertiesWithHistory="dealstage"), 400),
        (handle(company, "POST", f"{OBJECTS}/deals/search", {}, KEY, b"{"), 400),
    ):
        assert answered.status == status
        assert answered.json()["status"] == "error"
