"""The scores against what really happened in two simulated companies that no rule was tuned on.

Each score is computed as it would have been on eight days of the last two years, with nothing that happened later: order
lines, service cases, ratings and newsletters end on that day. Accounts and days are pooled over both companies, because
one company has too few leavers a quarter to tell two scores apart. Prints its figures; run it with `-s` to see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from insight import growth, pipeline
from insight.activity import active
from insight.quality import auc, calibration_error
from insight.rhythm import order_days, rhythm
from orchestration import settings
from orchestration.run import Exit
from tests.end_to_end.conftest import Company, company

pytestmark = pytest.mark.slow

SEEDS, ACCOUNTS, HORIZON = (21, 22), 1_500, 90
DAYS_BEFORE = range(90, 90 + 8 * 60, 60)
WORTH_SHOWING = 5


@dataclass
class Judged:
    """`left`: scores, and who leaves; `offered`: recommendations and what was bought; `fits`: counts."""

    left: pl.DataFrame
    offered: pl.DataFrame
    fits: pl.DataFrame
    quality: pl.DataFrame


class Past:
    """A company's finished run, seen as of any day."""

    def __init__(self, company: Company) -> None:
        chosen = settings.load(company.config)
        compiled = next((chosen.data / "warehouse" / "dbt").rglob("compiled/**/int_score__signal.sql"))
        self.signal_sql = compiled.read_text()
        self.owners = company.owners().rename({"entity_key": "account_key"})
        self.truth = {name: company.sandbox.truth(name) for name in ("leaving", "fits")}
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(f"attach '{chosen.build_file}' as build (read_only)")
        self.connection.execute(f"attach '{company.published}' as pub (read_only)")
        self.lines = self.read("build.journey.int_score__order_line")
        self.accounts = self.read("build.journey.int_score__account")
        self.products = self.read("build.journey.int_score__product")
        self.points = self.read("build.steward.retention_signal")
        self.today: date = self.read("build.ops.run")["as_of_at"][0].date()

    def read(self, table: str) -> pl.DataFrame:
        return self.connection.execute(f"select * from {table}").pl()

    def signals(self, day: date) -> pl.DataFrame:
        """What the model of the signals gives when nothing of that day or later is known."""
        moment = f"timestamp '{day}'"
        self.connection.execute(f"create or replace temp table known_run as select {moment} as as_of_at")
        self.connection.execute(
            "create or replace temp table known_case as select * replace"
            f" (case when solved_at < {moment} then solved_at end as solved_at)"
            f" from pub.main.fct_service_case where opened_at < {moment}"
        )
        self.connection.execute(
            "create or replace temp table known_journey as"
            f" select * from pub.main.fct_customer_journey where occurred_at < {moment}"
        )
        sql = self.signal_sql
        for real, known in (
            ('"build"."ops"."run"', "known_run"),
            ('"pub"."main"."fct_service_case"', "known_case"),
            ('"pub"."main"."fct_customer_journey"', "known_journey"),
        ):
            assert real in sql
            sql = sql.replace(real, known)
        return self.connection.execute(sql).pl()

    def leaving(self, day: date) -> pl.DataFrame:
        """The scores of this day; whether an account is active, has left already, and leaves within the horizon."""
        known = self.lines.filter(pl.col("ordered_on") < day)
        days = order_days(known, day)
        table = rhythm(days, day)
        # Contracts are known for today only; without them every account is scored.
        accounts = self.accounts.with_columns(has_running_contract=pl.lit(False))
        signals = self.signals(day)
        full = pipeline.retention(table, days, accounts, signals, self.points, day).scores
        plain = pipeline.retention(table, days, accounts, signals.clear(), self.points, day).scores
        chosen = table.filter(pl.Series(active(table, days, day)))["account_key"]
        return (
            full.select("account_key", "days_silent", risk=1 - pl.col("p_order"))
            .join(plain.select("account_key", without_signals=1 - pl.col("p_order")), on="account_key")
            .drop_nulls("risk")
            .join(self.owners.join(self.truth["leaving"], on="true_id"), on="account_key")
            .with_columns(
                is_active=pl.col("account_key").is_in(chosen.implode()),
                has_left=(pl.col("left_on") < day).fill_null(False),
                leaves=(pl.col("left_on") < day + timedelta(days=HORIZON)).fill_null(False),
            )
        )

    def offered(self, day: date) -> pl.DataFrame:
        """What would have been recommended on this day, with its propensity, and whether it was bought."""
        known = self.lines.filter(pl.col("ordered_on") < day)
        table = rhythm(order_days(known, day), day)
        offers = growth.products(known, self.products, day, HORIZON, None, table, self.accounts)
        end = day + timedelta(days=HORIZON)
        bought = (
            self.lines.filter(~pl.col("is_return") & (pl.col("ordered_on") >= day) & (pl.col("ordered_on") < end))
            .select("account_key", "product_key", bought=pl.lit(True))
            .unique()
        )
        return (
            offers.drop_nulls("purchase_propensity")
            .join(bought, on=["account_key", "product_key"], how="left")
            .select("account_key", "purchase_propensity", pl.col("bought").fill_null(False))
        )

    def fits(self) -> pl.DataFrame:
        """For each account: how many of its first five recommendations fit its work, and how many of as many bestsellers."""
        numbers = self.read("pub.main.dim_product").select("product_key", "product_number")
        wanted = set(
            self.owners.join(self.truth["fits"], on="true_id")
            .join(numbers, on="product_number")
            .select("account_key", "product_key")
            .iter_rows()
        )
        owned: dict[str, set[str]] = {}
        for account, product in self.lines.select("account_key", "product_key").unique().iter_rows():
            owned.setdefault(account, set()).add(product)
        families = dict(self.products.select("product_key", "product_family").iter_rows())
        best = (
            self.lines.select("account_key", "product_key")
            .unique()
            .group_by("product_key")
            .len()
            .join(self.products.filter("is_active").select("product_key"), on="product_key")
            .sort("len", "product_key", descending=[True, False])["product_key"]
            .to_list()
        )
        ours = self.read("build.insight.recommendation").sort("score", "product_key", descending=[True, False])
        rows = []
        for (account,), offers in ours.group_by("account_key", maintain_order=True):
            has = {families.get(p) for p in owned.get(str(account), ())}
            mine = offers["product_key"].to_list()[:WORTH_SHOWING]
            # As fair as ours: nothing of a family that is owned, and one of a family.
            seen: set[str | None] = set()
            sellers = []
            for product in best:
                family = families.get(product)
                if family not in has and family not in seen:
                    seen.add(family)
                    sellers.append(product)
            hits = [sum((account, p) in wanted for p in some) for some in (mine, sellers[: len(mine)])]
            rows.append((account, len(mine), *hits))
        return pl.DataFrame(rows, schema=["account_key", "shown", "ours", "bestsellers"], orient="row")


