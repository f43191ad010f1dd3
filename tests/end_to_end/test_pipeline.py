"""The whole pipeline against a simulated company: what a run must leave behind, and how it ends when it cannot go on.

The tests of one module share a company and run in order: the first look at one run, the later ones go on from there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
import requests
from typer.testing import CliRunner

from orchestration import settings
from orchestration.cli import app
from orchestration.execute import execute
from orchestration.run import Exit
from tests.end_to_end.conftest import ROOT, Company, subprocess_environment
from warehouse import tables

PUBLISHED = (Exit.PUBLISHED, Exit.WARNINGS)
PHASES = ("awareness", "consideration", "decision", "purchase", "retention", "growth", "advocacy", "exit")
TABLES = {
    "fct_customer_journey",
    "fct_journey_phase",
    "fct_journey_cycle",
    "fct_order_line",
    "fct_service_case",
    "fct_survey_response",
    "fct_consent",
    "dim_account",
    "dim_contact",
    "dim_channel",
    "dim_touchpoint_type",
    "dim_journey_phase",
    "dim_campaign",
    "dim_product",
    "dim_date",
    "bridge_account_contact",
    "bridge_identity",
    *(f"mart_phase_{phase}" for phase in PHASES),
    "mart_journey_phase_month",
    "mart_retention_target",
    "mart_growth_target",
    "mart_score_quality",
}
ADDRESS = re.compile(rb"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,}")


def test_run_publishes_one_generation(small: Company) -> None:
    assert small.first.code in PUBLISHED, small.first.sentence
    assert small.query("select count(*) from publish_info") == [(1,)]
    assert small.generation() == small.first.numbers["generation"]


def test_every_table_is_published_and_the_facts_have_rows(small: Company) -> None:
    rows = dict(small.query("select table_name, estimated_size from duckdb_tables()"))
    assert set(rows) >= TABLES
    assert not [t for t in ("fct_customer_journey", "fct_journey_phase", "dim_account", "dim_contact") if not rows[t]]


def test_countries_are_codes_whatever_a_source_calls_them(small: Company) -> None:
    codes = dict(small.query("select country_code, count(*) from dim_account group by 1"))
    assert set(codes) <= {"DE", "AT", "CH", "US", None}
    assert codes["DE"] > sum(codes.values()) / 2


def test_no_record_is_lost_on_the_way_into_the_landing(small: Company) -> None:
    runs = small.ledger(tables.stream_run)
    assert len({r["stream"] for r in runs}) > 20
    for r in runs:
        counted = [r[name] for name in ("new", "unchanged", "superseded", "quarantined")]
        assert r["received"] == sum(int(str(n)) for n in counted), r
    first = [r for r in runs if r["run_id"] == small.first.numbers["run_id"]]
    assert [r["stream"] for r in first if r["status"] != "complete"] == []


def test_raw_tables_hold_each_landed_record_once(small: Company) -> None:
    landed: dict[str, set[tuple[object, ...]]] = {}
    for part in small.ledger(tables.part):
        if part["kind"] != "rejects":
            ids = pl.read_parquet(small.data / str(part["path"]), columns=["record_id"])["record_id"]
            landed.setdefault(f"{part['vendor']}__{part['stream']}", set()).update((part["instance"], i) for i in ids)
    assert len(landed) > 20
    with duckdb.connect(str(settings.load(small.config).build_file), read_only=True) as connection:
        for table, records in landed.items():
            rows = connection.execute(f'select source_instance, record_id from raw."{table}"').fetchall()
            assert len(rows) == len(records) and set(rows) == records, table


@pytest.mark.parametrize("table", ["mart_retention_target", "mart_growth_target"])
def test_nobody_is_selected_without_permission(small: Company, table: str) -> None:
    wrong = small.query(
        f"select count(*) from {table} where is_selected"
        " and (target_contact_key is null or not (can_contact_email or can_contact_phone))"
    )
    assert wrong == [(0,)]
    by_consent = small.query(
        f"select count(*) from {table} as t inner join fct_consent as c on t.target_contact_key = c.contact_key"
        " where t.is_selected and t.can_contact_email and c.is_current and not c.is_granted"
        " and c.channel_code = 'email' and c.purpose_code = 'marketing'"
    )
    assert by_consent == [(0,)]


def test_every_published_column_has_a_comment(small: Company) -> None:
    bare = small.query(
        "select table_name, column_name from duckdb_columns() where not internal and comment is null order by all"
    )
    assert bare == []


def test_no_mail_address_stands_in_the_published_file(small: Company) -> None:
    known = set()
    for part in small.ledger(tables.part):
        for record in pl.read_parquet(small.data / str(part["path"]), columns=["record"])["record"]:
            known |= {found.group() for found in ADDRESS.finditer((record or "").encode())}
    assert len(known) > 100
    # Among millions of compressed bytes some look like an address by chance: they must be one that came in.
    assert {found.group() for found in ADDRESS.finditer(small.published.read_bytes())} & known == set()
    # Blocks may be compressed: the values themselves are looked at as well.
    texts = small.query(
        "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and not internal"
    )
    for table, column in texts:
        found = small.query(
            f"""select "{column}" from {table} where regexp_matches("{column}", '[^\\s@]+@[^\\s@]+\\.[a-z]') limit 1"""
        )
        assert found == [], f"{table}.{column}"


# --- how a run ends when it cannot go on


def run(config: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["run", "--config", str(config), *words])
    return result.exit_code, result.output


def changed(small: Company, old: str, new: str) -> Path:
    """A configuration beside the company's own, with one thing wrong."""
    text = small.config.read_text()
    assert old in text
    file = small.config.with_name("wrong.toml")
    file.write_text(text.replace(old, new, 1))
    return file


