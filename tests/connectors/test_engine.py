"""Reading a stream: paging, resuming, guards, cursors. The vendor is HubSpot, its answers are made up here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import orjson
import pytest

from connectors import PaginationStuck, SourceError, UnexpectedContent, connect, http

ARCHIVED = {"results": [], "paging": None}


def deal(number: int, modified: str = "2026-06-01T00:00:00Z", **properties: Any) -> dict[str, Any]:
    changed = {"hs_lastmodifieddate": modified, **properties}
    return {"id": str(number), "properties": changed, "createdAt": modified, "updatedAt": modified, "archived": False}


class Portal:
    """Five pages of deals by list; a search over the same deals with HubSpot's cap; faults where a test wants them."""

    def __init__(self, deals: list[dict[str, Any]], page: int = 100, cap: int = 10_000) -> None:
        self.deals, self.page, self.cap = deals, page, cap
        self.archive: list[dict[str, Any]] = []
        self.broken: Callable[[Any], tuple[Any, ...] | None] = lambda asked: None

    def __call__(self, asked: Any) -> tuple[Any, ...]:
        broken = self.broken(asked)
        if broken is not None:
            return broken
        if asked.method == "POST":
            return self.search(asked.body)
        start = int(asked.query.get("after", 0))
        rows = self.archive if asked.query.get("archived") else self.deals
        return 200, self.answer(rows, start, int(asked.query.get("limit", 100)))

    def answer(self, rows: list[dict[str, Any]], start: int, size: int) -> dict[str, Any]:
        found: dict[str, Any] = {"results": rows[start : start + size]}
        if start + size < len(rows):
            found["paging"] = {"next": {"after": str(start + size)}}
        return found

    def search(self, body: dict[str, Any]) -> tuple[Any, ...]:
        rows = self.deals
        for f in body["filterGroups"][0]["filters"]:
            if f["propertyName"] == "hs_object_id":
                rows = [r for r in rows if int(r["id"]) > int(f["value"])]
            elif f["operator"] == "EQ":
                rows = [r for r in rows if millis(r) == int(f["value"])]
            else:
                rows = [r for r in rows if millis(r) >= int(f["value"])]
        by_id = body["sorts"][0]["propertyName"] == "hs_object_id"
        rows = sorted(rows, key=lambda r: (int(r["id"]),) if by_id else (millis(r), int(r["id"])))
        start = int(body.get("after", 0))
        if start + body["limit"] > self.cap:
            return 400, {"status": "error", "message": "paging beyond the cap"}
        return 200, self.answer(rows, start, body["limit"])


def millis(record: dict[str, Any]) -> int:
    moment = datetime.fromisoformat(record["properties"]["hs_lastmodifieddate"])
    return int(moment.timestamp() * 1000)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_backoff", lambda failures: 0.0)


def hubspot(server: Any, **wish: Any) -> Any:
    wish.setdefault("options", {"rates": {"default": 100_000, "search": 100_000}})
    return connect("hubspot", base_url=server.url, auth={"token": "t0ken-canary"}, allow_insecure_loopback=True, **wish)


def ids(batches: list[Any]) -> list[str]:
    return [i for b in batches for i in b.frame["record_id"].to_list()]


def test_a_page_that_fails_for_good_keeps_the_pages_before_it_and_costs_two_requests_later(
    loopback: Callable[..., Any],
) -> None:
    portal = Portal([deal(n) for n in range(500)])
    server = loopback(portal)
    portal.broken = lambda asked: (500, {}) if asked.query.get("after") == "300" else None
    kept = []
    with pytest.raises(SourceError):
        for batch in hubspot(server).read("deals"):
            kept.append(batch)
    assert len(ids(kept)) == 300 and not any(b.complete for b in kept)
    portal.broken = lambda asked: None
    server.asked.clear()
    rest = list(hubspot(server).read("deals", resume=kept[-1].resume))
    listed = [a for a in server.asked if not a.query.get("archived")]
    assert len(listed) == 2
    assert ids(kept + rest) == [str(n) for n in range(500)]
    assert rest[-1].complete and rest[-1].cursor


def test_every_batch_is_a_place_to_go_on_from(loopback: Callable[..., Any]) -> None:
    portal = Portal([deal(n) for n in range(250)])
    portal.archive = [deal(900 + n) for n in range(150)]
    server = loopback(portal)
    whole = list(hubspot(server).read("deals"))
    for cut in range(1, len(whole)):
        rest = list(hubspot(server).read("deals", resume=whole[cut - 1].resume))
        assert ids(whole[:cut] + rest) == ids(whole)
        assert rest[-1].cursor == whole[-1].cursor


