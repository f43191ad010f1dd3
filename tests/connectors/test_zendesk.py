"""Zendesk's connector against exports that page as the documentation says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import AuthError, Connector, connect
from sandbox.vendors import zendesk as paging
from sandbox.vendors import zendesk_shapes as shapes

Row = dict[str, Any]
Serve = Callable[[Callable[[Any], tuple[Any, ...]]], Any]
START = datetime(2026, 6, 30, 6, tzinfo=UTC)


class Desk:
    """Tickets, events and groups behind the exports; `server` gives the time, as the last minute is withheld."""

    def __init__(self) -> None:
        self.tickets: list[Row] = []
        self.events: list[Row] = []
        self.groups: list[Row] = []
        self.server: Any = None

    def __call__(self, asked: Any) -> tuple[Any, ...]:
        if asked.headers.get("authorization") != "Bearer very-secret":
            return 401, {"error": "Couldn't authenticate you"}
        now, url = self.server.now, f"{self.server.url}{asked.path}"
        try:
            if asked.path == "/api/v2/incremental/tickets/cursor.json":
                return 200, paging.by_cursor("tickets", self.tickets, asked.query, url, now)
            if asked.path == "/api/v2/incremental/ticket_events.json":
                assert asked.query["include"] == "comment_events"
                when: Callable[[Row], float] = lambda r: float(r["timestamp"])  # noqa: E731
                return 200, paging.by_time("ticket_events", self.events, when, asked.query, url, now)
            assert asked.path == "/api/v2/groups.json"
            return 200, paging.listing("groups", self.groups, asked.query, url, self.server.url)
        except paging.Refused as refusal:
            return refusal.status, refusal.body


def start(loopback: Serve) -> Desk:
    desk = Desk()
    desk.server = loopback(desk)
    return desk


def zendesk(desk: Desk, page_size: int = 2, token: str = "very-secret", **more: Any) -> Connector:
    options = more.pop("options", {"rates": {"exports": 100_000, "default": 100_000}})
    return connect(
        "zendesk",
        base_url=desk.server.url,
        auth={"token": token},
        page_size=page_size,
        allow_insecure_loopback=True,
        options=options,
        **more,
    )


def ticket(number: int, touched: datetime, **given: Any) -> Row:
    seen = START - timedelta(days=3)
    return shapes.ticket(number, seen, seen, touched, subject=f"T{number}", status="open", **given)


def test_an_export_goes_on_from_its_own_cursor(loopback: Serve) -> None:
    desk = start(loopback)
    desk.tickets = [ticket(n, START - timedelta(hours=10 - n)) for n in range(1, 6)]
    connector = zendesk(desk)
    batches = list(connector.read("tickets"))
    assert [i for b in batches for i in b.frame["record_id"]] == ["1", "2", "3", "4", "5"]
    desk.tickets.append(ticket(6, START - timedelta(minutes=30)))
    after = list(connector.read("tickets", cursor=batches[-1].cursor))
    assert [i for b in after for i in b.frame["record_id"]] == ["6"]
    assert "cursor" in desk.server.asked[-1].query and "start_time" not in desk.server.asked[-1].query


def test_what_the_last_minute_withholds_comes_with_the_next_pass(loopback: Serve) -> None:
    desk = start(loopback)
    desk.tickets = [ticket(1, START - timedelta(hours=1)), ticket(2, START - timedelta(seconds=10))]
    connector = zendesk(desk)
    first = list(connector.read("tickets"))
    assert [i for b in first for i in b.frame["record_id"]] == ["1"]
    desk.server.now = START + timedelta(minutes=5)
    second = list(connector.read("tickets", cursor=first[-1].cursor))
    assert [i for b in second for i in b.frame["record_id"]] == ["2"]


def test_a_ticket_has_the_systems_time_as_version_and_the_users_time_beside_it(loopback: Serve) -> None:
    desk = start(loopback)
    desk.tickets = [ticket(1, START - timedelta(hours=1), satisfaction_rating={"score": "good"})]
    desk.tickets.append(shapes.ticket(2, START, START, START - timedelta(hours=1), status="deleted"))
    rows = pl.concat([b.frame for b in zendesk(desk).read("tickets")]).to_dicts()
    assert rows[0]["updated_at"] == (START - timedelta(hours=1)).replace(tzinfo=None)
    assert rows[0]["ticket_updated_at"] == (START - timedelta(days=3)).replace(tzinfo=None)
    assert (rows[0]["satisfaction_score"], rows[0]["via_channel"]) == ("good", "web")
    assert [r["is_deleted"] for r in rows] == [False, True]


def test_a_second_that_is_larger_than_a_page_does_not_stop_a_time_based_export(loopback: Serve) -> None:
    desk = start(loopback)
    crowded, later = START - timedelta(hours=5), START - timedelta(hours=2)
    moments = [crowded] * 7 + [later, later + timedelta(seconds=1), later + timedelta(seconds=2)]
    desk.events = [shapes.ticket_event(n, 1, at, 9, []) for n, at in enumerate(moments, 1)]
    batches = list(zendesk(desk).read("ticket_events"))
    ids = [i for b in batches for i in b.frame["record_id"]]
    assert set(ids) == {str(n) for n in range(1, 11)}
    assert batches[-1].complete


def test_a_group_that_vanished_is_missing_from_the_next_whole_list(loopback: Serve) -> None:
    desk = start(loopback)
    desk.groups = [shapes.group(n, f"G{n}", START - timedelta(days=30)) for n in range(1, 6)]
    connector = zendesk(desk)
    first = list(connector.read("groups"))
    assert first[-1].present_ids is not None and len(first[-1].present_ids) == 5
    del desk.groups[2]
    second = list(connector.read("groups", cursor=first[-1].cursor))
    assert second[-1].present_ids is not None
    assert second[-1].present_ids.to_list() == ["1", "2", "4", "5"]


def test_exports_wait_for_the_documented_budget(loopback: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    desk = start(loopback)
    desk.tickets = [ticket(n, START - timedelta(hours=30 - n)) for n in range(1, 23)]
    connector = zendesk(desk, options={}, on_wait=waits.append)
    monkeypatch.setattr(connector._client, "_sleep", lambda seconds: None)
    batches = list(connector.read("tickets"))
    assert sum(b.pages for b in batches) == 11 and len(waits) == 1 and 50 < waits[0] <= 60
    assert sum(b.waited_seconds for b in batches) == pytest.approx(waits[0])


def test_a_refused_token_is_one_sentence_without_it(loopback: Serve) -> None:
    with pytest.raises(AuthError) as caught:
        list(zendesk(start(loopback), token="not-it-at-all").read("tickets"))
    assert "not-it-at-all" not in str(caught.value)


STEPS = st.lists(st.tuples(st.sampled_from(["new", "touch", "delete"]), st.integers(0, 9)), max_size=10)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(STEPS, min_size=1, max_size=4), gap=st.sampled_from([0, 1, 30, 90]))
def test_converges_whatever_is_touched_and_however_close(
    loopback: Serve, rounds: list[list[tuple[str, int]]], gap: int
) -> None:
    desk = start(loopback)
    connector = zendesk(desk)
    landed: dict[str, Row] = {}
    cursor: str | None = None
    for steps in rounds:
        for action, which in steps:
            desk.server.now += timedelta(seconds=gap)
            moment = int(desk.server.now.timestamp())
            if action == "new" or not desk.tickets:
                desk.tickets.append(ticket(len(desk.tickets) + 1, desk.server.now))
            else:
                chosen = desk.tickets[which % len(desk.tickets)]
                change = {"status": "deleted"} if action == "delete" else {"subject": chosen["subject"] + "!"}
                chosen |= change | {"_touched": moment, "generated_timestamp": moment}
        cursor = pass_over(connector, landed, cursor)
    desk.server.now += timedelta(seconds=61)
    pass_over(connector, landed, cursor)
    truth = {str(t["id"]): (t["subject"], t["status"] == "deleted") for t in desk.tickets}
    assert {k: (v["subject"], v["is_deleted"]) for k, v in landed.items()} == truth


def pass_over(connector: Connector, landed: dict[str, Row], cursor: str | None) -> str | None:
    for batch in connector.read("tickets", cursor=cursor):
        landed.update({r["record_id"]: r for r in batch.frame.to_dicts()})
        if batch.complete:
            cursor = batch.cursor
    return cursor
