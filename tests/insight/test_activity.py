"""The probability of an order against a simulated market whose law is known."""

from __future__ import annotations

from datetime import date, timedelta

import market
import numpy as np
import polars as pl
import pytest
from scipy.special import logit

from insight import activity, quality
from insight.rhythm import order_days, rhythm

R, ALPHA, A, B = 0.7, 6.0, 0.6, 2.5
AGE, HORIZON = 60.0, 90


@pytest.fixture(scope="module")
def simulated() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, t_x, T (weeks) of 40,000 accounts of the MBG/NBD, and their orders of the 90 days after."""
    rng = np.random.default_rng(4)
    n = 40_000
    pace, leave = rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n)
    x, t_x, after = np.zeros(n), np.zeros(n), np.zeros(n)
    now, alive = np.zeros(n), rng.random(n) >= leave
    while alive.any():
        now = now + rng.exponential(1 / np.maximum(pace, 1e-9))
        before, within = alive & (now <= AGE), alive & (now > AGE) & (now <= AGE + HORIZON / 7)
        x[before] += 1
        t_x[before] = now[before]
        after[within] += 1
        alive &= (now <= AGE + HORIZON / 7) & (rng.random(n) >= leave)
    return x, t_x, np.full(n, AGE), after


TRUE = activity.Activity("mbg", R, ALPHA, A, B, 0.0, 0, 0, 0, True, 2)


def test_probabilities_are_those_of_the_simulated_market(simulated) -> None:
    x, t_x, age, after = simulated
    p = activity.p_order(TRUE, x, t_x, age, HORIZON)
    y = (after > 0).astype(float)
    assert abs(p.mean() - y.mean()) < 0.006
    assert quality.calibration_error(y, p) < 0.01


def test_expected_orders_are_those_of_the_simulated_market(simulated) -> None:
    x, t_x, age, after = simulated
    expected = activity.expected_orders(TRUE, x, t_x, age, HORIZON)
    assert expected.sum() == pytest.approx(after.sum(), rel=0.03)


def test_a_longer_horizon_makes_an_order_likelier_and_none_impossible(simulated) -> None:
    x, t_x, age, _ = simulated
    one, two = (activity.p_order(TRUE, x[:500], t_x[:500], age[:500], h) for h in (30, 180))
    assert (two > one).all()
    assert np.allclose(activity.p_order(TRUE, x[:500], t_x[:500], age[:500], 0), 0)


def test_one_order_long_ago_is_not_certain_to_come_back() -> None:
    old = activity.p_order(TRUE, np.array([0.0]), np.array([0.0]), np.array([150.0]), HORIZON)
    assert old[0] < 0.15


def test_gradient_is_the_slope_of_the_likelihood(simulated) -> None:
    x, t_x, age, _ = (v[:300] for v in simulated)
    kinds, place = np.unique(x, return_inverse=True)
    for model in ("mbg", "bg"):
        at = np.array([R, ALPHA, A, B])
        value, slope = activity._summed(at, kinds, place, t_x, age, np.ones(300), model)
        assert value == pytest.approx(activity.log_likelihood(at, x, t_x, age, model).sum())
        for k in range(4):
            step = np.zeros(4)
            step[k] = 1e-5
            up, down = (activity.log_likelihood(at + s, x, t_x, age, model).sum() for s in (step, -step))
            assert slope[k] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-4)


def test_returns_are_no_orders() -> None:
    day = date(2025, 1, 1)
    lines = market.lines_of(
        [
            market.line("a", day),
            market.line("a", day + timedelta(days=10), returned=True),
            market.line("only_returns", day, returned=True),
            market.line("cancelled", day),
            market.line("cancelled", day, returned=True),
        ]
    )
    days = order_days(lines, market.AS_OF)
    assert days.select("account_key", "ordered_on").rows() == [("a", day)]


def test_invoices_of_one_day_are_one_order_and_as_of_is_not_known_yet() -> None:
    day = date(2025, 1, 1)
    lines = market.lines_of([market.line("a", day), market.line("a", day, "p2"), market.line("a", market.AS_OF)])
    table = rhythm(order_days(lines, market.AS_OF), market.AS_OF)
    assert table.select("orders", "last_on", "own_value").rows() == [(1, day, 200.0)]


def test_season_shift_has_the_sign_of_the_season_and_serves() -> None:
    """A market that orders twice as fast in autumn: at its start the shift must raise every probability."""
    as_of = date(2024, 10, 1)
    lines = market.market(900, days=1100, seed=2, peak=3.0, last=as_of)
    days = order_days(lines, as_of + timedelta(days=90))
    known = days.filter(pl.col("ordered_on") < as_of)
    shift = activity.season_shift(known, as_of, 90)
    assert shift.applied and shift.logit_shift > 0.05 and shift.order_factor > 1.0
    table = rhythm(known, as_of)
    p = activity.p_order(activity.fit_activity(table, as_of), *activity.counts(table, as_of), 90)
    happened = (activity.ordered_within(table, days, as_of, 90) > 0).sum()
    shifted = 1 / (1 + np.exp(-(logit(np.clip(p, 1e-9, 1 - 1e-9)) + shift.logit_shift)))
    assert abs(shifted.sum() - happened) < abs(p.sum() - happened)


def test_no_shift_without_half_a_year_before_last_years_weeks() -> None:
    known = order_days(market.market(300, days=600), market.AS_OF)
    shift = activity.season(known, market.AS_OF, 90)
    assert not shift.applied and shift.logit_shift == 0 and shift.why_not


def test_the_prior_keeps_a_small_sample_sane_and_a_giant_does_not_set_everybodys_pace() -> None:
    lines = market.market(1200, seed=5)
    table = rhythm(order_days(lines, market.AS_OF), market.AS_OF)
    few = activity.fit_activity(table.head(25), market.AS_OF)
    assert few.fallback_level == 1 and 0.1 < few.r < 10 and few.converged
    giant = table.head(1).with_columns(pl.lit(5000, pl.Int32).alias("orders"))
    alone = activity.fit_activity(table, market.AS_OF)
    beside = activity.fit_activity(pl.concat([table.tail(-1), giant]), market.AS_OF)
    assert abs(beside.r / alone.r - 1) < 0.1