def test_unknown_key_is_a_configuration_error(small: Company) -> None:
    before = small.generation()
    code, said = run(changed(small, "base_url", "base_ulr"))
    assert code == Exit.CONFIG, said
    assert "base_url" in said, "names the key that was meant"
    assert small.generation() == before


def test_wrong_token_is_a_configuration_error(small: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    before = small.generation()
    monkeypatch.setenv("WRONG_TOKEN", "not-the-token-of-anybody")
    code, said = run(changed(small, "env:HUBSPOT_TOKEN", "env:WRONG_TOKEN"), "--source", "hubspot")
    assert code == Exit.CONFIG, said
    assert "not-the-token-of-anybody" not in said
    assert small.generation() == before


def test_unreachable_host_is_a_failed_source(small: Company) -> None:
    before = small.generation()
    # Port 9 of loopback: nothing listens there.
    code, said = run(
        changed(small, f"{small.sandbox.url}/zendesk", "http://127.0.0.1:9/zendesk"), "--source", "zendesk"
    )
    assert code == Exit.SOURCE_FAILED, said
    assert small.generation() == before


HOLDER = """
import sys
from pathlib import Path
from warehouse import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_run_at_once_is_refused(small: Company) -> None:
    before = small.generation()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(small.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=subprocess_environment(),
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        code, said = run(small.config)
    finally:
        holder.communicate(timeout=30)
    assert code == Exit.LOCKED, said
    assert str(holder.pid) in said
    assert small.generation() == before


# --- later runs


def test_run_with_nothing_new_publishes_nothing(small: Company) -> None:
    before, ledger_before = small.generation(), len(small.ledger(tables.generation))
    again = execute(small.config)
    assert again.code == Exit.PUBLISHED, again.sentence
    assert again.numbers["changed"] == 0 and again.numbers["generation"] is None
    assert small.generation() == before
    assert len(small.ledger(tables.generation)) == ledger_before


def test_a_fault_outside_of_all_steps_does_not_look_like_a_run_without_news(
    small: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise TypeError("results must be yielded in another order")

    monkeypatch.setattr("orchestration.sources.dg.MaterializeResult", broken)
    ended = execute(small.config, until="extract")
    assert ended.code is Exit.STORAGE and "nothing was published: TypeError: results must be" in ended.sentence
    assert small.ledger(tables.run)[-1]["exit_code"] == Exit.STORAGE


def test_thirty_days_later_the_new_records_are_published(small: Company) -> None:
    before = small.generation()
    requests.post(f"{small.sandbox.url}/_sandbox/advance", json={"days": 30}, timeout=120).raise_for_status()
    later = execute(small.config)
    assert later.code in PUBLISHED, later.sentence
    assert later.numbers["changed"] > 0
    assert small.generation() == later.numbers["generation"] != before
    test_no_record_is_lost_on_the_way_into_the_landing(small)
    test_raw_tables_hold_each_landed_record_once(small)
    test_no_mail_address_stands_in_the_published_file(small)
