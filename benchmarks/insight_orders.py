"""Bars 1 to 7, 9 and 12: who orders again, what that is worth, and whether the scores are sums and repeatable.

The public order book is Online Retail II, cleaned as its documentation demands: only products, only sales, an order is a
customer's day. Whatever is judged on [T, T + 90 days) is computed from orders before T.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, logit
from scipy.stats import spearmanr

from benchmarks import insight_opponents as opponents
from benchmarks.insight_bars import Bar
from insight import activity, pipeline, quality, value
from insight.rhythm import order_days, rhythm

Floats = npt.NDArray[np.float64]
DATES = (date(2011, 3, 10), date(2011, 6, 9), date(2011, 9, 10))
MARCH, JUNE, SEPTEMBER = DATES
HORIZON = 90
END = date(2012, 1, 1)


def load_lines(data: Path) -> pl.DataFrame:
    """Sales lines of products: account_key, order_key, ordered_on, product_key, category_code, quantity, net_amount, is_return."""
    raw = pl.read_parquet(data / "online_retail_ii_customers.parquet")
    sold = raw.filter(
        pl.col("stock_code").str.contains(r"^\d{5}[A-Z]*$")
        & ~pl.col("invoice").str.starts_with("C")
        & (pl.col("quantity") > 0)
        & (pl.col("unit_price") > 0)
        & pl.col("customer_id").is_not_null()
    )
    return sold.select(
        pl.col("customer_id").cast(pl.String).alias("account_key"),
        pl.col("invoice").alias("order_key"),
        pl.col("invoice_at").dt.date().alias("ordered_on"),
        pl.col("stock_code").alias("product_key"),
        pl.col("description").str.split(" ").list.last().alias("category_code"),
        pl.col("quantity").cast(pl.Float64),
        (pl.col("quantity") * pl.col("unit_price")).alias("net_amount"),
        pl.lit(False).alias("is_return"),
    )


@dataclass
class At:
    """The order book as it was known at `as_of`, the scores of that day, and what then happened."""

    days: pl.DataFrame
    as_of: date

    @cached_property
    def known(self) -> pl.DataFrame:
        return self.days.filter(pl.col("ordered_on") < self.as_of)

    @cached_property
    def table(self) -> pl.DataFrame:
        return rhythm(self.known, self.as_of)

    @cached_property
    def params(self) -> activity.Activity:
        return activity.fit_activity(self.table, self.as_of)

    @cached_property
    def p(self) -> Floats:
        counts = activity.counts(self.table, self.as_of)
        return np.clip(activity.p_order(self.params, *counts, HORIZON), 1e-9, 1 - 1e-9)

    @cached_property
    def season(self) -> activity.Season:
        return activity.season(self.known, self.as_of, HORIZON)

    @cached_property
    def p_season(self) -> Floats:
        result: Floats = expit(logit(self.p) + self.season.logit_shift)
        return result

    @cached_property
    def expected(self) -> Floats:
        return activity.expected_orders(self.params, *activity.counts(self.table, self.as_of), HORIZON)

    @cached_property
    def active(self) -> npt.NDArray[np.bool_]:
        return activity.active(self.table, self.known, self.as_of)

    @cached_property
    def orders(self) -> Floats:
        return activity.ordered_within(self.table, self.days, self.as_of, HORIZON)

    @cached_property
    def y(self) -> Floats:
        return (self.orders > 0).astype(np.float64)

    @cached_property
    def silent(self) -> Floats:
        return self.table["days_silent"].to_numpy().astype(np.float64)

    @cached_property
    def baseline(self) -> Floats:
        return self.table["baseline_90d"].to_numpy().astype(np.float64)


def three(figures: list[float], places: int = 3) -> str:
    return " / ".join(f"{f:.{places}f}" for f in figures)


def bar_1() -> Bar:
    found = importlib.util.find_spec("lifetimes")
    assert found is not None and found.submodule_search_locations
    csv = Path(found.submodule_search_locations[0]) / "datasets" / "cdnow_customers_summary.csv"
    summary = pl.read_csv(csv)
    as_of = date(1997, 10, 1)
    days = summary.select(
        (pl.col("T") * 7).round().cast(pl.Int64).alias("age"), (pl.col("recency") * 7).round().cast(pl.Int64).alias("last"), "frequency"
    )  # fmt: skip
    first = pl.lit(as_of) - pl.duration(days=pl.col("age"))
    table = days.select(
        (pl.col("frequency") + 1).cast(pl.Int32).alias("orders"),
        first.cast(pl.Date).alias("first_on"),
        (first + pl.duration(days=pl.col("last"))).cast(pl.Date).alias("last_on"),
    )
    reference = {"bg": (0.243, 4.414, 0.793, 2.426, -9582.4), "mbg": (0.525, 6.183, 0.891, 1.614, -9582.1)}
    texts, good = [], True
    for model, (r, alpha, a, b, ll) in reference.items():
        p = activity.fit_activity(table, as_of, prior=False, model=model, capped=False)
        got = (p.r, p.alpha, p.a, p.b)
        good &= all(abs(x - y) < 0.0015 for x, y in zip(got, (r, alpha, a, b), strict=True))
        good &= abs(p.log_likelihood - ll) < 0.1
        texts.append(f"{model.upper()} {' '.join(f'{x:.3f}' for x in got)} LL {p.log_likelihood:.1f}")
    return Bar(
        1, "CDNOW sample, maximum likelihood", "; ".join(texts), "parameters to 3 decimals, LL to 0.1",
        "BG 0.243 4.414 0.793 2.426 LL -9582.4; MBG 0.525 6.183 0.891 1.614 LL -9582.1", "-", good,
    )  # fmt: skip


def bar_2(at: dict[date, At]) -> Bar:
    own = [quality.auc(a.y[a.active], a.p[a.active]) for a in at.values()]
    recency = [quality.auc(a.y[a.active], -a.silent[a.active]) for a in at.values()]
    taught = [opponents.learned(a, At(a.days, a.as_of - timedelta(days=HORIZON))) for a in at.values()]
    others = "; ".join(f"{name} {three([t[name] for t in taught])}" for name in taught[0])
    good = own[0] >= 0.750 and own[1] >= 0.780 and own[1] >= recency[1] + 0.06 and own[2] >= 0.735
    return Bar(
        2, "order in 90 days, AUC at 03-10 / 06-09 / 09-10", three(own), ">= 0.750 / 0.780 and recency + 0.06 / 0.735",
        "0.752 / 0.783 / 0.738", f"recency {three(recency)}; scikit-learn {others}", good,
    )  # fmt: skip


def bar_3(at: dict[date, At]) -> Bar:
    sep, jun = at[SEPTEMBER], at[JUNE]
    ece = quality.calibration_error(sep.y[sep.active], sep.p_season[sep.active])
    brier = [float(np.mean((a.p_season - a.y)[a.active] ** 2)) for a in (sep, jun)]
    plain = [float(np.mean((a.p - a.y)[a.active] ** 2)) for a in (sep, jun)]
    ece_plain = quality.calibration_error(sep.y[sep.active], sep.p[sep.active])
    return Bar(
        3, "season shift, 09-10 ECE and Brier; 06-09 Brier",
        f"ECE {ece:.3f} Brier {brier[0]:.4f}; {brier[1]:.4f} (shifts {sep.season.logit_shift:+.2f}, {jun.season.logit_shift:+.2f})",
        "ECE <= 0.03 Brier <= 0.196; <= 0.192", "0.023 0.1945; 0.1906",
        f"without shift {ece_plain:.3f} {plain[0]:.4f}; {plain[1]:.4f}",
        ece <= 0.03 and brier[0] <= 0.196 and brier[1] <= 0.192,
    )  # fmt: skip


def bar_4(at: dict[date, At]) -> Bar:
    jun = at[JUNE]
    y, p, silent = jun.y[jun.active], jun.p[jun.active], jun.silent[jun.active]
    own, plain = quality.average_precision(1 - y, 1 - p), quality.average_precision(1 - y, silent)
    found = quality.measures(y, p, silent, jun.expected[jun.active], jun.orders[jun.active])
    return Bar(
        4, "no order in 90 days, PR-AUC at 06-09", f"{own:.3f} (lift of the first tenth {found['lift_top10']:.2f})", ">= 0.75",
        "0.753", f"recency {plain:.3f}", own >= 0.75,
    )  # fmt: skip


def bar_5(at: dict[date, At]) -> Bar:
    jun = at[JUNE]
    recent = jun.known.filter(pl.col("ordered_on") >= JUNE - timedelta(days=HORIZON)).group_by("account_key").len("n")
    last = jun.table.join(recent, on="account_key", how="left", maintain_order="left")["n"].fill_null(0).to_numpy()
    e, n, last = jun.expected[jun.active], jun.orders[jun.active], last[jun.active].astype(np.float64)
    rmse, rho = float(np.sqrt(np.mean((e - n) ** 2))), float(spearmanr(e, n).statistic)
    plain, plain_rho = float(np.sqrt(np.mean((last - n) ** 2))), float(spearmanr(last, n).statistic)
    ratio = float(jun.expected.sum() * jun.season.order_factor / jun.orders.sum())
    return Bar(
        5, "orders in 90 days at 06-09", f"RMSE {rmse:.3f} Spearman {rho:.3f}; total / actual {ratio:.2f}",
        "RMSE <= 1.11 Spearman >= 0.55; within 10 %", "1.101 0.557; 1.08", f"last 90 days {plain:.2f} {plain_rho:.2f}",
        rmse <= 1.11 and rho >= 0.55 and 0.9 <= ratio <= 1.1,
    )  # fmt: skip


def bar_6(at: dict[date, At]) -> Bar:
    own, plain = [], []
    for a in at.values():
        window = a.days.filter(
            (pl.col("ordered_on") >= a.as_of) & (pl.col("ordered_on") < a.as_of + timedelta(days=HORIZON))
        )
        then = window.group_by("account_key").agg(pl.col("amount").mean().alias("then"))
        last3 = a.known.group_by("account_key", maintain_order=True).agg(pl.col("amount").tail(3).mean().alias("last3"))
        joined = (
            a.table.select("account_key").with_columns(pl.Series("own", value.order_value(a.table)))
            .join(then, on="account_key").join(last3, on="account_key")
        )  # fmt: skip
        own.append(float((joined["own"] - joined["then"]).abs().mean()))  # type: ignore[arg-type]
        plain.append(float((joined["last3"] - joined["then"]).abs().mean()))  # type: ignore[arg-type]
    return Bar(
        6, "value of an order (all that ordered), MAE at 03-10 / 06-09 / 09-10", three(own, 1), "<= 171 / 183 / 184", "170 / 182 / 183",
        f"mean of last 3 {three(plain, 1)}", own[0] <= 171 and own[1] <= 183 and own[2] <= 184,
    )  # fmt: skip


def caught(key: Floats, lost: Floats) -> float:
    """Share of `lost` in the first tenth by `key`."""
    first = np.argsort(-key, kind="stable")[: round(len(key) / 10)]
    return float(lost[first].sum() / lost.sum())


def bar_7(at: dict[date, At]) -> Bar:
    own, plain = [], []
    for a in at.values():
        lost = (a.baseline * (1 - a.y))[a.active]
        own.append(caught(((1 - a.p_season) * a.baseline)[a.active], lost))
        plain.append(caught(a.baseline[a.active], lost))
    return Bar(
        7, "call list, silent revenue in the first tenth", three(own), ">= 0.33 / 0.35 / 0.31", "0.338 / 0.361 / 0.323",
        f"baseline revenue alone {three(plain)}", own[0] >= 0.33 and own[1] >= 0.35 and own[2] >= 0.31,
    )  # fmt: skip


def bar_9(days: pl.DataFrame) -> Bar:
    """30 accounts drawn at random, fitted on a year of history, judged on all active accounts."""
    recent = At(days.filter(pl.col("ordered_on") >= JUNE - timedelta(days=365)), JUNE)
    counts = activity.counts(recent.table, JUNE)
    rng = np.random.default_rng(11)
    scored: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for _ in range(25):
        sample = recent.table[np.sort(rng.choice(recent.table.height, 30, replace=False))]
        for prior in (True, False):
            p = activity.p_order(activity.fit_activity(sample, JUNE, prior=prior), *counts, HORIZON)[recent.active]
            y = recent.y[recent.active]
            scored[prior].append((quality.auc(y, p), float(np.mean((p - y) ** 2))))
    figures = {
        k: (float(np.mean([s[0] for s in v])), float(np.quantile([s[1] for s in v], 0.95))) for k, v in scored.items()
    }
    short = days.filter(pl.col("ordered_on") >= JUNE - timedelta(days=90))
    level = activity.fit_activity(rhythm(short.filter(pl.col("ordered_on") < JUNE), JUNE), JUNE).fallback_level
    auc, brier = figures[True]
    return Bar(
        9, "cold start, 30 accounts and 365 days, 25 draws",
        f"AUC {auc:.3f} Brier p95 {brier:.3f}; 90 days of history: level {level}", "AUC >= 0.77 Brier p95 <= 0.20; level 0",
        "0.778 0.195", f"maximum likelihood {figures[False][0]:.3f} {figures[False][1]:.3f}",
        auc >= 0.77 and brier <= 0.20 and level == 0,
    )  # fmt: skip


# --- bar 12 ------------------------------------------------------------------------------------------------------------


def frames(lines: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The other inputs of score_all for an order book that has nothing but orders."""
    accounts = lines.select("account_key").unique().sort("account_key")
    products = lines.group_by("product_key").agg(pl.col("category_code").min()).sort("product_key")
    text, no = pl.lit(None, pl.String), pl.lit(False)
    return {
        "accounts": accounts.select(
            "account_key", pl.lit("all").alias("segment_code"), no.alias("has_running_contract"),
            pl.lit(None, pl.Date).alias("renewal_on"), no.alias("is_blocked"), pl.lit("normal").alias("account_class"),
            text.alias("current_phase_code"),
        ),
        "products": products.select(
            "product_key", pl.col("product_key").alias("product_name"), "category_code", text.alias("product_family"),
            pl.lit(None, pl.Float64).alias("unit_price"), pl.lit(True).alias("is_active"),
        ),
        "signals": pl.DataFrame(schema={"account_key": pl.String, "signal_code": pl.String, "metric_value": pl.Float64}),
        "signal_points": pl.DataFrame(
            schema={
                "signal_code": pl.String, "operator": pl.String, "threshold": pl.Float64, "points": pl.Float64,
                "reason_text_en": pl.String, "reason_text_de": pl.String,
            }
        ),
    }  # fmt: skip


