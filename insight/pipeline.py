"""The two calls that the pipeline makes: who is who, and whom to keep and to grow. Frames in, frames out.

Pure functions of their arguments: `as_of` is given, nothing is drawn by chance, rows may come in any order. The frames that
leave have the columns of insight/tables.py.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, logit

from insight import affinity, growth, peers, quality, reasons
from insight.activity import (
    Activity,
    Season,
    active,
    counts,
    expected_orders,
    fit_activity,
    ordered_within,
    p_order,
    season,
)
from insight.identity import resolve
from insight.rhythm import order_days, rhythm
from insight.tables import empty, fitted
from insight.value import PULL_ORDERS, account_value

Floats = npt.NDArray[np.float64]
HORIZON_DAYS = 90
VERSION = "1"
BACKTESTS = (90, 364)
BANDS = ((75, "high"), (50, "elevated"), (25, "moderate"), (0, "low"))


def resolve_identity(records: pl.DataFrame, overrides: pl.DataFrame | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """See `insight.identity.resolve`."""
    return resolve(records, overrides)


def score_all(
    order_lines: pl.DataFrame,
    accounts: pl.DataFrame,
    products: pl.DataFrame,
    signals: pl.DataFrame,
    signal_points: pl.DataFrame,
    as_of: date,
    incompatible: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """All score tables for one day.

    Args:
        order_lines: account_key, order_key, ordered_on, product_key, category_code, quantity, net_amount, is_return.
        accounts: account_key, segment_code, has_running_contract, renewal_on, is_blocked, account_class.
        products: product_key, product_name, category_code, product_family, unit_price, is_active.
        signals: account_key, signal_code, metric_value.
        signal_points: see `insight.reasons.signal_parts`.
        as_of: the first day that is not known; everything on it or later is ignored.
        incompatible: product_key, other_key pairs that must not be recommended together.

    Returns:
        A frame for every table of `insight.tables.SCHEMAS` but the two of identity.
    """
    classes = accounts.sort("account_key")
    stopped = classes.filter(pl.col("is_blocked").fill_null(False))["account_key"]
    known = order_lines.filter(pl.col("ordered_on") < as_of).sort(order_lines.columns)
    # The insolvent, the blocked and the merged would teach silence, and nobody sells to them.
    lines = known.filter(~pl.col("account_key").is_in(stopped.implode()))
    days = order_days(lines, as_of)
    table = rhythm(days, as_of)
    kept = retention(table, days, classes, signals, signal_points, as_of)
    judged = backtests(_of(days, _ordinary(classes, table)), as_of)
    choice = published_as(judged)
    if choice == "baseline":
        _publish_baseline(kept)
    judged_products = growth.judged(lines, products, as_of, HORIZON_DAYS)
    spent = peers.spending(lines, classes, table, as_of)
    gaps, white = peers.gaps(spent), peers.whitespace(spent, lines)
    refill = growth.replenishment(lines, as_of)
    # Last, because its reasons in words are the largest of all results.
    lost = any(row["published_as"] == "baseline" for row in judged_products["rows"])
    recommended = growth.products(lines, products, as_of, HORIZON_DAYS, incompatible, kept.table, classes, lost)
    digest = _hash(known, classes, products, signals, signal_points)
    run = kept.run_row | {
        "score_version": VERSION,
        "as_of_on": as_of,
        "horizon_days": HORIZON_DAYS,
        "affinity_lambda": affinity.LAMBDA,
        "affinity_exponent": judged_products["exponent"],
        "value_k": PULL_ORDERS,
        "published_as": choice,
        "input_hash": digest,
        "code_version": code_version(),
    }
    rows = [{**r, "published_as": choice} for r in judged] + judged_products["rows"]
    stamp = [pl.lit(as_of).alias("as_of_on"), pl.lit(VERSION).alias("score_version")]
    result = {
        "retention_score": kept.scores.with_columns(*stamp),
        "account_value": kept.values.with_columns(*stamp),
        "recommendation": recommended.with_columns(*stamp),
        "upsell_gap": gaps.with_columns(*stamp),
        "whitespace": white.with_columns(*stamp),
        "replenishment": refill.with_columns(*stamp),
        "score_run": pl.DataFrame([run], infer_schema_length=None),
        "score_quality": pl.DataFrame(rows, infer_schema_length=None) if rows else empty("score_quality"),
    }
    return {name: fitted(name, frame) for name, frame in result.items()}


class Retention:
    """What `retention` found: scores and values by account, and the row that says how."""

    def __init__(
        self, table: pl.DataFrame, scores: pl.DataFrame, values: pl.DataFrame, run_row: dict[str, Any]
    ) -> None:
        self.table, self.scores, self.values, self.run_row = table, scores, values, run_row


def retention(
    table: pl.DataFrame,
    days: pl.DataFrame,
    accounts: pl.DataFrame,
    signals: pl.DataFrame,
    signal_points: pl.DataFrame,
    as_of: date,
) -> Retention:
    """Probability of an order within the horizon, split into reasons, and the value that stands on it.

    Ordinary accounts are one market. Buying groups and marketplaces are fitted among themselves, when there are enough of
    them, and not scored otherwise. Where a contract is running the renewal decides: no probability, but date and signals.
    """
    kinds = _kinds(accounts, table)
    ordinary = _of(table, _ordinary(accounts, table))
    market = _of(days, ordinary["account_key"])
    params = fit_activity(ordinary, as_of)
    shift = season(market, as_of, HORIZON_DAYS) if params.fallback_level == 2 else Season(why_not="too little history")
    level = 3 if params.fallback_level == 2 and shift.applied else params.fallback_level
    text_en, text_de = reasons.fallback_text(level, params.n_accounts, params.history_days, shift.why_not)
    run_row = {
        "model": params.model,
        **{k: getattr(params, k) if level else None for k in ("r", "alpha", "a", "b", "log_likelihood")},
        "season_shift": shift.logit_shift,
        "season_factor": shift.order_factor,
        "season_note": shift.why_not,
        "accounts": params.n_accounts,
        "orders": params.n_orders,
        "history_days": params.history_days,
        "fallback_level": level,
        "fallback_text_en": text_en,
        "fallback_text_de": text_de,
    }
    extra, worst = reasons.signal_parts(table, signals, signal_points)
    scored, values = [], []
    for kind in sorted(set(kinds.to_list())):
        chosen = (kinds == kind).to_numpy()
        part, part_extra = table.filter(pl.Series(chosen)), extra[chosen]
        part_worst = [w for w, c in zip(worst, chosen, strict=True) if c]
        own, own_shift = params, shift
        if kind not in ("normal", "contract"):
            own, own_shift = fit_activity(part, as_of), Season(why_not="too few of their kind")
        if kind == "contract" or own.fallback_level == 0:
            scored.append(_unscored(part, kind, level, accounts, part_extra))
            values.append(_plain_values(part, kind))
        else:
            found, value = _scored(part, days, own, own_shift, part_extra, part_worst, as_of)
            scored.append(found)
            values.append(value)
    if not scored:
        return Retention(table, empty("retention_score"), empty("account_value"), run_row)
    scores = pl.concat(scored, how="diagonal_relaxed").sort("account_key")
    scores = scores.with_columns(
        pl.lit(level).alias("fallback_level"),
        pl.lit(text_en).alias("fallback_text_en"),
        pl.lit(text_de).alias("fallback_text_de"),
        pl.lit(HORIZON_DAYS).alias("horizon_days"),
    )
    return Retention(table, scores, pl.concat(values, how="diagonal_relaxed").sort("account_key"), run_row)


def _kinds(accounts: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    """'normal', 'contract', 'buying_group' or 'marketplace' for each account of `table`."""
    classes = table.select("account_key").join(accounts, on="account_key", how="left", maintain_order="left")
    return classes.select(
        pl.when(pl.col("has_running_contract").fill_null(False))
        .then(pl.lit("contract"))
        .otherwise(pl.col("account_class").fill_null("normal"))
        .alias("kind")
    )["kind"]


def _ordinary(accounts: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    return table.filter(_kinds(accounts, table) == "normal")["account_key"]


def _of(frame: pl.DataFrame, keys: pl.Series) -> pl.DataFrame:
    return frame.filter(pl.col("account_key").is_in(keys.implode()))


def _known(table: pl.DataFrame) -> pl.DataFrame:
    return table.rename({"first_on": "first_order_on", "last_on": "last_order_on"})


def _scored(
    table: pl.DataFrame,
    days: pl.DataFrame,
    params: Activity,
    shift: Season,
    extra: Floats,
    worst: list[dict[str, Any] | None],
    as_of: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores with their reasons, and values, of the accounts of one market."""
    parts, p = split(table, params, shift, days, as_of)
    probability = expit(logit(np.clip(p, 1e-9, 1 - 1e-9)) + shift.logit_shift + extra)
    all_parts = {**parts, "season": np.full(table.height, shift.logit_shift), "signals": extra}
    said = reasons.texts(table, all_parts, worst, _typical_orders(table, days, as_of))
    risk = np.round(100 * (1 - probability)).astype(np.int64)
    expected = expected_orders(params, *counts(table, as_of), HORIZON_DAYS) * shift.order_factor
    scores = _known(table).with_columns(
        pl.lit("model").alias("score_method"),
        pl.Series("p_order", probability),
        pl.Series("churn_risk_score", risk),
        pl.Series("churn_risk_band", [band(int(r)) for r in risk], dtype=pl.String),
        pl.Series("expected_orders", expected),
        pl.Series("logit_reference", np.full(table.height, parts["reference"])),
        pl.Series("logit_level", parts["level"]),
        pl.Series("logit_silence", parts["silence"]),
        pl.Series("logit_season", all_parts["season"]),
        pl.Series("logit_signals", extra),
    )
    values = account_value(table, 1 - probability, params, shift, as_of, HORIZON_DAYS)
    return pl.concat([scores, said], how="horizontal"), values