def test_the_archive_shows_as_deleted(loopback: Callable[..., Any]) -> None:
    portal = Portal([deal(1)])
    portal.archive = [{**deal(2), "archived": True}]
    batches = list(hubspot(loopback(portal)).read("deals"))
    flags = {i: d for b in batches for i, d in zip(b.frame["record_id"], b.frame["is_deleted"], strict=True)}
    assert flags == {"1": False, "2": True}


def test_the_losers_of_a_merge_become_tombstones_that_name_the_winner(loopback: Callable[..., Any]) -> None:
    portal = Portal([deal(1, hs_merged_object_ids="7;8")])
    (first, *_) = hubspot(loopback(portal)).read("deals")
    rows = {r["record_id"]: (r["is_deleted"], r["merged_into"]) for r in first.frame.to_dicts()}
    assert rows == {"1": (False, None), "7": (True, "1"), "8": (True, "1")}
    assert first.received == 3


def test_the_cursor_is_the_vendors_clock_at_the_start_whatever_the_records_say(loopback: Callable[..., Any]) -> None:
    server = loopback(Portal([deal(1, "2099-01-01T00:00:00Z"), deal(2, "2001-01-01T00:00:00Z")]))
    *_, last = hubspot(server).read("deals")
    assert orjson.loads(last.cursor)["since"] == "2026-06-30T06:00:00"
    server.now = datetime.fromisoformat("2026-06-29T06:00:00+00:00")  # the vendor's clock jumps back
    *_, later = hubspot(server).read("deals", cursor=last.cursor)
    assert orjson.loads(later.cursor)["since"] == "2026-06-30T06:00:00"


def test_an_increment_reads_again_what_the_lookback_covers_and_the_boundary_itself(
    loopback: Callable[..., Any],
) -> None:
    moments = ["2026-06-30T05:44:59Z", "2026-06-30T05:45:00Z", "2026-06-30T05:45:00Z", "2026-06-30T06:00:00Z"]
    server = loopback(Portal([deal(n, m) for n, m in enumerate(moments)]))
    *_, last = hubspot(server).read("deals")
    assert ids(list(hubspot(server).read("deals", cursor=last.cursor))) == ["1", "2", "3"]
    assert ids(list(hubspot(server, lookback="1s").read("deals", cursor=last.cursor))) == ["3"]
    assert len(ids(list(hubspot(server).read("deals", cursor=last.cursor, since=date(2026, 6, 1))))) == 4


def test_a_first_read_since_a_day_asks_only_for_what_changed_since(loopback: Callable[..., Any]) -> None:
    server = loopback(Portal([deal(1, "2025-12-31T00:00:00Z"), deal(2, "2026-01-01T00:00:00Z")]))
    assert ids(list(hubspot(server).read("deals", since=date(2026, 1, 1)))) == ["2"]


