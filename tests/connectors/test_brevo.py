"""Brevo's lists end at the count it tells or at an empty page; its events hang on the contacts that changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from connectors import RateExhausted, connect, engine

MOMENT = "2026-06-01T00:00:00.000Z"


def brevo(server: Any) -> Any:
    return connect("brevo", base_url=server.url, auth={"api_key": "k3y-canary"}, allow_insecure_loopback=True)


@pytest.mark.parametrize("counted", [True, False])
def test_a_server_that_allows_smaller_pages_loses_nothing(loopback: Callable[..., Any], counted: bool) -> None:
    def answer(asked: Any) -> tuple[Any, ...]:
        start = int(asked.query["offset"])
        found = [{"id": n, "modifiedAt": MOMENT} for n in range(start, min(start + 100, 250))]
        return 200, {"contacts": found, **({"count": 250} if counted else {})}

    server = loopback(answer)
    batches = list(brevo(server).read("contacts"))
    assert [i for b in batches for i in b.frame["record_id"]] == [str(n) for n in range(250)]
    assert batches[-1].complete and len(server.asked) == (3 if counted else 4)


def test_an_increment_asks_for_what_changed_since_the_lookback(loopback: Callable[..., Any]) -> None:
    server = loopback(lambda asked: (200, {"contacts": [], "count": 0}))
    list(brevo(server).read("contacts", cursor='{"since":"2026-06-30T06:00:00","reconciled_at":"2026-06-30T06:00:00"}'))
    assert [a.query.get("modifiedSince") for a in server.asked] == ["2026-06-30T05:45:00.000Z"]
    assert server.asked[0].headers["api-key"] == "k3y-canary"


def test_what_a_contact_did_with_a_campaign_becomes_events(loopback: Callable[..., Any]) -> None:
    stats = {
        "messagesSent": [{"campaignId": 3, "eventTime": MOMENT}],
        "clicked": [{"campaignId": 3, "links": [{"count": 1, "eventTime": MOMENT, "url": "https://example.com"}]}],
        "unsubscriptions": {"userUnsubscription": [{"campaignId": 3, "eventTime": MOMENT}], "adminUnsubscription": []},
    }
    contacts = {"contacts": [{"id": 7, "modifiedAt": MOMENT}], "count": 1}
    server = loopback(lambda asked: (200, stats if asked.path.endswith("campaignStats") else contacts))
    rows = [r for b in brevo(server).read("contact_events") for r in b.frame.to_dicts()]
    assert {(r["contact_id"], r["campaign_id"], r["event_type"]) for r in rows} == {
        ("7", "3", "sent"),
        ("7", "3", "clicked"),
        ("7", "3", "unsubscribed"),
    }


def test_the_hundred_an_hour_of_other_routes_end_a_read_that_can_be_resumed(loopback: Callable[..., Any]) -> None:
    def answer(asked: Any) -> tuple[Any, ...]:
        return 200, {"campaigns": [{"id": int(asked.query["offset"]), "modifiedAt": MOMENT}], "count": 120}

    server, kept = loopback(answer), []
    with pytest.raises(RateExhausted) as stopped:
        for batch in brevo(server).read("campaigns"):
            kept.append(batch)
    assert len(server.asked) == sum(b.pages for b in kept) == 100 and stopped.value.retry_at is not None
    rest = list(brevo(server).read("campaigns", resume=kept[-1].resume))
    assert sum(b.pages for b in rest) == 20 and rest[-1].complete


@pytest.mark.parametrize(
    ("reconciled", "asked_since"),
    [("2026-06-30T05:00:00", "2026-06-30T05:45:00.000Z"), ("2026-06-29T05:00:00", None)],
)
def test_once_a_day_events_are_asked_of_contacts_that_bear_no_mark_of_them(
    loopback: Callable[..., Any], reconciled: str, asked_since: str | None
) -> None:
    stats = {"opened": [{"campaignId": 3, "eventTime": MOMENT}]}
    contacts = {"contacts": [{"id": 7, "modifiedAt": MOMENT}], "count": 1}
    server = loopback(lambda asked: (200, stats if asked.path.endswith("campaignStats") else contacts))
    cursor = f'{{"since":"2026-06-30T06:00:00","reconciled_at":"{reconciled}"}}'
    batches = list(brevo(server).read("contact_events", cursor=cursor))
    assert [a.query.get("modifiedSince") for a in server.asked if a.path == "/v3/contacts"] == [asked_since]
    assert sum(b.frame.height for b in batches) == 1 and batches[-1].present_ids is None
    after = json.loads(batches[-1].cursor)["reconciled_at"]
    assert (after == reconciled) == (asked_since is not None)


def test_an_increment_that_broke_off_does_not_lend_its_place_to_the_daily_pass_over_all(
    loopback: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BATCH_RECORDS", 1)  # a batch a page: the read is given up after the first one

    def answer(asked: Any) -> tuple[Any, ...]:
        if asked.path.endswith("campaignStats"):
            return 200, {"opened": [{"campaignId": 3, "eventTime": MOMENT}]}
        start, asked_for = int(asked.query["offset"]), int(asked.query["limit"])
        found = [{"id": n, "modifiedAt": MOMENT} for n in range(start, min(start + asked_for, 6))]
        return 200, {"contacts": found, "count": 6}

    server = loopback(answer)
    source = connect(
        "brevo", base_url=server.url, auth={"api_key": "k3y-canary"}, allow_insecure_loopback=True, page_size=2
    )
    recent = '{"since":"2026-06-30T06:00:00","reconciled_at":"2026-06-30T05:00:00"}'
    broken = next(iter(source.read("contact_events", cursor=recent)))
    overdue = '{"since":"2026-06-30T06:00:00","reconciled_at":"2026-06-29T05:00:00"}'
    seen = [
        r["contact_id"]
        for b in source.read("contact_events", cursor=overdue, resume=broken.resume)
        for r in b.frame.to_dicts()
    ]
    assert sorted(seen) == [str(n) for n in range(6)]
    same = [
        r["contact_id"]
        for b in source.read("contact_events", cursor=recent, resume=broken.resume)
        for r in b.frame.to_dicts()
    ]
    assert sorted(same) == [str(n) for n in range(2, 6)], "an increment that stays one goes on where it broke off"
