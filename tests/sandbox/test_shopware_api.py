"""Shopware's Admin API over HTTP, held against its published description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from sandbox.server import SECRETS, Sandbox, serve
from sandbox.vendors.shopware import expire_tokens
from sandbox.vendors.shopware_records import shop_of
from sandbox.vendors.shopware_shapes import LIVE_VERSION

GRANT = {
    "grant_type": "client_credentials",
    "client_id": SECRETS["SHOPWARE_CLIENT_ID"],
    "client_secret": SECRETS["SHOPWARE_CLIENT_SECRET"],
}
JOURNEY = {
    "customer": {"group": {}, "addresses": {"associations": {"country": {}}}},
    "customer-address": {"country": {}},
    "customer-group": {},
    "order": {
        "orderCustomer": {},
        "lineItems": {},
        "transactions": {"associations": {"paymentMethod": {}}},
        "deliveries": {"associations": {"shippingMethod": {}}},
        "stateMachineState": {},
        "currency": {},
        "salesChannel": {},
        "addresses": {},
    },
    "order-line-item": {"product": {}},
    "order-transaction": {"stateMachineState": {}},
    "order-transaction-capture-refund": {"transactionCapture": {"associations": {"transaction": {}}}},
    "order-delivery": {"stateMachineState": {}, "shippingMethod": {}},
    "state-machine-history": {"fromStateMachineState": {}, "toStateMachineState": {}},
    "newsletter-recipient": {},
    "product": {"categories": {}},
}


class Shop:
    """A signed-in client of the shop."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.url = sandbox.base_url("shopware")
        self.session = requests.Session()
        self.session.headers["Accept"] = "application/json"
        self.sign_in()

    def sign_in(self) -> None:
        token = requests.post(self.url + "/api/oauth/token", json=GRANT, timeout=10).json()
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 600) and "refresh_token" not in token
        self.session.headers["Authorization"] = f"Bearer {token['access_token']}"

    def post(self, path: str, status: int = 200, headers: dict[str, str] | None = None, **criteria: Any) -> Any:
        answer = self.session.post(f"{self.url}/api/{path}", json=criteria, headers=headers, timeout=20)
        assert answer.status_code == status, answer.text
        return answer.json()

    def all(self, entity: str, **criteria: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(1, 10_000):
            found = self.post(f"search/{entity}", page=page, limit=500, sort=[{"field": "id"}], **criteria)["data"]
            rows += found
            if len(found) < 500:
                return rows
        raise AssertionError("no end of pages")


@pytest.fixture(scope="module")
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


def test_only_the_integrations_secret_opens_the_shop(sandbox: Sandbox) -> None:
    url = sandbox.base_url("shopware")
    wrong = requests.post(url + "/api/oauth/token", json={**GRANT, "client_secret": "x"}, timeout=10)
    assert wrong.status_code == 401 and wrong.json()["errors"][0]["status"] == "401"
    other = requests.post(url + "/api/oauth/token", json={**GRANT, "grant_type": "password"}, timeout=10)
    assert other.status_code == 400
    assert requests.post(url + "/api/search/order", json={}, timeout=10).status_code == 401


def test_an_expired_token_is_refused_and_a_new_one_works() -> None:
    with serve(seed=2, accounts=5) as running:
        shop = Shop(running)
        shop.post("search/order")
        expire_tokens(running.company)
        shop.post("search/order", 401)
        shop.sign_in()
        shop.post("search/order")


def test_the_token_route_is_limited_as_on_the_vendors_cloud() -> None:
    with serve(seed=2, accounts=5, rate_limits="documented") as running:
        url = running.base_url("shopware") + "/api/oauth/token"
        answers = [requests.post(url, json=GRANT, timeout=10) for _ in range(11)]
        assert [a.status_code for a in answers] == [200] * 10 + [429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("entity", JOURNEY)
def test_an_id_search_finds_what_a_search_finds(shop: Shop, entity: str) -> None:
    ids = {r["id"] for r in shop.all(entity, includes={entity.replace("-", "_"): ["id"]})}
    found: list[str] = []
    while len(page := shop.post(f"search-ids/{entity}", page=len(found) // 500 + 1, limit=500)["data"]) == 500:
        found += page
    assert {*found, *page} == ids and len(found) + len(page) == len(ids)


def test_only_the_live_version_of_an_order_is_shown_unless_another_is_named() -> None:
    with serve(seed=1, accounts=400) as large:
        shop = Shop(large)
        orders = shop.all("order")
        assert {o["versionId"] for o in orders} == {LIVE_VERSION}
        assert len({o["id"] for o in orders}) == len(orders) == len(large.company.store.shop_orders)
        drafts = [o for o in shop_of(large.company)["order"].records if o["versionId"] != LIVE_VERSION]
        assert drafts
        shown = shop.post("search/order", headers={"sw-version-id": drafts[0]["versionId"]}, ids=[drafts[0]["id"]])
        assert [o["versionId"] for o in shown["data"]] == [drafts[0]["versionId"]]


def test_a_record_never_edited_has_no_time_of_change(shop: Shop) -> None:
    orders = shop.all("order")
    never = [o for o in orders if o["updatedAt"] is None]
    assert never and len(never) < len(orders)
    assert all(o["updatedAt"] is None or o["updatedAt"] >= o["createdAt"] for o in orders)


def test_amounts_of_an_order_are_those_of_its_lines(shop: Shop) -> None:
    for order in shop.all("order", associations={"lineItems": {}, "currency": {}})[:200]:
        lines = sum(line["totalPrice"] for line in order["lineItems"])
        assert round(lines, 2) == order["positionPrice"]
        assert order["amountNet"] == round(order["positionPrice"] + order["shippingTotal"], 2)
        assert order["currency"]["isoCode"] in ("EUR", "CHF", "USD")


def test_history_ends_in_the_state_that_the_order_shows(shop: Shop) -> None:
    orders = {o["id"]: o["stateId"] for o in shop.all("order")}
    last: dict[str, tuple[str, str]] = {}
    for step in shop.all("state-machine-history", filter=[{"type": "equals", "field": "entityName", "value": "order"}]):
        last[step["referencedId"]] = max(
            last.get(step["referencedId"], ("", "")), (step["createdAt"], step["toStateId"])
        )
    assert last and all(orders[key] == state for key, (_, state) in last.items())


def test_keyset_reading_by_change_finds_every_customer(shop: Shop) -> None:
    everyone, seen, after = {c["id"] for c in shop.all("customer")}, set[str](), "0"
    while True:
        by_id = [{"type": "range", "field": "id", "parameters": {"gt": after}}]
        page = shop.post("search/customer", limit=7, filter=by_id, sort=[{"field": "id", "order": "ASC"}])["data"]
        if not page:
            break
        seen |= {c["id"] for c in page}
        after = page[-1]["id"]
    assert seen == everyone


@pytest.mark.parametrize(
    ("path", "criteria", "status"),
    [
        ("search/order", {"limit": 501}, 400),
        ("search/order", {"filter": [{"type": "equals", "field": "colour", "value": "red"}]}, 400),
        ("search/nothing", {}, 404),
        ("nothing/order", {}, 404),
    ],
)
def test_errors_are_a_list_as_documented(shop: Shop, path: str, criteria: dict[str, Any], status: int) -> None:
    error = shop.post(path, status, **criteria)["errors"][0]
    assert error["status"] == str(status) and error["code"] and error["title"]


def test_json_api_is_answered_unless_plain_json_is_asked_for(shop: Shop) -> None:
    answer = shop.session.post(
        shop.url + "/api/search/product", json={"limit": 1}, headers={"Accept": "*/*"}, timeout=10
    )
    assert answer.headers["Content-Type"] == "application/vnd.api+json"
    assert set(answer.json()["data"][0]) >= {"id", "type", "attributes"}


def as_documented(value: Any) -> Any:
    """A value without what the real API sends and its description forgets: null for what is not set, JSON fields
    that are lists, and the serializer's own fields. `children` it wants as a list where the API sends null."""
    if isinstance(value, list):
        return [as_documented(v) for v in value]
    if not isinstance(value, dict):
        return value
    forgotten = ("apiAlias", "_uniqueIdentifier", "extensions", "translated")
    value = {k: {} if k in ("calculatedTaxes", "taxRules", "addressFormat") else v for k, v in value.items()}
    kept = {k: as_documented(v) for k, v in value.items() if v is not None and k not in forgotten}
    return kept | ({"children": []} if "children" in value and "children" not in kept else {})


def test_every_entity_fits_the_published_description(shop: Shop, shared: Path) -> None:
    spec = json.loads((shared / "vendors/openapi/shopware/adminapi.json").read_text(encoding="utf-8"))
    for entity, associations in JOURNEY.items():
        rows = shop.post(f"search/{entity}", limit=10, associations=associations)["data"]
        assert rows, entity
        content = spec["paths"][f"/search/{entity}"]["post"]["responses"]["200"]["content"]["application/json"]
        schema = {**content["schema"], "components": spec["components"]}
        page = {"total": len(rows), "data": as_documented(rows)}
        errors = jsonschema.Draft202012Validator(schema).iter_errors(page)
        wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:160]}" for e in errors]
        assert not wrong, f"{entity}: {wrong[:5]}"