def worst_sum(scores: pl.DataFrame) -> float:
    """Largest distance between the sum of a score's parts and its logit."""
    parts = scores.select(
        pl.sum_horizontal("logit_reference", "logit_level", "logit_silence", "logit_season", "logit_signals")
    ).to_series()
    return float(np.abs(parts.to_numpy() - logit(scores["p_order"].to_numpy())).max())


def same(x: dict[str, pl.DataFrame], y: dict[str, pl.DataFrame]) -> bool:
    """Byte-equal, as written."""
    return all(x[k].write_csv() == y[k].write_csv() for k in x)


def made_up(accounts: int, orders: int) -> pl.DataFrame:
    """Orders of invented accounts, each with its own pace and end: a fixed seed, two years."""
    rng = np.random.default_rng(0)
    who = rng.choice(accounts, orders, p=(w := rng.gamma(0.7, 1, accounts) + 1e-3) / w.sum())
    start, end = rng.integers(0, 400, accounts), rng.integers(300, 731, accounts)
    who[:accounts] = np.arange(accounts)  # nobody without an order
    day = start[who] + (rng.random(orders) * np.maximum(end - start, 30)[who]).astype(np.int64)
    return pl.DataFrame(
        {
            "account_key": np.char.add("a", who.astype(str)),
            "order_key": np.arange(orders).astype(str),
            "ordered_on": pl.Series(np.datetime64("2024-01-01") + np.minimum(day, 730)).cast(pl.Date),
            "product_key": np.char.add("p", rng.integers(0, 400, orders).astype(str)),
            "category_code": "c",
            "quantity": 1.0,
            "net_amount": np.round(rng.lognormal(5, 1, orders), 2),
            "is_return": False,
        }
    )


