"""What decoding promises: the vendor's own text, nothing inferred, and one bad record never costs its page."""

from __future__ import annotations

import json
from datetime import datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import VENDORS, Column, Stream, UnexpectedContent, contract, decoding
from connectors.spec import Cursor, Paginator, Pass

NEVER = Pass(lambda window, position: None, "results", Paginator(lambda page, position, window: None))  # type: ignore[arg-type, return-value]
STREAM = Stream(
    name="things",
    entity="thing",
    columns=(
        Column("name", "text", "p.name"),
        Column("count", "integer", "p.count"),
        Column("price", "decimal", "p.price"),
        Column("open", "boolean", "p.open"),
        Column("born_on", "date", "p.born"),
        Column("rest", "json", "p.rest"),
    ),
    increment=NEVER,
    cursor=Cursor("changed"),
)
GOOD = '{"id":"1","changed":"2026-01-02T03:04:05Z","p":{"name":"a"}}'


def page(*records: str) -> bytes:
    return ('{"results":[' + ",".join(records) + "]}").encode("utf-8", "surrogatepass")


def read(body: bytes) -> tuple[list[str], dict[str | None, str], list[str]]:
    _, raws = decoding.decode(body, "test", "results")
    frame, rejects = contract.typed(STREAM, raws)
    assert frame.height + len(rejects) == len(raws)
    return frame["record_id"].to_list(), {r.record_id: r.reason_code for r in rejects}, frame["record"].to_list()


@pytest.mark.parametrize(
    ("bad", "reason", "known"),
    [
        ('{"id":"2","p":{"name":"a","name":"b"}}', "duplicate_key", True),
        ('{"id":"2","p":{"price":NaN}}', "invalid_number", True),
        ('{"id":"2","p":{"price":1e999}}', "invalid_number", True),
        ('{"id":"2","p":{"name":"\\ud800"}}', "bad_encoding", True),
        ('{"id":"2","p":{"count":18446744073709551617}}', "lossy_cast", True),
        ('{"id":[18446744073709551617],"p":{"count":"x"}}', "unparseable_number", "[18446744073709551617]"),
        ('{"id":"\\ud800","p":{}}', "bad_encoding", "\\ud800"),
        ('{"id":"2","p":{"count":1.5}}', "lossy_cast", True),
        ('{"id":"2","p":{"price":"1.234,56"}}', "unparseable_number", True),
        ('{"id":"2","p":{"born":"2025-02-30"}}', "unparseable_date", True),
        ('{"id":"2","p":{"open":"perhaps"}}', "type_mismatch", True),
        ('{"id":"2","changed":"yesterday"}', "unparseable_date", True),
        ('{"p":{}}', "missing_key", False),
        ('"text"', "type_mismatch", False),
        ('{"id":"2","p":' + "[" * 100_000 + "]" * 100_000 + "}", "too_deep", False),
        ('{"id":"2","p":{"name":"' + "x" * 5_000_001 + '"}}', "too_large", False),
    ],
)
def test_one_bad_record_is_refused_with_its_reason_and_its_neighbours_arrive(
    bad: str, reason: str, known: bool | str
) -> None:
    last = GOOD.replace('"1"', '"3"')
    ids, reasons, texts = read(page(GOOD, bad, last))
    assert ids == ["1", "3"]
    assert reasons == {known if isinstance(known, str) else "2" if known else None: reason}
    assert texts == [GOOD, last]


def test_bytes_that_are_no_utf8_cost_their_record_only() -> None:
    broken = b'{"results":[' + GOOD.encode() + b',{"id":"2","p":{"name":"M\xfcller"}}]}'
    ids, reasons, _ = read(broken)
    assert ids == ["1"] and reasons == {"2": "bad_encoding"}


def test_a_number_beyond_a_double_stays_exact_as_text() -> None:
    _, raws = decoding.decode(page('{"id":18446744073709551617}'), "test", "results")
    frame, rejects = contract.typed(STREAM, raws)
    assert frame["record_id"].to_list() == ["18446744073709551617"] and not rejects


@pytest.mark.parametrize(
    "body", [b"<html>maintenance</html>", b"", b"null", b'{"items":[]}', b'{"results":null}', b'{"results":[{"id":']
)
def test_what_is_no_page_is_an_error_and_never_an_empty_page(body: bytes) -> None:
    with pytest.raises(UnexpectedContent):
        decoding.decode(body, "test", "results")


def test_an_instant_is_naive_utc_whatever_its_spelling() -> None:
    spellings = [
        "2026-01-02T03:04:05Z",
        "2026-01-02T04:04:05+01:00",
        "2026-01-02 03:04:05",
        1767323045,
        1767323045000,
        "1767323045000",
    ]
    records = [json.dumps({"id": str(n), "changed": s}) for n, s in enumerate(spellings)]
    _, raws = decoding.decode(page(*records), "test", "results")
    frame, rejects = contract.typed(STREAM, raws)
    assert not rejects
    assert set(frame["updated_at"].to_list()) == {datetime(2026, 1, 2, 3, 4, 5)}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.fixed_dictionaries({"id": VALUES, "changed": VALUES, "p": VALUES}), max_size=6), st.booleans())
def test_whatever_a_vendor_sends_nothing_crashes_and_no_record_disappears(records: list[object], compact: bool) -> None:
    texts = [
        json.dumps(r, separators=(",", ":"), ensure_ascii=False) if compact else json.dumps(r, indent=1)
        for r in records
    ]
    _, raws = decoding.decode(page(*texts), "test", "results")
    assert [r.text for r in raws] == texts
    for stream in (STREAM, *VENDORS["hubspot"].streams.values()):
        frame, rejects = contract.typed(stream, raws)
        assert frame.height + len(rejects) == len(records)
        assert list(frame.schema)[4:-1] == [c.name for c in stream.columns]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                GOOD,
                '{"id":"9","a":1,"a":2}',
                '{ "id" : "8", "x": [1, {"results": [1]}] }',
                '{"id":"7","s":"]},{\\"\\\\"}',
            ]
        ),
        max_size=8,
    )
)
def test_the_strict_way_cuts_exactly_the_vendors_text(records: list[str]) -> None:
    body = b'{"next": {"results": [0]}, "results" : [' + " , ".join(records).encode() + b'], "bad": "\\ud800"}'
    _, raws = decoding.decode(body, "test", "results")
    assert [r.text for r in raws] == records


def test_recorded_hubspot_records_decode_without_loss(shared) -> None:  # type: ignore[no-untyped-def]
    checked = 0
    for file in sorted((shared / "vendors/recordings/hubspot/exchanges_grouparoo").glob("*.json")):
        for exchange in orjson.loads(file.read_bytes()):
            body = exchange["response"]["body"]
            body = body if isinstance(body, dict) else {}
            if not isinstance(body.get("results"), list):
                continue
            _, raws = decoding.decode(orjson.dumps(body), "recording", "results")
            for kind in ("contacts", "companies", "deals"):
                records = [r for r in raws if isinstance(r.value, dict) and "properties" in r.value]
                frame, rejects = contract.typed(VENDORS["hubspot"].streams[kind], records)
                assert not rejects
                assert [orjson.loads(t) for t in frame["record"]] == [r.value for r in records]
                checked += frame.height
    assert checked > 100