def _unscored(table: pl.DataFrame, kind: str, level: int, accounts: pl.DataFrame, extra: Floats) -> pl.DataFrame:
    """Rhythm without a probability, and the sentence that says why; where all are unscored, the run's sentence says it."""
    known = _known(table).with_columns(pl.lit("none").alias("score_method"), pl.Series("logit_signals", extra))
    if kind == "normal":
        return known.drop("logit_signals")
    until = table.select("account_key").join(accounts, on="account_key", how="left", maintain_order="left")[
        "renewal_on"
    ]
    shown = [d.isoformat() if d is not None else "?" for d in until]
    en, de = reasons.CONTRACT if kind == "contract" else reasons.OWN_CLASS
    return known.with_columns(
        pl.lit(kind).alias("reason_code_1"),
        pl.Series("reason_text_en_1", [en.format(until=u) for u in shown], dtype=pl.String),
        pl.Series("reason_text_de_1", [de.format(until=u) for u in shown], dtype=pl.String),
    )


def _plain_values(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    """No figure is better than an invented one: revenue, and what is at risk where silence exceeds the longest gap so far."""
    silent = (pl.col("days_silent") > pl.col("longest_gap_days").fill_null(0)).cast(pl.Float64)
    at_risk = pl.lit(None, pl.Float64) if kind == "contract" else pl.col("baseline_90d") * silent
    return table.select(
        "account_key",
        pl.col("revenue_365d").alias("revenue_365d_amount"),
        pl.col("baseline_90d").alias("baseline_90d_amount"),
        at_risk.alias("value_at_risk_amount"),
    )


def _publish_baseline(kept: Retention) -> None:
    """The model lost against recency: recency is the score, no probability is claimed, and the row says so."""
    chosen = pl.col("score_method") == "model"
    risk = (100 * (pl.col("days_silent").rank() - 1) / max(kept.scores.height - 1, 1)).round().cast(pl.Int64)
    gone = [
        c for c in kept.scores.columns if c.startswith(("logit_", "reason_", "p_order", "expected_orders", "churn_"))
    ]
    replaced = {
        "churn_risk_score": risk,
        "reason_code_1": pl.lit("baseline"),
        "reason_text_en_1": pl.lit(reasons.BASELINE[0]),
        "reason_text_de_1": pl.lit(reasons.BASELINE[1]),
    }
    kept.scores = kept.scores.with_columns(
        pl.when(chosen).then(replaced.get(c, pl.lit(None))).otherwise(pl.col(c)).alias(c) for c in gone
    ).with_columns(pl.when(chosen).then(pl.lit("baseline")).otherwise(pl.col("score_method")).alias("score_method"))
    share = kept.scores.select("account_key", (pl.col("churn_risk_score") / 100).alias("share"))
    kept.values = (
        kept.values.join(share, on="account_key", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("share").is_not_null())
            .then(pl.col("share") * pl.col("baseline_90d_amount"))
            .otherwise(pl.col("value_at_risk_amount"))
            .alias("value_at_risk_amount")
        )
        .drop("share")
    )
    kept.run_row = {
        **kept.run_row,
        "fallback_text_en": f"{reasons.BASELINE[0]} {kept.run_row['fallback_text_en']}",
        "fallback_text_de": f"{reasons.BASELINE[1]} {kept.run_row['fallback_text_de']}",
    }


