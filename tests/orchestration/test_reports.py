"""What the command line reports, decides, replays and exports, over small data folders made by the warehouse itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from connectors import VENDORS, Reject
from connectors.contract import typed
from connectors.decoding import decode
from insight.tables import SCHEMAS
from orchestration import reports
from orchestration.replay import replay
from orchestration.settings import ConfigError, Settings, load
from orchestration.work import raw_schemas
from warehouse import Build, DecisionError, Issues, Landing, Ledger, LockHeld, Publisher, Quarantine, run_lock

STREAM = VENDORS["hubspot"].streams["companies"]


@dataclass(frozen=True)
class Page:
    frame: pl.DataFrame
    rejects: list[Reject] = field(default_factory=list)
    stream: str = "companies"
    received: int = 1
    resume: str | None = None
    cursor: str | None = None
    complete: bool = False
    present_ids: pl.Series | None = None
    requests: int = 1
    pages: int = 1
    waited_seconds: float = 0.0
    server_time: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    rule_id: str = "mart_x.amount_positive"
    severity: str = "critical"
    success: bool = False
    failing: int = 1
    keys: tuple[str, ...] = ("k1",)
    message: str = "an amount is negative"


def company(hour: int, also: str = "") -> str:
    at = f"2026-01-01T{hour:02d}:00:00Z"
    return f'{{"id":"1"{also},"properties":{{}},"createdAt":"{at}","updatedAt":"{at}","archived":false}}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "wegpunkt.toml"
    file.write_text('[[source]]\nvendor = "hubspot"\nbase_url = "https://api.hubapi.com"\n')
    return load(file)


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    return ledger


def land(settings: Settings, ledger: Ledger, *texts: str, refused: Iterable[str] = ()) -> None:
    _, raws = decode(f"[{','.join(texts)}]".encode(), "test", "")
    frame, rejects = typed(STREAM, raws)
    rejects += [Reject("1", "type_mismatch", "properties", "properties is no object", text) for text in refused]
    with run_lock(settings.data):
        ledger.start_run("r1")
        landing = Landing(ledger, settings.data, "r1")
        landing.write("hubspot", "default", Page(frame, rejects, received=frame.height + len(rejects)))
        landing.finish_stream("hubspot", "default", "companies")
        ledger.finish_run("r1", exit_code=0)


def current(settings: Settings, ledger: Ledger) -> list[tuple[Any, ...]]:
    build = Build(settings.data, ledger, raw_schemas())
    build.refresh_raw()
    with build.connect(read_only=True) as connection:
        return connection.execute("select record_id, updated_at from raw.hubspot__companies").fetchall()


def publish(settings: Settings, ledger: Ledger) -> None:
    settings.marts_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.marts_file)) as connection:
        connection.execute("""create table mart_x as select * from (values
            ('=1+1', -5.50::decimal(18,2)), ('+49', 1), ('-x', 2), ('@x', 3), (chr(9) || 'x', 4), (chr(13) || 'x', 5),
            ('a=b', 6), (null, 7)) as t(label, amount)""")
    Publisher(settings.data, ledger).publish(settings.marts_file, "r1")


# --- state


def test_nothing_ran_here_is_a_sentence(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="start with `wegpunkt run`"):
        reports.status(settings)


def test_status_tells_runs_streams_and_generation(settings: Settings, ledger: Ledger) -> None:
    assert reports.status(settings)[1][-1] == "nothing is published yet"
    land(settings, ledger, company(1))
    publish(settings, ledger)
    document, lines = reports.status(settings)
    assert [r["run_id"] for r in document["runs"]] == ["r1"]
    assert any(line.startswith("published ") for line in lines)
    assert any("hubspot.companies: incomplete" in line for line in lines)
    json.dumps(document, default=str)


def test_verify_finds_a_changed_part(settings: Settings, ledger: Ledger) -> None:
    land(settings, ledger, company(1))
    assert reports.verify(settings)[2]
    part = next((settings.data / "raw").rglob("*.parquet"))
    part.chmod(0o600)
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    document, lines, good = reports.verify(settings)
    assert not good and len(document["findings"]) == 1 and lines[0].startswith("error: ")


def test_doctor_finds_a_lost_publication(settings: Settings, ledger: Ledger) -> None:
    publish(settings, ledger)
    assert reports.doctor(settings)[2]
    settings.published_file.unlink()
    _, lines, good = reports.doctor(settings)
    assert not good and any("is missing" in line and "wegpunkt run" in line for line in lines)


# --- quarantine


def test_refused_record_is_listed_shown_and_discarded(settings: Settings, ledger: Ledger) -> None:
    land(settings, ledger, refused=[company(1)])
    document, lines = reports.quarantine(settings)
    (row,) = document["quarantine"]
    assert "type_mismatch" in lines[0] and "record" not in row
    shown, _ = reports.quarantine_show(settings, row["quarantine_id"][:8])
    assert shown["record"] == company(1)
    with pytest.raises(DecisionError, match="--reason"):
        reports.quarantine_discard(settings, row["quarantine_id"], " ", "steward")
    reports.quarantine_discard(settings, row["quarantine_id"], "a test record", "steward")
    assert reports.quarantine(settings)[1] == ["nothing is refused"]
    assert [e["action"] for e in ledger.audit_trail()] == ["quarantine.show", "quarantine.discarded"]
    with pytest.raises(ConfigError, match="wegpunkt quarantine list"):
        reports.quarantine_show(settings, "ffff")


def test_replay_lands_what_passes_now_and_only_once(settings: Settings, ledger: Ledger) -> None:
    land(settings, ledger, refused=[company(1)])
    assert replay(settings, "hubspot").startswith("1 landed, 0 overtaken by newer versions, 0 still refused")
    assert current(settings, ledger) == [("1", datetime(2026, 1, 1, 1))]
    assert replay(settings, None).startswith("0 landed, 0 overtaken")
    assert {r["status"] for r in ledger.runs()} == {"finished"}


def test_replay_never_replaces_a_newer_version(settings: Settings, ledger: Ledger) -> None:
    land(settings, ledger, company(5))
    land(settings, ledger, refused=[company(1)])
    assert replay(settings, None).startswith("0 landed, 1 overtaken")
    assert current(settings, ledger) == [("1", datetime(2026, 1, 1, 5))]


@pytest.mark.parametrize(
    "text",
    [
        company(1, ',"id":"2"'),
        company(1).replace("{}", '{"name":"\\udc80"}'),
        company(1).replace("{}", '{"a":1e999}'),
        company(1).replace("{}", '{"a":NaN}'),
        company(1) + "," + company(2),
        company(1)[:-1],
        "[1]",
    ],
)
def test_replay_refuses_what_the_contract_refuses(settings: Settings, ledger: Ledger, text: str) -> None:
    land(settings, ledger, refused=[text])
    assert replay(settings, None).startswith("0 landed, 0 overtaken by newer versions, 1 still refused")
    assert len(Quarantine(ledger, settings.data).list()) == 1


def test_replay_waits_for_no_run_and_knows_its_vendors(settings: Settings, ledger: Ledger) -> None:
    with run_lock(settings.data), pytest.raises(LockHeld):
        replay(settings, None)
    with pytest.raises(ConfigError, match="no vendor"):
        replay(settings, "hubspto")


# --- quality


def test_waiver_needs_reason_name_and_a_near_end(settings: Settings, ledger: Ledger) -> None:
    rule, today = Outcome().rule_id, datetime.now(UTC).date()
    Issues(ledger).record("r1", "mart_x", [Outcome()], urls={"k1": "https://example.test/k1"})
    assert reports.quality(settings)[1][1].strip() == "k1  https://example.test/k1"
    good = str(today + timedelta(days=7))
    for reason, by, until in (("", "me", good), ("known", "", good), ("known", "me", str(today + timedelta(days=40)))):
        with pytest.raises(DecisionError) as refusal:
            reports.waive(settings, rule, reason, by, until)
        assert refusal.value.exit_code == 50
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        reports.waive(settings, rule, "known", "me", "tomorrow")
    reports.waive(settings, rule, "known", "me", good)
    assert f"waived until {good}" in reports.quality(settings)[1][0]
    reports.unwaive(settings, rule, "me")
    assert "waived" not in reports.quality(settings)[1][0]
    with pytest.raises(DecisionError, match="no waiver"):
        reports.unwaive(settings, rule, "me")
    Issues(ledger).record("r2", "mart_x", [replace(Outcome(), success=True)])
    assert reports.quality(settings)[1] == ["no rule fails"]


# --- who is who


@pytest.fixture
def known(settings: Settings, ledger: Ledger) -> Settings:
    """Three records of one account (a-b-c), a second account (d) that a veto between c and d keeps apart, and a third."""
    build = Build(settings.data, ledger, {})
    people = [("hubspot", "a", "k1"), ("shopware", "b", "k1"), ("zendesk", "c", "k1"), ("odoo", "d", "k2"), ("odoo", "e", "k3")]  # fmt: skip
    identity = [("account", s, "default", i, k, "r", 1, "vat", 1) for s, i, k in people]
    edges = [
        ("account", "hubspot", "default", "a", "shopware", "default", "b", "same_vat", 9.0, "same VAT id", "merged"),
        ("account", "zendesk", "default", "c", "shopware", "default", "b", "same_domain", 5.0, "same domain", "merged"),
        (
            "account",
            "zendesk",
            "default",
            "c",
            "odoo",
            "default",
            "d",
            "other_vat",
            -9.0,
            "different VAT ids",
            "vetoed",
        ),
    ]
    for table, rows in (("identity", identity), ("identity_edge", edges)):
        frame = pl.DataFrame(rows, schema=list(SCHEMAS[table]), orient="row")
        build.write_table("insight", table, frame, SCHEMAS[table])
    return settings


def test_identity_path_is_the_shortest_and_says_why(known: Settings) -> None:
    document, lines = reports.identity_explain(known, "hubspot:a", "zendesk/default:c")
    assert document["same"] and [s["rule_id"] for s in document["path"]] == ["same_vat", "same_domain"]
    assert lines[0].endswith("are one account") and "same VAT id" in lines[1]


def test_identity_names_the_veto_of_their_other_records(known: Settings) -> None:
    document, lines = reports.identity_explain(known, "hubspot:a", "odoo:d")
    assert not document["same"] and document["path"] == []
    assert [(s["a"], s["b"], s["decision"]) for s in document["against"]] == [("zendesk:c", "odoo:d", "vetoed")]
    assert "different VAT ids" in lines[1]
    assert "nothing was found" in reports.identity_explain(known, "hubspot:a", "odoo:e")[1][1]


@pytest.mark.parametrize(("a", "sentence"), [("hubspot", "names no record"), ("hubspot:zz", "not both known")])
def test_identity_refuses_what_it_does_not_know(known: Settings, a: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        reports.identity_explain(known, a, "odoo:d")


def test_identity_before_it_was_worked_out(settings: Settings, ledger: Ledger) -> None:
    Build(settings.data, ledger, {}).refresh_raw()
    with pytest.raises(ConfigError, match="not worked out yet"):
        reports.identity_explain(settings, "hubspot:a", "odoo:d")


# --- export


def test_csv_cells_cannot_start_a_formula(settings: Settings, ledger: Ledger, tmp_path: Path) -> None:
    publish(settings, ledger)
    before = settings.published_file.read_bytes()
    assert "8 rows" in reports.export(settings, "mart_x", "csv", tmp_path / "x.csv")
    frame = pl.read_csv(tmp_path / "x.csv", infer_schema=False)
    assert frame["label"].to_list() == ["'=1+1", "'+49", "'-x", "'@x", "'\tx", "'\rx", "a=b", None]
    assert frame["amount"][0] == "-5.50"
    reports.export(settings, "mart_x", "parquet", tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet")["label"][0] == "=1+1"
    assert settings.published_file.read_bytes() == before


def test_export_refusals_say_what_to_write(settings: Settings, ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run `wegpunkt run` first"):
        reports.export(settings, "mart_x", "csv", tmp_path / "x.csv")
    publish(settings, ledger)
    for table, kind, to, sentence in (
        ("mart_y", "csv", tmp_path / "x.csv", "did you mean mart_x"),
        ("mart_x", "xlsx", tmp_path / "x.csv", "csv or parquet"),
        ("mart_x", "csv", tmp_path / "absent" / "x.csv", "there is no folder"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            reports.export(settings, table, kind, to)
