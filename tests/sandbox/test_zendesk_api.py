"""Zendesk's API over HTTP, held against its documentation and recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.server import SECRETS, Sandbox, serve

BEARER = {"Authorization": f"Bearer {SECRETS['ZENDESK_TOKEN']}"}


def get(sandbox: Sandbox, path: str, status: int = 200, **query: Any) -> Any:
    url = path if path.startswith("http") else f"{sandbox.base_url('zendesk')}/api/v2/{path}"
    answer = requests.get(url, params=query, headers=BEARER, timeout=20)
    assert answer.status_code == status, answer.text
    return answer.json()


def exported(sandbox: Sandbox, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
    """Every record of an export, followed by the addresses that the answers give."""
    page = get(sandbox, path, start_time=1, **query)
    rows = list(page[key])
    while not page["end_of_stream"]:
        page = get(sandbox, page.get("after_url") or page["next_page"])
        rows += page[key]
    return rows


def test_only_the_bearer_opens_the_desk(sandbox: Sandbox) -> None:
    url = sandbox.base_url("zendesk") + "/api/v2/groups.json"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        assert requests.get(url, headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize(("kind", "size"), [("tickets", 100), ("users", 30)])
def test_a_cursor_export_gives_each_record_once(sandbox: Sandbox, kind: str, size: int) -> None:
    rows = exported(sandbox, f"incremental/{kind}/cursor.json", kind, per_page=size)
    store = sandbox.company.store
    known = store.support_tickets if kind == "tickets" else store.support_users
    assert len({r["id"] for r in rows}) == len(rows) == len(known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("incremental/organizations.json", "organizations"),
        ("incremental/ticket_events.json", "ticket_events"),
        ("incremental/ticket_metric_events.json", "ticket_metric_events"),
    ],
)
def test_a_time_export_is_complete_though_it_repeats_seconds(sandbox: Sandbox, path: str, key: str) -> None:
    small = exported(sandbox, path, key, per_page=50)
    assert {r["id"] for r in small} == {r["id"] for r in exported(sandbox, path, key)}
    assert len(small) >= len({r["id"] for r in small})


def test_an_export_continues_from_its_last_cursor_after_time_has_passed() -> None:
    with serve(seed=4, accounts=60) as running:
        page = get(running, "incremental/tickets/cursor.json", start_time=1)
        touched = {t["id"]: t["generated_timestamp"] for t in page["tickets"]}
        assert get(running, "incremental/tickets/cursor.json", cursor=page["after_cursor"])["tickets"] == []
        running.advance(30)
        later = get(running, "incremental/tickets/cursor.json", cursor=page["after_cursor"])["tickets"]
        now = {
            t["id"]: t["generated_timestamp"]
            for t in get(running, "incremental/tickets/cursor.json", start_time=1)["tickets"]
        }
        assert {t["id"] for t in later} == {key for key, time in now.items() if touched.get(key) != time}
        assert later


def test_deleted_tickets_stay_in_the_export_and_leave_the_listing(sandbox: Sandbox) -> None:
    exports = exported(sandbox, "incremental/tickets/cursor.json", "tickets")
    deleted = {t["id"] for t in exports if t["status"] == "deleted"}
    assert deleted == {t.id for t in sandbox.company.store.support_tickets if t.status == "deleted"}
    listed = {t["id"] for t in get(sandbox, "tickets.json", **{"page[size]": 100})["tickets"]}
    assert not listed & deleted


def test_what_was_said_is_shown_only_when_asked_for(sandbox: Sandbox) -> None:
    def comments(**query: Any) -> list[dict[str, Any]]:
        events = get(sandbox, "incremental/ticket_events.json", start_time=1, **query)["ticket_events"]
        return [c for e in events for c in e["child_events"] if c["event_type"] == "Comment"]

    assert comments() and not any("body" in c for c in comments())
    assert all(c["body"] for c in comments(include="comment_events"))


def test_status_changes_lead_to_the_status_of_the_ticket(sandbox: Sandbox) -> None:
    tickets = {t["id"]: t["status"] for t in exported(sandbox, "incremental/tickets/cursor.json", "tickets")}
    last: dict[int, str] = {}
    for event in exported(sandbox, "incremental/ticket_events.json", "ticket_events"):
        for child in event["child_events"]:
            last[event["ticket_id"]] = child.get("status", last.get(event["ticket_id"], ""))
    assert last == tickets


def test_ratings_page_by_cursor_and_filter_by_score(sandbox: Sandbox) -> None:
    page, rows = get(sandbox, "satisfaction_ratings.json", **{"page[size]": 20}), []
    while True:
        rows += page["satisfaction_ratings"]
        if not page["meta"]["has_more"]:
            break
        page = get(sandbox, page["links"]["next"])
    assert len({r["id"] for r in rows}) == len(rows) == len(sandbox.company.store.ratings)
    bad = get(sandbox, "satisfaction_ratings.json", score="bad", **{"page[size]": 100})["satisfaction_ratings"]
    assert [r["id"] for r in bad] == [r["id"] for r in rows if r["score"] == "bad"][:100]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("incremental/tickets/cursor.json", {}, 400),
        ("incremental/tickets/cursor.json", {"cursor": "nonsense"}, 400),
        ("incremental/tickets/cursor.json", {"start_time": 9999999999}, 422),
        ("satisfaction_ratings.json", {"score": "great"}, 400),
        ("groups.json", {"page": 101}, 400),
        ("nothing.json", {}, 404),
    ],
)
def test_a_wrong_question_is_refused(sandbox: Sandbox, path: str, query: dict[str, Any], status: int) -> None:
    assert "error" in get(sandbox, path, status, **query)


def test_exports_are_limited_to_ten_a_minute_and_say_so() -> None:
    with serve(seed=2, accounts=5, rate_limits="documented") as running:
        url = running.base_url("zendesk") + "/api/v2/incremental/users/cursor.json?start_time=1"
        answers = [requests.get(url, headers=BEARER, timeout=10) for _ in range(11)]
        assert [a.status_code for a in answers] == [200] * 10 + [429]
        refused = answers[-1]
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["zendesk-ratelimit-incremental-exports"].startswith("total=10; remaining=0; resets=")
        assert answers[0].headers["x-rate-limit"] == answers[0].headers["ratelimit-limit"] == "700"
        assert requests.get(running.base_url("zendesk") + "/api/v2/groups.json", headers=BEARER, timeout=10).ok


# Fields that only a plan or product has which this desk does not: custom statuses, answer bot, chat.
OF_OTHER_PLANS = {"custom_status_id", "satisfaction_probability", "chat_only"}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("ticket", "incremental/tickets/cursor.json"),
        ("user", "incremental/users/cursor.json"),
        ("organization", "incremental/organizations.json"),
        ("group", "groups.json"),
        ("ticket_field", "ticket_fields.json"),
    ],
)
def test_records_have_the_fields_and_kinds_of_recorded_ones(
    sandbox: Sandbox, shared: Path, kind: str, path: str
) -> None:
    file = shared / f"vendors/recordings/zendesk/go_zendesk/{kind}.json"
    recorded = json.loads(file.read_text(encoding="utf-8"))[kind]
    for row in get(sandbox, path, start_time=1)[f"{kind}s"]:
        assert set(recorded) - OF_OTHER_PLANS <= set(row)
        for name, value in recorded.items():
            if value is not None and row.get(name) is not None:
                assert type(row[name]) is type(value), name