def split(
    table: pl.DataFrame, params: Activity, shift: Season, days: pl.DataFrame, as_of: date
) -> tuple[dict[str, Any], Floats]:
    """The logit of P(order) as reference + level + silence, exactly; and the probability itself."""
    x, t_x, big_t = counts(table, as_of)

    def score(x: Floats, t_x: Floats, big_t: Floats) -> Floats:
        result: Floats = logit(np.clip(p_order(params, x, t_x, big_t, HORIZON_DAYS), 1e-9, 1 - 1e-9))
        return result

    is_active = active(table, days, as_of)
    chosen = is_active if is_active.any() else np.ones(table.height, dtype=bool)
    middle_x, middle_t = np.array([np.median(x[chosen])]), np.array([np.median(big_t[chosen])])
    reference = float(score(middle_x, middle_t, middle_t)[0])
    today = score(x, big_t, big_t)
    now = score(x, t_x, big_t)
    return {"reference": reference, "level": today - reference, "silence": now - today}, expit(now)


def _typical_orders(table: pl.DataFrame, days: pl.DataFrame, as_of: date) -> float:
    chosen = table.filter(pl.Series(active(table, days, as_of), dtype=pl.Boolean))
    source = chosen if chosen.height else table
    middle = (source["orders"] * 365.0 / source["tenure_days"].clip(90)).median()
    return float(middle) if isinstance(middle, (int, float)) else 0.0


