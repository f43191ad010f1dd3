"""Shopware's connector against the search language of its documentation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import AuthError, ConfigError, Connector, connect
from sandbox.vendors.shopware_criteria import CriteriaError, Entity, rendered, search

Row = dict[str, Any]
Serve = Callable[[Callable[[Any], tuple[Any, ...]]], Any]
START = datetime(2026, 6, 30, 6, tzinfo=UTC)
COLUMNS = ("id", "customerNumber", "company", "email", "vatIds", "customFields", "createdAt", "updatedAt")


class Shop:
    """Customers behind `search`. `between` is called before each page, as a busy shop would use the time."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.tokens = 0
        self.expire_at = -1
        self.searches = 0
        self.refused: list[str] = []
        self.between: Callable[[], None] = lambda: None

    def __call__(self, asked: Any) -> tuple[Any, ...]:
        if asked.path == "/api/oauth/token":
            if asked.body["client_secret"] != "very-secret":
                return 401, {"errors": [{"code": "4", "status": "401", "detail": "very-wrong"}]}
            self.tokens += 1
            return 200, {"token_type": "Bearer", "expires_in": 600, "access_token": f"token-{self.tokens}"}
        if asked.headers.get("authorization") != f"Bearer token-{self.tokens}":
            return 401, {"errors": [{"code": "9", "status": "401"}]}
        assert asked.headers["accept"] == "application/json"
        self.searches += 1
        if self.searches == self.expire_at:
            self.tokens += 1
            return 401, {"errors": [{"code": "9", "status": "401"}]}
        self.between()
        entity = Entity("customer", self.rows, frozenset(COLUMNS))
        try:
            found = search({}, entity, asked.body)
        except CriteriaError as error:
            self.refused.append(error.detail)
            return 400, {"errors": [{"code": error.code, "detail": error.detail}]}
        rows = [rendered({}, entity, r, asked.body, asked.body.get("includes")) for r in found.records]
        return 200, {"total": found.total, "data": rows, "aggregations": []}


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def customer(number: int, created: datetime = START - timedelta(days=9), **values: Any) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    key = f"{(number * 7919) % 1000:032x}"
    return {
        **row,
        "id": key,
        "customerNumber": str(number),
        "company": f"C{number}",
        "createdAt": text(created),
        **values,
    }


def shopware(server: Any, page_size: int = 3, secret: str = "very-secret", **more: Any) -> Connector:
    auth = {"client_id": "ID", "client_secret": secret}
    return connect(
        "shopware", base_url=server.url, auth=auth, page_size=page_size, allow_insecure_loopback=True, **more
    )


def test_customers_created_in_one_instant_fill_pages_without_loss_or_double(loopback: Serve) -> None:
    shop = Shop()
    shop.rows = [customer(n) for n in range(1, 12)]
    batches = list(shopware(loopback(shop)).read("customers"))
    ids = [i for b in batches for i in b.frame["record_id"]]
    assert sorted(ids) == sorted(r["id"] for r in shop.rows)
    assert sum(b.pages for b in batches) == 4 and batches[-1].complete


def test_an_increment_sees_what_was_edited_and_what_was_never_edited(loopback: Serve) -> None:
    shop = Shop()
    old = START - timedelta(days=400)
    shop.rows = [customer(1, old), customer(2, old), customer(3, old)]
    server = loopback(shop)
    connector = shopware(server)
    cursor = list(connector.read("customers"))[-1].cursor
    server.now = START + timedelta(days=1)
    shop.rows[0]["updatedAt"] = text(server.now - timedelta(hours=3))
    shop.rows.append(customer(4, server.now - timedelta(hours=2)))
    seen = pl.concat([b.frame for b in connector.read("customers", cursor=cursor)])
    assert sorted(seen["customer_number"]) == ["1", "4"]
    assert seen.sort("customer_number")["updated_at"].to_list() == [
        (server.now - timedelta(hours=3)).replace(tzinfo=None),
        (server.now - timedelta(hours=2)).replace(tzinfo=None),
    ]


