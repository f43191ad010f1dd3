"""Quarantine through its door: seen, healed, replayed, discarded; nothing personal in the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.source import SCHEMA, Record, Refusal, frame_of, page
from warehouse import DecisionError, IntegrityError, Landing, Ledger, Quarantine, replay

BAD = Refusal('{"id":"a","amount":"seven Bergstrasse"}', "a")


@pytest.fixture
def quarantine(ledger: Ledger, data: Path) -> Quarantine:
    return Quarantine(ledger, data)


def land(ledger: Ledger, data: Path, *args: object, run: str = "run1") -> None:
    landing = Landing(ledger, data, run)
    landing.write("shop", "default", page(*args, complete=True))  # type: ignore[arg-type]
    landing.finish_stream("shop", "default", "things")


def parse(amount: int, at: int):  # type: ignore[no-untyped-def]
    def one(_vendor: str, _stream: str, text: str) -> tuple[pl.DataFrame, list[Refusal]]:
        if "Bergstrasse" not in text:
            return pl.DataFrame(schema=SCHEMA), [Refusal(text)]
        return frame_of([Record(json.loads(text)["id"], at, amount)]), []

    return one


def test_the_ledger_holds_codes_and_places_but_no_values(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD])
    row = quarantine.list()[0]
    assert (row["reason_code"], row["field_path"], row["record_id"]) == ("type_mismatch", "amount", "a")
    ledger.close()
    assert b"Bergstrasse" not in (data / "ledger.sqlite").read_bytes()
    assert quarantine.counts()[0]["rows"] == 1


def test_looking_at_a_record_is_audited(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD])
    row = quarantine.list()[0]
    assert quarantine.show(row["quarantine_id"][:8], by="steward")["record"] == BAD.record
    assert [e["action"] for e in ledger.audit_trail()] == ["quarantine.show"]


def test_the_same_refusal_is_one_row(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    for run in ("r1", "r2"):
        land(ledger, data, [], [BAD, BAD], run=run)
    assert [(r["seen_count"], r["status"]) for r in quarantine.list()] == [(4, "open")]
    assert quarantine.records(quarantine.list()) == {quarantine.list()[0]["quarantine_id"]: BAD.record}


def test_a_later_good_version_heals(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD], run="r1")
    land(ledger, data, [Record("b", 1, 1)], run="r2")
    assert len(quarantine.list()) == 1
    land(ledger, data, [Record("a", 2, 7)], run="r3")
    assert [r["status"] for r in quarantine.list(status=None)] == ["superseded"]
    land(ledger, data, [], [BAD], run="r4")
    assert [r["status"] for r in quarantine.list(status=None)] == ["open"]


def test_replay_lands_what_is_good_now(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD, Refusal("{still bad}", "z")])
    done = replay(ledger, data, "replay1", parse(7, 1), by="steward")
    assert (done.replayed, done.superseded, done.still_refused) == (1, 0, 1)
    again = replay(ledger, data, "replay2", parse(7, 1), by="steward")
    assert (again.replayed, again.still_refused) == (0, 1)
    files = [pl.read_parquet(f) for f in data.glob("raw/shop/default/things/*.parquet")]
    assert pl.concat(files)["amount"].to_list() == [7]


def test_replay_never_overwrites_a_newer_version(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [Record("a", 9, 99)], run="r1")
    land(ledger, data, [], [BAD], run="r2")
    assert replay(ledger, data, "replay", parse(7, 1), by="steward").superseded == 1


def test_replay_can_be_narrowed(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD])
    assert replay(ledger, data, "r", parse(7, 1), by="s", reason_code="other").replayed == 0
    assert replay(ledger, data, "r", parse(7, 1), by="s", ids=["nothing"]).replayed == 0
    assert replay(ledger, data, "r", parse(7, 1), by="s", vendor="shop", stream="things").replayed == 1


def test_a_discarded_row_stays_closed(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD], run="r1")
    quarantine.discard([quarantine.list()[0]["quarantine_id"]], by="steward", reason="test data")
    land(ledger, data, [], [BAD], run="r2")
    assert quarantine.list() == []
    assert [r["status"] for r in quarantine.list(status=None)] == ["discarded"]
    assert ledger.audit_trail()[-1]["action"] == "quarantine.discarded"


@pytest.mark.parametrize(("who", "reason"), [("", "x"), ("me", " ")])
def test_a_decision_needs_a_name_and_a_reason(
    quarantine: Quarantine, ledger: Ledger, data: Path, who: str, reason: str
) -> None:
    land(ledger, data, [], [BAD])
    with pytest.raises(DecisionError):
        quarantine.discard([quarantine.list()[0]["quarantine_id"]], by=who, reason=reason)


@pytest.mark.parametrize("identity", ["nothing", "", "%", "_" * 32])
def test_an_unknown_id_is_told(quarantine: Quarantine, ledger: Ledger, data: Path, identity: str) -> None:
    land(ledger, data, [], [BAD])
    with pytest.raises(DecisionError):
        quarantine.show(identity, by="steward")


def test_records_no_utf8_can_hold_are_kept_legibly(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [Refusal('{"name":"\ud800"}', "\ud800", reason_code="bad_encoding")])
    row = quarantine.list()[0]
    assert quarantine.records([row])[row["quarantine_id"]] == '{"name":"\\ud800"}'


def test_a_changed_file_is_not_believed(quarantine: Quarantine, ledger: Ledger, data: Path) -> None:
    land(ledger, data, [], [BAD])
    path = next(data.glob("raw/shop/default/things/rejects/*.parquet"))
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        quarantine.show(quarantine.list()[0]["quarantine_id"], by="steward")