def band(risk: int) -> str:
    return next(name for floor, name in BANDS if risk >= floor)


def backtests(days: pl.DataFrame, as_of: date) -> list[dict[str, Any]]:
    """The score as it would have been at earlier days against what happened: rows of score_quality."""
    rows: list[dict[str, Any]] = []
    for back in BACKTESTS:
        then = as_of - timedelta(days=back)
        known = days.filter(pl.col("ordered_on") < then)
        table = rhythm(known, then)
        params = fit_activity(table, then)
        if params.fallback_level == 0 or then + timedelta(days=HORIZON_DAYS) > as_of:
            continue
        shift = season(known, then, HORIZON_DAYS) if params.fallback_level == 2 else Season()
        x, t_x, big_t = counts(table, then)
        p = expit(logit(np.clip(p_order(params, x, t_x, big_t, HORIZON_DAYS), 1e-9, 1 - 1e-9)) + shift.logit_shift)
        expected = expected_orders(params, x, t_x, big_t, HORIZON_DAYS) * shift.order_factor
        actual = ordered_within(table, days, then, HORIZON_DAYS)
        silent = table["days_silent"].to_numpy().astype(np.float64)
        for population, chosen in (("all", np.ones(table.height, dtype=bool)), ("active", active(table, known, then))):
            found = quality.measures(
                (actual > 0)[chosen].astype(np.float64), p[chosen], silent[chosen], expected[chosen], actual[chosen]
            )
            rows.append(
                {
                    "score_name": "retention",
                    "score_version": VERSION,
                    "basis": "replayed",
                    "as_of_on": then,
                    "horizon_days": HORIZON_DAYS,
                    "population": population,
                    **found,
                    "note": f"season shift {shift.logit_shift:+.2f}" if shift.applied else "no season shift",
                }
            )
    return rows


def published_as(judged: list[dict[str, Any]]) -> str:
    """'model', or 'baseline' when the newest backtest on active accounts lost to recency, or 'none' when nothing could be judged."""
    newest = [r for r in judged if r["population"] == "active" and r["beats_baseline"] is not None]
    if not newest:
        return "none" if not judged else "model"
    return "model" if max(newest, key=lambda r: r["as_of_on"])["beats_baseline"] else "baseline"


def _hash(*frames: pl.DataFrame) -> str:
    """The same for the same rows in any order."""
    digest = hashlib.sha256()
    for frame in frames:
        # In slices: a million rows as one text would take more memory than the scores.
        for part in frame.sort(frame.columns).iter_slices(50_000):
            digest.update(part.write_csv(include_header=False).encode())
    return digest.hexdigest()[:32]


def code_version() -> str:
    """A hash of this package's own text."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


__all__ = ["resolve_identity", "score_all"]
