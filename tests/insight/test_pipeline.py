"""score_all through its door: schemas, sums, repeatability, fallbacks, and what must never be recommended."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import market
import numpy as np
import polars as pl
import pytest
from scipy.special import logit

import insight
from insight import affinity, pipeline
from insight.activity import Season
from insight.rhythm import order_days
from insight.tables import SCHEMAS, empty

SCORES = [t for t in SCHEMAS if not t.startswith("identity")]


def score(lines: pl.DataFrame, as_of: date = market.AS_OF, **other: pl.DataFrame) -> dict[str, pl.DataFrame]:
    inputs = {
        "accounts": market.accounts_of(lines),
        "products": market.products_of(lines),
        "signals": market.SIGNALS,
        "signal_points": market.POINTS,
        **other,
    }
    return pipeline.score_all(lines, as_of=as_of, **inputs)


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    return market.market(400)


@pytest.fixture(scope="module")
def scored(lines: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return score(lines)


def has_schemas(frames: dict[str, pl.DataFrame]) -> bool:
    return sorted(frames) == sorted(SCORES) and all(frames[t].schema == empty(t).schema for t in SCORES)


def test_frames_have_the_declared_columns(scored: dict[str, pl.DataFrame]) -> None:
    assert has_schemas(scored)
    assert all(scored[t].height > 0 for t in SCORES)


def test_parts_sum_to_the_logit(scored: dict[str, pl.DataFrame]) -> None:
    s = scored["retention_score"]
    parts = s.select(pl.sum_horizontal(pl.col("^logit_.*$"))).to_series().to_numpy()
    assert np.abs(parts - logit(s["p_order"].to_numpy())).max() < 1e-9
    assert (s["logit_silence"] <= 1e-12).all()
    assert (s["churn_risk_score"] == (100 * (1 - s["p_order"])).round().cast(pl.Int32)).all()


def test_a_season_with_more_orders_raises_every_probability_and_is_a_part_of_the_sum(
    lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def probabilities(shift: float) -> pl.DataFrame:
        season = Season(logit_shift=shift, order_factor=1.0, applied=True)
        monkeypatch.setattr(pipeline, "season", lambda *_: season)
        found = score(lines)["retention_score"].filter(pl.col("score_method") == "model")
        parts = found.select(pl.sum_horizontal(pl.col("^logit_.*$"))).to_series().to_numpy()
        assert np.abs(parts - logit(found["p_order"].to_numpy())).max() < 1e-9
        return found.select("account_key", "p_order", "logit_season")

    more, fewer = probabilities(0.4), probabilities(-0.4)
    both = more.join(fewer, on="account_key", suffix="_fewer")
    assert both.height == more.height > 100
    assert (both["p_order"] > both["p_order_fewer"]).all()
    assert (both["logit_season"] == 0.4).all() and (both["logit_season_fewer"] == -0.4).all()


@pytest.mark.parametrize("shift", [30.0, -30.0])
def test_a_backtest_shifts_as_the_score_does(
    lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    monkeypatch.setattr(pipeline, "season", lambda *_: Season(logit_shift=shift, applied=True))
    judged = pipeline.backtests(order_days(lines, market.AS_OF), market.AS_OF)
    assert judged
    for row in judged:
        # Who is told to order for certain is wrong as often as nobody orders, and the other way round.
        wrong = 1 - row["base_rate"] if shift > 0 else row["base_rate"]
        assert row["brier"] == pytest.approx(wrong, abs=0.03)


def test_reasons_are_sentences_in_both_languages_and_weigh_at_least_a_fifth(scored: dict[str, pl.DataFrame]) -> None:
    with_reason = scored["retention_score"].filter(pl.col("reason_code_1").is_not_null())
    assert with_reason.height
    assert with_reason["reason_text_en_1"].null_count() == with_reason["reason_text_de_1"].null_count() == 0
    assert (with_reason["reason_weight_1"] <= -0.2).all()


def test_the_future_changes_nothing(lines: pl.DataFrame, scored: dict[str, pl.DataFrame]) -> None:
    past = score(
        lines.filter(pl.col("ordered_on") < market.AS_OF),
        accounts=market.accounts_of(lines),
        products=market.products_of(lines),
    )
    for table in SCORES:
        assert past[table].equals(scored[table]), table


def test_shuffled_rows_give_the_same_bytes(lines: pl.DataFrame, scored: dict[str, pl.DataFrame]) -> None:
    again = score(
        lines.sample(fraction=1.0, shuffle=True, seed=1),
        accounts=market.accounts_of(lines).reverse(),
        products=market.products_of(lines).reverse(),
    )
    for table in SCORES:
        assert again[table].write_csv() == scored[table].write_csv(), table


def test_one_and_two_threads_give_the_same_bytes() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_pipeline as t; print(t.digest(t.score(t.market.market(250))))"
    found = set()
    for threads in ("1", "2"):
        variables = {k: threads for k in ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={**os.environ, **variables, "PYTHONPATH": str(Path(insight.__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def digest(frames: dict[str, pl.DataFrame]) -> str:
    return hashlib.sha256("".join(frames[t].write_csv() for t in SCORES).encode()).hexdigest()


def test_nothing_asks_the_clock() -> None:
    for file in Path(insight.__file__).parent.glob("*.py"):
        assert not re.search(r"\b(?:today|now|utcnow|time\.time|perf_counter)\(", file.read_text()), file.name


def test_value_at_risk_is_no_order_times_own_baseline(scored: dict[str, pl.DataFrame]) -> None:
    joined = scored["account_value"].join(scored["retention_score"], on="account_key").drop_nulls("p_order")
    assert joined.height
    risk = (1 - joined["p_order"]) * joined["baseline_90d_amount"].cast(pl.Float64)
    assert (risk - joined["value_at_risk_amount"].cast(pl.Float64)).abs().max() < 0.011


def test_recall_knows_only_what_was_owned_before() -> None:
    as_of = date(2025, 1, 1)
    before, within = as_of - timedelta(days=9), as_of + timedelta(days=9)
    lines = market.lines_of(
        [
            market.line("a", before, "p1"),
            market.line("b", before, "p2"),
            market.line("b", before, "p3"),
            market.line("a", within, "p2"),
            market.line("a", within, "p1"),
        ]
    )
    assert affinity.recall(lines, {"a": ["p2", "p1"]}, as_of, 90, 10)[0] == 1.0
    assert affinity.recall(lines, {"a": ["p1", "p3"]}, as_of, 90, 10)[0] == 0.0


def test_a_product_that_was_only_returned_is_not_owned() -> None:
    day = date(2025, 5, 1)
    lines = market.lines_of([market.line("a", day, "p1"), market.line("a", day, "p2", returned=True)])
    assert affinity.purchases(lines, market.AS_OF)["product_key"].to_list() == ["p1"]


def test_reasons_are_the_largest_terms_of_the_sum(scored: dict[str, pl.DataFrame], lines: pl.DataFrame) -> None:
    known = lines.filter(pl.col("ordered_on") < market.AS_OF)
    model = affinity.fit_affinity(known, market.AS_OF)
    assert model is not None
    place = {p: n for n, p in enumerate(model.items)}
    owned = dict(affinity.purchases(known, market.AS_OF).group_by("account_key").agg("product_key").iter_rows())
    for row in scored["recommendation"].sample(50, seed=1).iter_rows(named=True):
        terms = {p: model.weights[place[p], place[row["product_key"]]] for p in owned[row["account_key"]]}
        best = max(sorted(terms), key=lambda p: terms[p])
        assert terms[row["because_product_key_1"]] == pytest.approx(terms[best])
        positive = sum(t for t in terms.values() if t > 0)
        assert row["because_share_1"] == pytest.approx(terms[best] / positive)


@pytest.mark.parametrize("cap", [5_000, 30])
def test_recommended_is_nothing_owned_delisted_incompatible_or_twice_of_a_family(
    lines: pl.DataFrame, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(affinity, "MAX_ITEMS", cap)
    family = {f"p{n:02d}": f"f{n // 2}" for n in range(40)}
    products = market.products_of(lines, family, delisted=("p00", "p07"))
    apart = pl.DataFrame({"product_key": ["p11"], "other_key": ["p12"]})
    got = score(lines, products=products, incompatible=apart)["recommendation"]
    assert got.height
    owned = lines.filter(pl.col("ordered_on") < market.AS_OF).select("account_key", "product_key").unique()
    assert got.join(owned, on=["account_key", "product_key"]).is_empty()
    assert not set(got["product_key"]) & {"p00", "p07"}
    families = got.with_columns(pl.col("product_key").replace(family).alias("family"))
    assert not families.select("account_key", "family").is_duplicated().any()
    with_11 = owned.filter(pl.col("product_key") == "p11")["account_key"]
    assert "p12" not in set(got.filter(pl.col("account_key").is_in(with_11.implode()))["product_key"])
    ranks = got.sort("account_key", "rank").group_by("account_key").agg("rank")
    assert all(r == list(range(1, len(r) + 1)) for r in ranks["rank"].to_list())


def test_beyond_the_cap_products_are_found_by_their_group(lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "MAX_ITEMS", 30)
    family = {f"p{n:02d}": f"f{n // 4}" for n in range(40)}
    products = market.products_of(lines, family)
    groups = affinity.groups_beyond_cap(lines, products, market.AS_OF)
    # Ten families leave room for twenty products of their own: those with most buyers.
    buyers = affinity.purchases(lines, market.AS_OF).group_by("product_key").len()
    popular = buyers.sort(["len", "product_key"], descending=[True, False])["product_key"].to_list()
    assert set(groups["product_key"]) == set(popular[20:])
    got = score(lines, products=products)["recommendation"]
    assert set(got["method"]) == {"affinity_rule"} and set(got["product_key"]) <= set(popular)
    rare = got.filter(pl.col("product_key").is_in(popular[20:]))
    assert rare.height > 100
    # Of a group the product that most bought in the last sixty days is offered, to everybody the same.
    recent = affinity.purchases(lines, market.AS_OF, affinity.TREND_DAYS).group_by("product_key").len()
    counts = {k: (n, dict(buyers.iter_rows())[k]) for k, n in recent.iter_rows()}
    for product in set(rare["product_key"]):
        kin = [p for p in groups["product_key"] if family[p] == family[product] and p in counts]
        assert product == min(kin, key=lambda p: (-counts[p][0], -counts[p][1], p))
    # Every reason is a product that the account has.
    owned = set(affinity.purchases(lines, market.AS_OF).select("account_key", "product_key").iter_rows())
    for k in (1, 2, 3):
        reasons = got.select("account_key", f"because_product_key_{k}").drop_nulls()
        assert reasons.height and set(reasons.iter_rows()) <= owned
    named = rare.filter(pl.col("reason_text_en").str.contains(r"you have .*\bf\d"))
    assert named.height, "a group is named by its family"


def test_below_the_cap_there_are_no_groups(lines: pl.DataFrame) -> None:
    products = market.products_of(lines, {"p01": "f", "p02": "f"})
    assert affinity.groups_beyond_cap(lines, products, market.AS_OF).is_empty()


def test_groups_are_the_same_for_shuffled_rows(lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "MAX_ITEMS", 30)
    first, second = score(lines), score(lines.sample(fraction=1.0, shuffle=True, seed=3))
    assert all(first[t].equals(second[t]) for t in SCORES)


def test_recommendations_that_lost_against_the_best_sellers_are_the_best_sellers(
    lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    won = score(lines)
    assert set(won["recommendation"]["method"]) == {"affinity_rule"}
    # Whatever the lists of the best-sellers name was bought: nothing beats that.
    real = affinity.recall
    monkeypatch.setattr(
        affinity, "recall", lambda *a: (1.0, 0.1) if set(map(tuple, a[1].values())) <= popular else real(*a)
    )
    past = market.AS_OF - timedelta(days=pipeline.HORIZON_DAYS)
    known = lines.filter(pl.col("ordered_on") < past)
    popular = set(map(tuple, affinity.rank_popular(known, past, 10).values()))
    lost = score(lines)
    row = lost["score_quality"].filter(pl.col("score_name") == "recommendation").row(0, named=True)
    assert row["published_as"] == "baseline" and row["beats_baseline"] is False
    assert set(lost["recommendation"]["method"]) == {"segment_peer"}


def test_lists_are_judged_on_a_sample_of_many_accounts(lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    model = affinity.fit_affinity(lines, market.AS_OF)
    assert model is not None
    everybody = affinity.rank_products(model, lines, 10)
    some = affinity.rank_products(model, lines, 10, at_most=100)
    assert 50 < len(some) <= 100 and all(everybody[a] == p for a, p in some.items())
    assert affinity.rank_products(model, lines, 10, at_most=len(everybody)) == everybody


def test_small_markets_get_what_their_segment_buys() -> None:
    lines = market.market(120, seed=4)
    accounts = market.accounts_of(lines)
    keys = accounts["account_key"].to_list()
    segments = ["large" if n < 60 else "small" if n < 110 else "tiny" for n in range(len(keys))]
    # The large also buy tools, which nobody else does.
    tools = market.lines_of([market.line(k, market.AS_OF - timedelta(days=20), "tool") for k in keys[:50]])
    both = pl.concat([lines, tools])
    accounts = accounts.with_columns(pl.Series("segment_code", segments))
    got = score(both, accounts=accounts)["recommendation"].join(accounts, on="account_key")
    assert set(got["method"]) == {"segment_peer"} and got["purchase_propensity"].is_null().all()
    tool = got.filter(pl.col("product_key") == "tool")
    assert set(tool["segment_code"]) == {"large", "tiny"}, "too few of a kind are told what all buy"
    assert tool.filter(pl.col("segment_code") == "large")["reason_text_en"].str.contains("of its segment").all()
    assert not tool.filter(pl.col("segment_code") == "tiny")["reason_text_en"].str.contains("of its segment").any()


def test_because_names_owned_products_and_says_their_share(
    scored: dict[str, pl.DataFrame], lines: pl.DataFrame
) -> None:
    got = scored["recommendation"].filter(pl.col("because_product_key_1").is_not_null())
    owned = (
        lines.filter(pl.col("ordered_on") < market.AS_OF)
        .select("account_key", pl.col("product_key").alias("because_product_key_1"))
        .unique()
    )
    assert got.join(owned, on=["account_key", "because_product_key_1"], how="anti").is_empty()
    share = got.select(pl.sum_horizontal(pl.col("^because_share_.$"))).to_series()
    assert share.is_between(0, 1 + 1e-9).all()
    assert got["purchase_propensity"].is_between(0, 1).all()


def test_blocked_accounts_teach_nothing_and_contracts_show_their_renewal(
    lines: pl.DataFrame, scored: dict[str, pl.DataFrame]
) -> None:
    got = score(lines, accounts=market.accounts_of(lines, a0001="blocked", a0002="contract", a0003="buying_group"))
    keys = got["retention_score"]["account_key"]
    assert "a0001" not in keys and "a0001" not in got["recommendation"]["account_key"]
    assert got["score_run"]["accounts"][0] == scored["score_run"]["accounts"][0] - 3
    for key, kind, words in (("a0002", "contract", "2025-12-31"), ("a0003", "buying_group", "Einkaufsverband")):
        row = got["retention_score"].row(by_predicate=pl.col("account_key") == key, named=True)
        assert row["p_order"] is None and row["churn_risk_score"] is None
        assert row["reason_code_1"] == kind and words in row["reason_text_de_1"]


def test_buying_groups_are_scored_among_themselves_when_there_are_enough(lines: pl.DataFrame) -> None:
    groups = {f"a{n:04d}": "buying_group" for n in range(60)}
    got = score(lines, accounts=market.accounts_of(lines, **groups))["retention_score"]
    assert got.filter(pl.col("account_key").is_in(list(groups)))["p_order"].null_count() == 0


def test_a_baseline_claims_no_probability(lines: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "published_as", lambda judged: "baseline")
    got = score(lines)
    scores = got["retention_score"].sort("days_silent")
    assert set(scores["score_method"]) == {"baseline"} and scores["p_order"].null_count() == scores.height
    assert scores["churn_risk_score"].is_sorted()
    assert got["score_run"]["fallback_text_en"][0].startswith("Sorted by days since the last order")
    assert set(got["score_run"]["published_as"]) == {"baseline"}


def test_signals_are_stated_points_and_capped(lines: pl.DataFrame) -> None:
    known = lines.filter(pl.col("ordered_on") < market.AS_OF)["account_key"].unique().sort()
    signals = pl.DataFrame(
        {
            "account_key": [known[0], known[0], known[1]],
            "signal_code": ["complaints", "csat", "complaints"],
            "metric_value": [3.0, 1.0, 0.0],
        }
    )
    points = pl.DataFrame(
        {
            "signal_code": ["complaints", "csat"],
            "operator": [">=", "<="],
            "threshold": [1.0, 2.0],
            "points": [-0.8, -0.5],
            "reason_text_en": ["{value} open complaints", "Poor satisfaction"],
            "reason_text_de": ["{value} offene Beschwerden", "Schlechte Zufriedenheit"],
        }
    )
    got = score(lines, signals=signals, signal_points=points)["retention_score"].sort("account_key")
    first, second = got.row(0, named=True), got.row(1, named=True)
    assert first["logit_signals"] == -1.0 and second["logit_signals"] == 0.0
    assert "3 open complaints" in [first[f"reason_text_en_{n}"] for n in (1, 2, 3)]


# --- little or strange data --------------------------------------------------------------------------------------------


def quiet(frames: dict[str, pl.DataFrame]) -> None:
    """No figure where none is due, and the sentence that says so."""
    assert has_schemas(frames)
    run = frames["score_run"].row(0, named=True)
    assert run["fallback_level"] == 0
    assert run["fallback_text_en"].startswith("Not scored: only ") and run["fallback_text_de"].startswith(
        "Nicht bewertet: nur "
    )
    assert frames["retention_score"]["p_order"].null_count() == frames["retention_score"].height
    assert frames["recommendation"]["purchase_propensity"].null_count() == frames["recommendation"].height


def test_fifteen_accounts() -> None:
    frames = score(market.market(15))
    quiet(frames)
    assert frames["retention_score"].height > 0


def test_ninety_days_of_orders() -> None:
    quiet(score(market.market(300, days=180)))


def test_all_orders_on_one_day() -> None:
    quiet(score(market.lines_of([market.line(f"a{n}", date(2025, 5, 20), f"p{n % 7}") for n in range(300)])))


def test_no_orders_at_all() -> None:
    frames = score(market.lines_of([]))
    quiet(frames)
    assert frames["retention_score"].is_empty()


def test_one_account_with_most_of_the_revenue(lines: pl.DataFrame) -> None:
    total = float(lines["net_amount"].sum())
    giant = market.lines_of(
        [market.line("giant", date(2025, 1, 1) + timedelta(days=30 * n), "p01", 0.3 * total) for n in range(5)]
    )
    both = pl.concat([lines, giant])
    value = score(both)["account_value"].sort("account_key")
    before = score(lines)["account_value"].sort("account_key")
    others = value.filter(pl.col("account_key") != "giant")
    moved = (
        others["expected_order_amount"].cast(pl.Float64) / before["expected_order_amount"].cast(pl.Float64) - 1
    ).abs()
    assert moved.max() < 0.05  # one giant does not erase the others' own means


def test_twenty_to_two_hundred_accounts_are_estimated_with_a_prior() -> None:
    run = score(market.market(120))["score_run"].row(0, named=True)
    assert run["fallback_level"] == 1 and "bands, not percentages" in run["fallback_text_en"]


def test_a_model_that_lost_is_published_as_its_baseline() -> None:
    row = {"population": "active", "as_of_on": date(2025, 1, 1), "beats_baseline": False}
    assert pipeline.published_as([row]) == "baseline"
    assert pipeline.published_as([{**row, "beats_baseline": True}]) == "model"


def test_backtests_are_rows_with_intervals(scored: dict[str, pl.DataFrame]) -> None:
    judged = scored["score_quality"].filter(pl.col("score_name") == "retention")
    assert sorted(judged["as_of_on"].unique()) == [
        market.AS_OF - timedelta(days=364),
        market.AS_OF - timedelta(days=90),
    ]
    assert judged["auc_low"].is_not_null().all() and (judged["auc_low"] <= judged["auc_high"]).all()


def test_the_run_says_what_it_used(scored: dict[str, pl.DataFrame], lines: pl.DataFrame) -> None:
    run = scored["score_run"].row(0, named=True)
    assert all(run[k] is not None for k in ("r", "alpha", "a", "b", "accounts", "orders", "input_hash", "code_version"))
    other = score(lines.with_columns(pl.col("net_amount") + 1))["score_run"].row(0, named=True)
    assert other["input_hash"] != run["input_hash"]
