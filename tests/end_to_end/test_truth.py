"""How near the pipeline comes to what really happened in a simulated company: who is who, and who was in which phase.

Prints its figures; run it with `-s` to see them. One company was at hand when the rules were written, the other was not.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl
import pytest
import requests
import sqlalchemy as sa

from orchestration import settings
from orchestration.run import Exit
from sandbox.server import SECRETS
from tests.end_to_end.conftest import RECORD, Company, company
from warehouse import Ledger, tables

pytestmark = pytest.mark.slow

PRECISION, RECALL, DAYS_RIGHT = 0.99, 0.85, 0.90
SEEDS = {"known": 1, "unseen": 11}


@pytest.fixture(scope="module", params=SEEDS)
def market(
    request: pytest.FixtureRequest, plain_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """Four hundred accounts, run once."""
    for found in company(tmp_path_factory.mktemp("market"), seed=SEEDS[request.param], accounts=400):
        assert found.first.code in (Exit.PUBLISHED, Exit.WARNINGS), found.first.sentence
        yield found


def is_shown(market: Company, record: dict[str, str]) -> bool:
    """Whether HubSpot has this record, archived or not; another vendor's record counts as shown."""
    if record["source_system"] != "hubspot":
        return True
    kind = {"account": "companies", "contact": "contacts"}[record["entity_type"]]
    address = f"{market.sandbox.url}/hubspot/crm/objects/2026-09/{kind}/{record['source_record_id']}"
    headers = {"Authorization": f"Bearer {SECRETS['HUBSPOT_TOKEN']}"}
    answers = [
        requests.get(address, params={"archived": a}, headers=headers, timeout=60).status_code
        for a in ("false", "true")
    ]
    assert set(answers) <= {200, 404}
    return 200 in answers


def test_every_record_is_counted_once(market: Company) -> None:
    """By the ledger nothing received is lost; and who stands in a vendor's system is one record here.

    But for those that were refused, that their vendor deleted or merged into another, or that it shows to nobody: HubSpot
    forgets what was archived ninety days ago.
    """
    chosen = settings.load(market.config)
    ledger = Ledger(chosen.ledger_url)
    received = ledger.rows(sa.select(tables.stream_run))
    assert sum(r["received"] for r in received) > 60_000
    for r in received:
        assert r["received"] == r["new"] + r["unchanged"] + r["superseded"] + r["quarantined"], r["stream"]
    explained = {(r["vendor"], r["record_id"]) for r in ledger.rows(sa.select(tables.quarantine))}
    with duckdb.connect(str(chosen.build_file), read_only=True) as connection:
        raw = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        raw += connection.execute("select view_name from duckdb_views() where schema_name = 'raw'").fetchall()
        for (table,) in raw:
            gone = connection.execute(f'select record_id from raw."{table}" where is_deleted').fetchall()
            explained |= {(table.split("__")[0], record_id) for (record_id,) in gone}
    ours = market.known_records().select(RECORD)
    assert ours.unique().height == ours.height
    missing = market.sandbox.truth("identity").join(ours, on=RECORD, how="anti")
    unexplained = [
        r
        for r in missing.iter_rows(named=True)
        if (r["source_system"], r["source_record_id"]) not in explained and is_shown(market, r)
    ]
    assert unexplained == []


def pairs(frame: pl.DataFrame, *columns: str) -> int:
    sizes = frame.group_by(columns).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())


@pytest.mark.parametrize("entity", ["account", "contact"])
def test_identity(market: Company, entity: str) -> None:
    records = market.identities().filter(pl.col("entity_type") == entity)
    both = pairs(records, "true_id", "entity_key")
    precision = both / max(pairs(records, "entity_key"), 1)
    recall = both / pairs(records, "true_id")
    print(
        f"\n{entity}: {records.height} records, precision {precision:.4f} (target {PRECISION}),"
        f" recall {recall:.4f} (target {RECALL})"
    )
    assert precision >= PRECISION
    assert recall >= RECALL


def account_days(market: Company) -> pl.DataFrame:
    """Each true account and day with the true phase and ours: that of the entity with most touchpoints."""
    with duckdb.connect(str(market.published), read_only=True) as connection:
        # A timestamp with a zone is counted by the day of UTC, as the truth is.
        connection.execute("set TimeZone = 'UTC'")
        visits = connection.execute(
            "select account_key as entity_key, journey_phase_code as got, visit_number,"
            " cast(entered_at as date) as on_date, touchpoint_count from fct_journey_phase"
        ).pl()
    touched = visits.group_by("entity_key").agg(pl.col("touchpoint_count").sum())
    owners = (
        market.owners()
        .join(touched, on="entity_key")
        .sort("touchpoint_count", "entity_key", descending=[True, False])
        .unique("true_id", keep="first", maintain_order=True)
    )
    # Of several visits that begin on one day the last one counts.
    last = (
        visits.join(owners.select("entity_key", "true_id"), on="entity_key")
        .sort("true_id", "on_date", "visit_number")
        .unique(["true_id", "on_date"], keep="last", maintain_order=True)
        .sort("on_date")
    )
    return (
        market.sandbox.truth("phase")
        .sort("on_date")
        .join_asof(
            last.select("true_id", "on_date", "got"),
            on="on_date",
            by="true_id",
            strategy="backward",
            check_sortedness=False,  # it cannot be checked within groups; both sides are sorted above
        )
        .with_columns(pl.col("got").fill_null("none"))
    )


def test_phases(market: Company) -> None:
    days = account_days(market)
    right = float((days["got"] == days["journey_phase_code"]).cast(pl.Float64).mean())  # type: ignore[arg-type]
    confusion = days.pivot(on="got", index="journey_phase_code", values="on_date", aggregate_function="len").fill_null(
        0
    )
    print(f"\naccount-days: {days.height}, right {right:.4f}, target {DAYS_RIGHT:.2f}; rows are true, columns ours")
    with pl.Config(tbl_cols=20, tbl_rows=20):
        print(confusion)
    assert right >= DAYS_RIGHT
