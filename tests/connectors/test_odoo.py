"""Odoo's connector against a made-up server that keeps the real one's habits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import AuthError, Connector, ScopeError, Unreachable, connect, engine

Row = dict[str, Any]
Serve = Callable[[Callable[[Any], tuple[Any, ...]]], Any]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
}


class Server:
    """JSON-RPC as Odoo 14 speaks it: errors with status 200, false for empty, seconds for instants."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.hidden: set[int] = set()
        self.failure: Row | None = None
        self.broken = False

    def __call__(self, asked: Any) -> tuple[Any, ...]:
        params = asked.body["params"]
        if self.broken:
            return 500, "down"
        if params["service"] == "common":
            database, user, password = params["args"]
            return 200, reply(7 if (database, user, password) == ("shop", "reader", "very-secret") else False)
        if self.failure is not None:
            return 200, {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": self.failure}}
        database, number, password, _, method, (domain,), keywords = params["args"]
        assert (database, number, password, method) == ("shop", 7, "very-secret", "search_read")
        assert keywords["context"]["active_test"] is False
        found = [r for r in self.rows if all(OPERATORS[o](r[f], v) for f, o, v in domain)]
        page = sorted(found, key=lambda r: r["id"])[: keywords["limit"]]
        return 200, reply(
            [{f: r.get(f, False) for f in keywords["fields"]} for r in page if r["id"] not in self.hidden]
        )


def reply(result: Any) -> Row:
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def partner(number: int, **values: Any) -> Row:
    base = {"id": number, "name": f"P{number}", "is_company": True, "active": True}
    return {**base, "write_date": "2026-06-01 10:00:00", "create_date": "2026-06-01 10:00:00", **values}


def odoo(server: Any, password: str = "very-secret", page_size: int = 2, **more: Any) -> Connector:
    auth = {"database": "shop", "user": "reader", "password": password}
    return connect("odoo", base_url=server.url, auth=auth, page_size=page_size, allow_insecure_loopback=True, **more)


def test_reads_everything_although_one_import_wrote_all_in_one_instant(loopback: Serve) -> None:
    desk = Server()
    desk.rows = [partner(n) for n in range(1, 8)]
    batches = list(odoo(loopback(desk)).read("partners"))
    assert [i for b in batches for i in b.frame["record_id"]] == [str(n) for n in range(1, 8)]
    assert batches[-1].complete and batches[-1].present_ids is not None
    assert batches[-1].present_ids.to_list() == [str(n) for n in range(1, 8)]


def test_false_is_empty_and_a_reference_is_an_id(loopback: Serve) -> None:
    desk = Server()
    desk.rows = [partner(1, parent_id=[4, "Parent, Ltd"], vat=False, is_company=False, active=False)]
    row = next(iter(odoo(loopback(desk)).read("partners"))).frame.to_dicts()[0]
    assert (row["parent_id"], row["vat"], row["is_company"]) == ("4", None, False)
    assert row["is_deleted"] is True
    assert row["updated_at"] is None, "write_date does not order versions"
    assert row["written_at"] == datetime(2026, 6, 1, 10)
    assert '"vat": false' in row["record"]


def test_an_archived_lead_is_a_lost_one_and_not_deleted(loopback: Serve) -> None:
    desk = Server()
    desk.rows = [partner(1, active=False, lost_reason=[3, "Too expensive"], probability=0.0)]
    row = next(iter(odoo(loopback(desk)).read("leads"))).frame.to_dicts()[0]
    assert (row["is_deleted"], row["active"], row["lost_reason_name"]) == (False, False, "Too expensive")


def test_a_page_shortened_by_access_rules_is_not_the_last(loopback: Serve) -> None:
    desk = Server()
    desk.rows = [partner(n, model="crm.lead", message_type="email") for n in range(1, 8)]
    desk.hidden = {2, 3}
    batches = list(odoo(loopback(desk), page_size=3).read("messages"))
    assert [i for b in batches for i in b.frame["record_id"]] == ["1", "4", "5", "6", "7"]


def test_a_large_server_is_read_by_write_date_between_spaced_whole_passes(loopback: Serve) -> None:
    desk = Server()
    desk.rows = [partner(n) for n in range(1, 8)]
    server = loopback(desk)
    connector = odoo(server, options={"reconcile_hours": 24})
    cursor = list(connector.read("partners"))[-1].cursor
    server.now += timedelta(hours=3)
    desk.rows[2] |= {"name": "P3!", "write_date": (server.now - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")}
    batches = list(connector.read("partners", cursor=cursor))
    assert [i for b in batches for i in b.frame["record_id"]] == ["3"] and batches[-1].present_ids is None
    server.now += timedelta(hours=24)
    cursor = list(connector.read("partners", cursor=batches[-1].cursor))[-1].cursor  # tells the time
    del desk.rows[0]
    whole = list(connector.read("partners", cursor=cursor))
    assert whole[-1].present_ids is not None and "1" not in whole[-1].present_ids


def test_goes_on_after_the_page_that_failed(loopback: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BATCH_RECORDS", 1)  # a batch a page: the read is given up after the first one
    desk = Server()
    desk.rows = [partner(n) for n in range(1, 8)]
    server = loopback(desk)
    first = next(iter(odoo(server).read("partners")))
    before = len(server.asked)
    rest = list(odoo(server).read("partners", resume=first.resume))
    assert [i for b in rest for i in b.frame["record_id"]] == ["3", "4", "5", "6", "7"]
    assert rest[-1].present_ids is None, "half a pass does not prove what vanished"
    assert len(server.asked) - before == 1 + 3, "one login and the three pages that were missing"


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ({"name": "odoo.exceptions.AccessDenied", "message": "Access Denied"}, AuthError),
        ({"name": "odoo.exceptions.AccessError", "message": "You are not allowed"}, ScopeError),
        ({"name": "odoo.exceptions.UserError", "message": "Object survey.x doesn't exist"}, ScopeError),
    ],
)
def test_says_what_kind_of_error_came_with_status_200(loopback: Serve, failure: Row, error: type[Exception]) -> None:
    desk = Server()
    desk.failure = failure
    with pytest.raises(error):
        list(odoo(loopback(desk)).read("partners"))


def test_a_wrong_password_is_one_sentence_without_it(loopback: Serve) -> None:
    with pytest.raises(AuthError) as caught:
        list(odoo(loopback(Server()), password="other-secret").read("partners"))
    assert "other-secret" not in str(caught.value)


ACTIONS = st.lists(st.tuples(st.sampled_from(["add", "edit", "silent", "remove"]), st.integers(0, 9)), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(ACTIONS, min_size=1, max_size=3))
def test_converges_though_merges_move_no_write_date_and_deletions_leave_no_trace(
    loopback: Serve, rounds: list[list[tuple[str, int]]]
) -> None:
    desk = Server()
    connector = odoo(loopback(desk), page_size=3)
    landed: dict[str, Row] = {}
    cursor: str | None = None
    number = 0
    for actions in [[("add", 0)] * 4, *rounds]:
        for action, which in actions:
            if action == "add":
                number += 1
                desk.rows.append(partner(number))
            elif desk.rows:
                chosen = desk.rows[which % len(desk.rows)]
                if action == "remove":
                    desk.rows.remove(chosen)
                else:
                    chosen["name"] += "!"
                    if action == "edit":
                        chosen["write_date"] = "2026-06-29 10:00:00"
        cursor = pass_over(connector, landed, cursor)
        assert landed.keys() == {str(r["id"]) for r in desk.rows}
        assert {k: v["name"] for k, v in landed.items()} == {str(r["id"]): r["name"] for r in desk.rows}


def pass_over(connector: Connector, landed: dict[str, Row], cursor: str | None) -> str | None:
    """What a landing does: the newest version counts, and what a whole pass did not meet is gone."""
    for batch in connector.read("partners", cursor=cursor):
        landed.update({r["record_id"]: r for r in batch.frame.to_dicts()})
        if batch.complete:
            cursor = batch.cursor
            assert isinstance(batch.present_ids, pl.Series)
            for gone in landed.keys() - set(batch.present_ids):
                del landed[gone]
    return cursor


def test_a_server_that_is_down_is_unreachable(loopback: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Server()
    desk.broken = True
    connector = odoo(loopback(desk))
    monkeypatch.setattr(connector._client, "_sleep", lambda seconds: None)
    with pytest.raises(Unreachable):
        list(connector.read("partners"))
