"""Will the account order within the next days: the modified beta-geometric / negative binomial model (MBG/NBD).

Model: while alive, an account orders at random with its own rate (gamma over accounts, shape r, scale 1/alpha); after every
order, the first included, it leaves with its own probability (beta over accounts, a and b). Batislam, Denizel and Filiztekin
(2007); the BG/NBD, in which nobody leaves after the first order, is Fader, Hardie and Lee (2005). Time is in weeks.

With x repeat orders, the last at t_x and T the time since the first order:

    L          = G(r+x) alpha^r / G(r) * [ B(a,b+x+1)/B(a,b) (alpha+T)^-(r+x) + B(a+1,b+x)/B(a,b) (alpha+t_x)^-(r+x) ]
    P(alive)   = 1 / (1 + a/(b+x) * ((alpha+T)/(alpha+t_x))^(r+x))
    P(order in h) = P(alive) * (1 - ((alpha+T)/(alpha+T+h))^(r+x))

P(alive) alone is no score: an account that ordered once and never again is "alive" with certainty in many such models.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import brentq, minimize
from scipy.special import betaln, expit, gammaln, hyp2f1, log_expit, logit, psi

Floats = npt.NDArray[np.float64]

WEEK = 7.0
CAP_QUANTILE = 0.999
ACTIVE_DAYS, ACTIVE_ORDERS = 365, 2
SEASON_LAG = 364
SEASON_HISTORY, SEASON_ACCOUNTS, SEASON_ORDERS, SEASON_CAP = 180, 100, 50, 0.7
LEVEL_ACCOUNTS, OWN_ACCOUNTS, LEVEL_HISTORY, OWN_HISTORY = 20, 200, 180, 270

# House prior, log-normal: centre and spread of log r, log a, log b; log alpha follows the data's own pace.
PRIOR_R, PRIOR_A, PRIOR_B = (np.log(0.7), 0.7), (np.log(0.25), 1.0), (np.log(3.0), 1.0)
PRIOR_ALPHA_SPREAD = 1.2


@dataclass(frozen=True)
class Activity:
    """Fitted parameters and what they were fitted on."""

    model: str
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    n_accounts: int
    n_orders: int
    history_days: int
    converged: bool
    fallback_level: int


@dataclass(frozen=True)
class Season:
    """One shift of the logit and one factor of orders and revenue, the same for all accounts."""

    logit_shift: float = 0.0
    order_factor: float = 1.0
    revenue_factor: float = 1.0
    applied: bool = False
    why_not: str = ""


def counts(table: pl.DataFrame, as_of: date) -> tuple[Floats, Floats, Floats]:
    """Repeat orders x, and in weeks the last order t_x and the age T, both since the first order."""
    x = table["orders"].to_numpy().astype(np.float64) - 1
    t_x = (table["last_on"] - table["first_on"]).dt.total_days().to_numpy().astype(np.float64) / WEEK
    age = pl.Series([as_of]).extend_constant(as_of, table.height - 1) if table.height else pl.Series([], dtype=pl.Date)
    big_t = (age - table["first_on"]).dt.total_days().to_numpy().astype(np.float64) / WEEK
    return x, t_x, big_t


def log_likelihood(params: Floats, x: Floats, t_x: Floats, big_t: Floats, model: str = "mbg") -> Floats:
    """Log-likelihood of each account; `params` are r, alpha, a, b. `model` is "mbg" or "bg"."""
    r, alpha, a, b = params
    start = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    if model == "bg":
        alive = betaln(a, b + x) - (r + x) * np.log(alpha + big_t)
        left = np.where(x > 0, betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf)
    else:
        alive = betaln(a, b + x + 1) - (r + x) * np.log(alpha + big_t)
        left = betaln(a + 1, b + x) - (r + x) * np.log(alpha + t_x)
    result: Floats = start + np.logaddexp(alive, left)
    return result


def _dot(x: Floats, y: Floats) -> float:
    """Inner product in one fixed order: threads of a linear algebra library would add in another on each machine."""
    return float(np.einsum("i,i->", x, y))


def _summed(
    params: Floats, kinds: Floats, place: npt.NDArray[np.intp], t_x: Floats, big_t: Floats, weights: Floats, model: str
) -> tuple[float, Floats]:
    """Weighted sum of `log_likelihood` and its gradient by r, alpha, a, b.

    Special functions are taken once for each distinct count in `kinds`; `place` says which count each row has.
    """
    r, alpha, a, b = params
    s = 0.0 if model == "bg" else 1.0
    may_have_left = kinds + s > 0  # in the BG model nobody leaves before a second order
    before = np.maximum(kinds + s - 1, 0)
    alive_beta, left_beta = betaln(a, b + kinds + s), np.where(may_have_left, betaln(a + 1, b + before), -np.inf)
    log_t, log_tx = np.log(alpha + big_t), np.log(alpha + t_x)
    exponent = (r + kinds)[place]
    alive, left = alive_beta[place] - exponent * log_t, left_beta[place] - exponent * log_tx
    ahead = alive - left
    both = alive - log_expit(ahead)
    w_alive = weights * expit(ahead)
    w_left = weights - w_alive
    # Sums of weights by distinct count: what depends on the count alone needs no more.
    n, n_alive, n_left = (np.bincount(place, w, len(kinds)).astype(np.float64) for w in (weights, w_alive, w_left))
    total = float(n.sum())
    own = total * (r * np.log(alpha) - betaln(a, b))
    value = _dot(weights, both) + _dot(n, gammaln(r + kinds) - gammaln(r)) + own
    joint = psi(a + b + kinds + s)
    by_r = _dot(n, psi(r + kinds) - psi(r)) + total * np.log(alpha) - _dot(w_alive, log_t) - _dot(w_left, log_tx)
    by_alpha = total * r / alpha - _dot(exponent, w_alive / (alpha + big_t) + w_left / (alpha + t_x))
    by_a = _dot(n_alive, psi(a) - joint) + _dot(n_left, psi(a + 1) - joint) - total * (psi(a) - psi(a + b))
    by_b = (
        _dot(n_alive, psi(b + kinds + s) - joint)
        + _dot(n_left, psi(b + before) - joint)
        - total * (psi(b) - psi(a + b))
    )
    return value, np.array([by_r, by_alpha, by_a, by_b])


def level_of(n_accounts: int, history_days: int) -> int:
    """Fallback level: 0 no score, 1 mostly prior, 2 own data; level 3 is 2 with a season shift."""
    if n_accounts < LEVEL_ACCOUNTS or history_days < LEVEL_HISTORY:
        return 0
    return 2 if n_accounts >= OWN_ACCOUNTS and history_days >= OWN_HISTORY else 1


def fit_activity(
    table: pl.DataFrame, as_of: date, prior: bool = True, model: str = "mbg", capped: bool = True
) -> Activity:
    """Fits r, alpha, a, b to accounts' rhythms by maximum a posteriori (maximum likelihood with `prior=False`).

    Args:
        table: orders, first_on, last_on of each account with an order, as `rhythm` gives.
        capped: counts of repeat orders beyond the 99.9th percentile are taken for that percentile.
    """
    n = table.height
    first = table["first_on"].min()
    history = (as_of - first).days if isinstance(first, date) else 0
    level = level_of(n, history)
    if n == 0:
        return Activity(model, np.nan, np.nan, np.nan, np.nan, 0.0, 0, 0, 0, False, 0)
    x, t_x, big_t = counts(table, as_of)
    # A buying group's thousands of orders would set the rate of everybody: capped for the fit, scored as they are.
    few = np.minimum(x, np.ceil(np.quantile(x, CAP_QUANTILE))) if capped and n >= 1000 else x
    rows, weights = np.unique(np.column_stack([few, t_x, big_t]), axis=0, return_counts=True)
    fx, ftx, ft = rows[:, 0], rows[:, 1], rows[:, 2]
    pace = 0.7 * float(ft @ weights) / (2.0 * max(float(fx @ weights), 1.0))
    centre = np.array([PRIOR_R[0], np.log(pace), PRIOR_A[0], PRIOR_B[0]])
    spread = np.array([PRIOR_R[1], PRIOR_ALPHA_SPREAD, PRIOR_A[1], PRIOR_B[1]])

    found_kinds = np.unique(fx, return_inverse=True)
    kinds, place = found_kinds[0], found_kinds[1]

    def loss(logs: Floats) -> tuple[float, Floats]:
        values, slopes = _summed(np.exp(logs), kinds, place, ftx, ft, weights.astype(np.float64), model)
        value, slope = -values, -slopes * np.exp(logs)
        if prior:
            value += 0.5 * float(np.sum(((logs - centre) / spread) ** 2))
            slope = slope + (logs - centre) / spread**2
        return value / n, slope / n

    bounds = [(-9.0, 9.0)] * 4
    found = minimize(
        loss, centre, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8}
    )
    # Ten decimals of a logarithm: what lies beyond depends on the machine's linear algebra, not on the data.
    logs = np.round(found.x, 7)
    r, alpha, a, b = np.exp(logs)
    total = float(log_likelihood(np.exp(logs), fx, ftx, ft, model) @ weights)
    return Activity(
        model,
        float(r),
        float(alpha),
        float(a),
        float(b),
        total,
        n,
        int(table["orders"].sum()),
        history,
        # On a flat ridge the line search gives up although there is nothing left to gain.
        bool(found.success or np.abs(found.jac).max() < 1e-4),
        level,
    )


def p_alive(p: Activity, x: Floats, t_x: Floats, big_t: Floats) -> Floats:
    """Probability that the account has not left. A building block, never a score."""
    log_odds = np.log(p.a) - np.log(p.b + x) + (p.r + x) * (np.log(p.alpha + big_t) - np.log(p.alpha + t_x))
    result: Floats = expit(-log_odds)
    return result


def p_order(p: Activity, x: Floats, t_x: Floats, big_t: Floats, horizon_days: float) -> Floats:
    """Probability of at least one order within the horizon."""
    h = horizon_days / WEEK
    none = np.exp((p.r + x) * (np.log(p.alpha + big_t) - np.log(p.alpha + big_t + h)))
    result: Floats = p_alive(p, x, t_x, big_t) * (1.0 - none)
    return result


def expected_orders(p: Activity, x: Floats, t_x: Floats, big_t: Floats, horizon_days: float) -> Floats:
    """Expected number of order days within the horizon, given the history (it contains leaving)."""
    h = horizon_days / WEEK
    a = p.a if abs(p.a - 1.0) > 1e-6 else p.a + 2e-6  # the closed form has a removable singularity at a = 1
    z = h / (p.alpha + big_t + h)
    ratio = np.exp((p.r + x) * (np.log(p.alpha + big_t) - np.log(p.alpha + big_t + h)))
    inner = hyp2f1(p.r + x, p.b + x + 1.0, a + p.b + x, z)
    expected = (a + p.b + x) / (a - 1.0) * (1.0 - ratio * inner)
    result: Floats = np.maximum(expected, 0.0) * p_alive(p, x, t_x, big_t)
    return result


def active(table: pl.DataFrame, days: pl.DataFrame, as_of: date) -> npt.NDArray[np.bool_]:
    """Accounts with at least two order days in the last year: the population on which scores are judged."""
    since = as_of - timedelta(days=ACTIVE_DAYS)
    recent = days.filter((pl.col("ordered_on") >= since) & (pl.col("ordered_on") < as_of))
    counted = recent.group_by("account_key").len().filter(pl.col("len") >= ACTIVE_ORDERS)["account_key"]
    result: npt.NDArray[np.bool_] = table["account_key"].is_in(counted.implode()).to_numpy()
    return result


def ordered_within(table: pl.DataFrame, days: pl.DataFrame, as_of: date, horizon_days: int) -> Floats:
    """What happened: order days of each account of `table` in [as_of, as_of + horizon)."""
    end = as_of + timedelta(days=horizon_days)
    window = days.filter((pl.col("ordered_on") >= as_of) & (pl.col("ordered_on") < end))
    found = window.group_by("account_key").len("n")
    joined = table.select("account_key").join(found, on="account_key", how="left", maintain_order="left")
    result: Floats = joined["n"].fill_null(0).to_numpy().astype(np.float64)
    return result


def season_shift(days: pl.DataFrame, as_of: date, horizon_days: int) -> Season:
    """What the same code got wrong a year ago: the one logit shift, and factors, that would have mended it then.

    Args:
        days: order days *before* `as_of` (later rows are ignored).
    """
    from insight.rhythm import rhythm

    known = days.filter(pl.col("ordered_on") < as_of)
    then = as_of - timedelta(days=SEASON_LAG)
    if known.is_empty():
        return Season(why_not="no orders")
    first = known["ordered_on"].min()
    assert isinstance(first, date)
    if (then - first).days < SEASON_HISTORY:
        return Season(why_not=f"only {max((then - first).days, 0)} days of orders before the same weeks last year")
    table = rhythm(known, then)
    is_active = active(table, known, then)
    actual = ordered_within(table, known, then, horizon_days)
    if is_active.sum() < SEASON_ACCOUNTS or actual.sum() < SEASON_ORDERS:
        return Season(why_not="too few accounts or orders in the same weeks last year")
    params = fit_activity(table, then)
    x, t_x, big_t = counts(table, then)
    p = np.clip(p_order(params, x, t_x, big_t, horizon_days), 1e-9, 1 - 1e-9)
    happened = float((actual > 0).sum())
    shift = _shift_to(p, happened)
    expected = float(expected_orders(params, x, t_x, big_t, horizon_days).sum())
    factor = float(np.clip(actual.sum() / max(expected, 1e-9), np.exp(-SEASON_CAP), np.exp(SEASON_CAP)))
    return Season(round(shift, 7), round(factor, 7), round(factor, 7), True)


def _shift_to(p: Floats, happened: float) -> float:
    scores = logit(p)

    def gap(shift: float) -> float:
        return float(expit(scores + shift).sum()) - happened

    low, high = gap(-SEASON_CAP), gap(SEASON_CAP)
    if low >= 0 or high <= 0:
        return -SEASON_CAP if low >= 0 else SEASON_CAP
    return float(brentq(gap, -SEASON_CAP, SEASON_CAP, xtol=1e-10))


def season(days: pl.DataFrame, as_of: date, horizon_days: int) -> Season:
    """The season shift, unless the product's own backtest one horizon ago says that shifting did harm."""
    shift = season_shift(days, as_of, horizon_days)
    if not shift.applied:
        return shift
    past = as_of - timedelta(days=horizon_days)
    before = season_shift(days, past, horizon_days)
    if not before.applied:
        return shift
    from insight.rhythm import rhythm

    known = days.filter(pl.col("ordered_on") < past)
    table = rhythm(known, past)
    is_active = active(table, known, past)
    params = fit_activity(table, past)
    p = np.clip(p_order(params, *counts(table, past), horizon_days), 1e-9, 1 - 1e-9)[is_active]
    happened = (
        ordered_within(table, days.filter(pl.col("ordered_on") < as_of), past, horizon_days)[is_active] > 0
    ).astype(float)
    plain = float(np.mean((p - happened) ** 2))
    shifted = float(np.mean((expit(logit(p) + before.logit_shift) - happened) ** 2))
    if shifted > plain:
        return Season(why_not="a shift did harm one horizon ago")
    return shift