@pytest.fixture(scope="module")
def judged(plain_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    left, offered, fits, quality = [], [], [], []
    for past in pasts(tmp_path_factory.mktemp("judged")):
        left += [past.leaving(past.today - timedelta(days=before)) for before in DAYS_BEFORE]
        offered += [past.offered(past.today - timedelta(days=before)) for before in (90, 180, 270)]
        fits.append(past.fits())
        quality.append(past.read("pub.main.mart_score_quality"))
    return Judged(*(pl.concat(frames) for frames in (left, offered, fits, quality)))


def pasts(folder: Path) -> Iterator[Past]:
    for seed in SEEDS:
        for found in company(folder / str(seed), seed=seed, accounts=ACCOUNTS):
            assert found.first.code in (Exit.PUBLISHED, Exit.WARNINGS), found.first.sentence
            past = Past(found)
            yield past
            past.connection.close()


def ranking(accounts: pl.DataFrame) -> tuple[float, float, float]:
    """AUC of leaving by silence, by the risk without signals, and by the risk; printed."""
    leaves = accounts["leaves"].to_numpy().astype(np.float64)
    silence, plain, full = (
        auc(leaves, accounts[c].to_numpy().astype(np.float64)) for c in ("days_silent", "without_signals", "risk")
    )
    print(
        f"  {accounts.height} account-days, {leaves.sum():.0f} leave; AUC silence {silence:.3f},"
        f" risk without signals {plain:.3f}, risk {full:.3f}"
    )
    return silence, plain, full


def test_who_leaves(judged: Judged) -> None:
    print(f"\nactive accounts that have not left, leaving within {HORIZON} days:")
    staying = judged.left.filter(pl.col("is_active") & ~pl.col("has_left"))
    silence, plain, full = ranking(staying)
    assert staying["leaves"].sum() > 300
    assert full >= silence + 0.03
    assert full >= plain + 0.01
    # Among all who ever bought, silence looks brilliant, because the gone stay gone; docs/scores.md says what that means.
    print("all who ever bought, gone by then:")
    ranking(judged.left)


def test_recommendations_fit_better_than_bestsellers(judged: Judged) -> None:
    shown, ours, bestsellers = (judged.fits[c].sum() for c in ("shown", "ours", "bestsellers"))
    print(
        f"\n{shown} recommendations: {ours / shown:.3f} fit the account's work, of as many bestsellers {bestsellers / shown:.3f}"
    )
    assert shown > 1_000
    assert ours > bestsellers
    replayed = judged.quality.filter(pl.col("score_code") == "recommendation")
    print(replayed.select("account_count", "recall_at_10", "recall_at_10_popularity", "coverage"))
    assert replayed.height == len(SEEDS)
    assert (replayed["recall_at_10"] > replayed["recall_at_10_popularity"]).all()


def test_propensities_are_as_often_true_as_they_say(judged: Judged) -> None:
    bought = judged.offered["bought"].to_numpy().astype(np.float64)
    said = judged.offered["purchase_propensity"].to_numpy().astype(np.float64)
    error = calibration_error(bought, said)
    print(f"\n{len(said)} propensities: said {said.mean():.4f} on average, bought {bought.mean():.4f}, ECE {error:.4f}")
    assert len(said) > 1_000
    assert error <= 0.02