def test_the_crm_number_in_custom_fields_is_a_text_column(loopback: Serve) -> None:
    shop = Shop()
    shop.rows = [customer(1, customFields={"hubspot_company_id": 4711}, vatIds=["DE123"]), customer(2)]
    frame = next(iter(shopware(loopback(shop)).read("customers"))).frame.sort("customer_number")
    assert frame["crm_company_id"].to_list() == ["4711", None]
    assert frame["vat_id"].to_list() == ["DE123", None]


def test_one_token_serves_all_streams_and_an_expired_one_is_renewed_once(loopback: Serve) -> None:
    shop = Shop()
    shop.rows = [customer(n) for n in range(1, 8)]
    shop.expire_at = 2
    connector = shopware(loopback(shop))
    assert sum(b.received for b in connector.read("customers")) == 7
    assert shop.tokens == 3, "the first, the one that ended it, and its successor"


def test_wrong_credentials_are_one_sentence_without_them(loopback: Serve) -> None:
    with pytest.raises(AuthError) as caught:
        list(shopware(loopback(Shop()), secret="not-it-at-all").read("customers"))
    assert "not-it-at-all" not in str(caught.value)


def test_a_higher_limit_is_an_option(loopback: Serve) -> None:
    server = loopback(Shop())
    shopware(server, options={"rates": {"default": 2000}})
    with pytest.raises(ConfigError, match="no rate 'exports'"):
        shopware(server, options={"rates": {"exports": 5}})
    with pytest.raises(ConfigError, match="whole number"):
        shopware(server, options={"rates": {"default": 0}})


ACTION = st.tuples(st.sampled_from(["add", "edit", "remove"]), st.integers(0, 20))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.lists(ACTION, max_size=10), min_size=1, max_size=4), same=st.booleans())
def test_converges_while_the_shop_goes_on(loopback: Serve, rounds: list[list[tuple[str, int]]], same: bool) -> None:
    """Changes happen before each page; one quiet pass with reconciliation afterwards shows the state of the shop."""
    shop = Shop()
    shop.rows = [customer(n) for n in range(1, 6)]
    server = loopback(shop)
    connector = shopware(server, lookback="1m")
    landed: dict[str, Row] = {}
    cursor: str | None = None
    pending: list[tuple[str, int]] = []
    number = 5

    def between() -> None:
        nonlocal number
        server.now += timedelta(seconds=0 if same else 20)
        if not pending:
            return
        action, which = pending.pop()
        if action == "add":
            number += 1
            shop.rows.append(customer(number, server.now))
        elif shop.rows and action == "edit":
            chosen = shop.rows[which % len(shop.rows)]
            chosen["company"] += "!"
            chosen["updatedAt"] = text(server.now)
        elif shop.rows:
            shop.rows.remove(shop.rows[which % len(shop.rows)])

    shop.between = between
    for actions in rounds:
        pending.extend(actions)
        cursor = pass_over(connector, landed, cursor, reconcile=False)
    while pending:
        between()
    shop.between = lambda: None
    pass_over(connector, landed, cursor, reconcile=True)
    assert not shop.refused
    assert {k: v["company"] for k, v in landed.items()} == {r["id"]: r["company"] for r in shop.rows}


def pass_over(connector: Connector, landed: dict[str, Row], cursor: str | None, reconcile: bool) -> str | None:
    for batch in connector.read("customers", cursor=cursor, reconcile=reconcile):
        landed.update({r["record_id"]: r for r in batch.frame.to_dicts()})
        if batch.complete:
            cursor = batch.cursor
        if batch.present_ids is not None:
            for gone in landed.keys() - set(batch.present_ids):
                del landed[gone]
    return cursor


def test_no_stream_cuts_its_own_entity_to_names(loopback: Serve) -> None:
    shop = Shop()
    server = loopback(shop)
    connector = shopware(server)
    for name, stream in connector.vendor.streams.items():
        list(connector.read(name))
        assert stream.entity not in server.asked[-1].body["includes"]
        assert server.asked[-1].path == f"/api/search/{stream.entity.replace('_', '-')}"