def test_more_hits_than_the_cap_are_read_by_new_anchors_even_within_one_instant(
    loopback: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors import hubspot as declared

    monkeypatch.setattr(declared, "SEARCH_CAP", 600)
    early = [deal(n, f"2026-06-30T06:0{n % 7}:00Z") for n in range(1000)]
    tied = [deal(2000 + n, "2026-06-30T06:30:00Z") for n in range(1600)]
    after = [deal(9000, "2026-06-30T06:30:00.001Z"), deal(9001, "2026-06-30T07:00:00Z")]
    portal = Portal([*early, *tied, *after], cap=600)
    server = loopback(portal)
    found = ids(list(hubspot(server, lookback="1s").read("deals", cursor='{"since":"2026-06-30T06:00:00"}')))
    assert set(found) == {r["id"] for r in portal.deals}


def test_ties_that_fill_the_page_at_the_cap_are_no_circle(
    loopback: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors import hubspot as declared

    monkeypatch.setattr(declared, "SEARCH_CAP", 600)
    rows = [deal(n, "2026-06-30T06:01:00Z" if n < 400 else "2026-06-30T06:02:00Z") for n in range(900)]
    server = loopback(Portal(rows, cap=600))
    found = ids(list(hubspot(server, lookback="1s").read("deals", cursor='{"since":"2026-06-30T06:00:00"}')))
    assert set(found) == {str(n) for n in range(900)}


@pytest.mark.parametrize("marks", [["a", "a"], ["a", "b", "a"], [str(n) for n in range(1000)]])
def test_paging_in_a_circle_ends_without_moving_the_cursor(loopback: Callable[..., Any], marks: list[str]) -> None:
    left = iter(marks)
    server = loopback(lambda asked: (200, {"results": [deal(1)], "paging": {"next": {"after": next(left)}}}))
    batches = []
    with pytest.raises(PaginationStuck):
        for batch in hubspot(server).read("deals"):
            batches.append(batch)
    assert len(server.asked) <= 4 and not any(b.cursor for b in batches)


def test_an_empty_page_with_a_next_one_is_not_the_end(loopback: Callable[..., Any]) -> None:
    def answer(asked: Any) -> tuple[Any, ...]:
        if asked.query.get("archived") or asked.query.get("after") == "x":
            return 200, {"results": [] if asked.query.get("archived") else [deal(1)]}
        return 200, {"results": [], "paging": {"next": {"after": "x"}}}

    assert ids(list(hubspot(loopback(answer)).read("deals"))) == ["1"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error", "message": "no"},
        {"items": []},
        {"results": None},
        "<html>login</html>",
        "",
        {"results": [], "paging": 7},
    ],
)
def test_a_good_status_with_a_bad_body_is_an_error_and_never_nothing_new(
    loopback: Callable[..., Any], answer: Any
) -> None:
    server = loopback(lambda asked: (200, answer))
    with pytest.raises(UnexpectedContent):
        list(hubspot(server).read("deals"))


def test_a_foreign_next_never_gets_the_token(loopback: Callable[..., Any]) -> None:
    foreign = loopback(lambda asked: (200, {"results": []}))
    following = {"after": "2", "link": foreign.url + "/crm?after=2"}
    pages = [{"results": [deal(1)], "paging": {"next": following}}, {"results": [deal(2)]}, {"results": []}]
    server = loopback(lambda asked: (200, pages.pop(0)))
    assert ids(list(hubspot(server).read("deals"))) == ["1", "2"]
    assert foreign.asked == []


def test_one_bad_record_is_set_aside_and_counted(loopback: Callable[..., Any]) -> None:
    server = loopback(Portal([deal(1), deal(2, amount="twelve"), deal(3, amount="12.5")]))
    (first, *_) = hubspot(server).read("deals")
    assert first.received == 3 and ids([first]) == ["1", "3"]
    (reject,) = first.rejects
    assert (reject.record_id, reject.reason_code, reject.field_path) == ("2", "unparseable_number", "properties.amount")
    assert "twelve" not in reject.message and "twelve" in reject.record


def test_children_are_asked_for_in_batches_with_their_labels_and_beyond_the_first_answer(
    loopback: Callable[..., Any],
) -> None:
    portal = Portal([deal(1), deal(2)])

    def links(asked: Any) -> tuple[Any, ...] | None:
        if not asked.path.startswith("/crm/associations"):
            return None
        _, _, _, _, parent, other, *_ = asked.path.split("/")
        if (parent, other) != ("deals", "companies"):
            return 207, {"status": "COMPLETE", "results": [], "errors": [{"category": "OBJECT_NOT_FOUND"}]}
        kinds = [{"typeId": 5, "label": "Decision maker"}, {"typeId": 6, "label": None}]
        if asked.body["inputs"][0].get("after") == "77":
            return 200, {"results": [{"from": {"id": "1"}, "to": [{"toObjectId": 11, "associationTypes": kinds[1:]}]}]}
        first = {
            "from": {"id": "1"},
            "to": [{"toObjectId": 10, "associationTypes": kinds}],
            "paging": {"next": {"after": "77"}},
        }
        return 207, {"status": "COMPLETE", "results": [first], "errors": [{"category": "NO_ASSOCIATIONS_FOUND"}]}

    portal.broken = links
    found = list(hubspot(loopback(portal)).read("associations"))
    rows = {i for i in ids(found) if i.startswith("deals:")}
    assert rows == {"deals:1:companies:10:5", "deals:1:companies:10:6", "deals:1:companies:11:6"}
    assert found[-1].complete


def test_check_asks_every_stream_for_one_record_and_names_what_is_missing(loopback: Callable[..., Any]) -> None:
    portal = Portal([])
    portal.broken = lambda asked: (403, {"category": "MISSING_SCOPES"}) if "/tickets" in asked.path else None
    findings = hubspot(loopback(portal)).check()
    assert [f.subject for f in findings if not f.ok] == ["tickets"]
    assert all("t0ken-canary" not in f.message for f in findings)