def large() -> None:
    """100,000 accounts and a million orders from lines to scores and values; prints seconds, the limit and peak megabytes."""
    lines = made_up(100_000, 1_000_000)
    other = frames(lines)
    as_of = date(2026, 1, 1)
    begin = time.perf_counter()
    numbers = np.random.default_rng(0).random(10_000_000)
    begin = time.perf_counter()
    numbers.sort()
    limit = 3 * (time.perf_counter() - begin) + 10
    del numbers
    begin = time.perf_counter()
    days = order_days(lines, as_of)
    table = rhythm(days, as_of)
    pipeline.retention(table, days, other["accounts"], other["signals"], other["signal_points"], as_of)
    seconds = time.perf_counter() - begin
    print(seconds, limit, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, table.height)


def bar_12(lines: pl.DataFrame) -> Bar:
    other = frames(lines)

    def run(order_lines: pl.DataFrame) -> dict[str, pl.DataFrame]:
        return pipeline.score_all(order_lines, **other, as_of=JUNE)

    few = lines.filter(pl.col("account_key").hash(0) % 4 == 0)
    first, second = run(few), run(few.sample(fraction=1.0, shuffle=True, seed=3))
    worst = worst_sum(first["retention_score"])
    equal = same(first, second)
    done = subprocess.run(
        [sys.executable, "-c", "from benchmarks.insight_orders import large; large()"],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, limit, megabytes, accounts = (float(v) for v in done.stdout.split())
    return Bar(
        12, "sums, repeatable, fast",
        f"largest error of a sum {worst:.0e}; shuffled rows {'byte-equal' if equal else 'DIFFER'}; "
        f"{accounts:,.0f} accounts {seconds:.1f} s {megabytes:,.0f} MB",
        f"<= 1e-9; byte-equal; <= {limit:.1f} s, < 1,024 MB", "9e-16; 4.0 s", "-",
        worst <= 1e-9 and equal and seconds <= limit and megabytes < 1024,
    )  # fmt: skip


class Book:
    """The order book read once, and its bars by number."""

    def __init__(self, data: Path) -> None:
        self.lines = load_lines(data)

    def bars(self) -> dict[int, Callable[[], Bar]]:
        days = order_days(self.lines, END)
        at = {d: At(days, d) for d in DATES}
        return {
            1: bar_1, 2: lambda: bar_2(at), 3: lambda: bar_3(at), 4: lambda: bar_4(at), 5: lambda: bar_5(at),
            6: lambda: bar_6(at), 7: lambda: bar_7(at), 9: lambda: bar_9(days), 12: lambda: bar_12(self.lines),
        }  # fmt: skip
