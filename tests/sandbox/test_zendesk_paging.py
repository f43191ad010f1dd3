"""Zendesk's two ways of exporting, held against what its documentation promises for any set of records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vendors.zendesk import Refused, by_cursor, by_time, listing, touched
from sandbox.vendors.zendesk_shapes import ticket

NOW = datetime(2026, 6, 30, 6, 0, tzinfo=UTC)
URL = "http://127.0.0.1/zendesk/api/v2/incremental/tickets.json"
START = str(int((NOW - timedelta(hours=1)).timestamp()))

# Seconds before now at which records were touched; few different values, so that seconds are shared.
moments = st.lists(st.integers(0, 200).map(lambda n: n // 7 * 7), max_size=40)


def rows(ages: list[int]) -> list[dict[str, Any]]:
    return [ticket(i, NOW - timedelta(hours=1), NOW - timedelta(seconds=age)) for i, age in enumerate(ages, start=1)]


def due(ages: list[int]) -> set[int]:
    return {i for i, age in enumerate(ages, start=1) if age >= 60}


@given(moments, st.integers(1, 9))
def test_a_cursor_export_gives_each_due_record_once_and_withholds_the_last_minute(ages: list[int], size: int) -> None:
    asked, seen, records = {"start_time": START, "per_page": str(size)}, [], rows(ages)
    while True:
        page = by_cursor("tickets", records, asked, URL, NOW)
        seen += [r["id"] for r in page["tickets"]]
        if page["end_of_stream"]:
            break
        asked = {"cursor": page["after_cursor"], "per_page": str(size)}
    assert len(seen) == len(set(seen))
    assert set(seen) == due(ages)


@given(moments, st.integers(1, 9))
def test_a_cursor_kept_after_the_end_finds_only_what_is_touched_later(ages: list[int], size: int) -> None:
    records = rows(ages)
    page = by_cursor("tickets", records, {"start_time": START}, URL, NOW)
    later = NOW + timedelta(minutes=5)
    again = by_cursor("tickets", records, {"cursor": page["after_cursor"]}, URL, later)
    assert {r["id"] for r in again["tickets"]} == set(range(1, len(ages) + 1)) - due(ages)


@given(moments, st.integers(1, 9))
def test_a_time_export_never_splits_a_second_and_reaches_its_end(ages: list[int], size: int) -> None:
    asked, seen, records = {"start_time": START, "per_page": str(size)}, set(), rows(ages)
    for _ in range(len(ages) + 2):
        page = by_time("tickets", records, touched, asked, URL, NOW)
        times = {int(touched(r)) for r in page["tickets"]}
        for time in times:
            assert {r["id"] for r in records if int(touched(r)) == time} == {
                r["id"] for r in page["tickets"] if int(touched(r)) == time
            }
        seen |= {r["id"] for r in page["tickets"]}
        if page["end_of_stream"]:
            break
        asked = {**asked, "start_time": str(page["end_time"])}
    else:
        pytest.fail("no end of stream")
    assert seen == due(ages)


def test_the_next_page_by_time_begins_with_the_last_second_again() -> None:
    records = rows([90, 80, 80, 70])
    first = by_time("tickets", records, touched, {"start_time": START, "per_page": "2"}, URL, NOW)
    assert [r["id"] for r in first["tickets"]] == [1, 2, 3] and not first["end_of_stream"]
    second = by_time("tickets", records, touched, {"start_time": str(first["end_time"]), "per_page": "2"}, URL, NOW)
    assert [r["id"] for r in second["tickets"]] == [2, 3, 4] and second["end_of_stream"]


def test_a_start_within_the_last_minute_or_none_at_all_is_refused() -> None:
    recent = str(int(NOW.timestamp()) - 30)
    with pytest.raises(Refused, match="Too recent"):
        by_cursor("tickets", [], {"start_time": recent}, URL, NOW)
    with pytest.raises(Refused):
        by_cursor("tickets", [], {}, URL, NOW)
    with pytest.raises(Refused):
        by_cursor("tickets", [], {"cursor": "!"}, URL, NOW)


@given(st.integers(0, 30), st.integers(1, 9))
def test_cursor_paged_listings_give_each_record_once(count: int, size: int) -> None:
    records, asked, seen = rows([100] * count), {"page[size]": str(size)}, []
    while True:
        page = listing("tickets", records, asked, URL, "")
        seen += [r["id"] for r in page["tickets"]]
        if not page["meta"]["has_more"]:
            assert page["links"]["next"] is None
            break
        asked = {"page[size]": str(size), "page[after]": page["meta"]["after_cursor"]}
    assert seen == list(range(1, count + 1))


def test_offset_paging_ends_at_page_100() -> None:
    assert listing("tickets", rows([100] * 3), {"per_page": "2"}, URL, "")["count"] == 3
    with pytest.raises(Refused, match="Depth"):
        listing("tickets", rows([100]), {"page": "101"}, URL, "")
