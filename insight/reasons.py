"""Why a score is what it is: parts that sum exactly to the logit, each a sentence with the account's own numbers.

reference: the typical active account that ordered today · level: how often this account orders · silence: how long it has not ·
season: the same for all · signals: what support, surveys and the newsletter say. A reason explains the score, not the
customer. Only parts that speak against ordering and weigh at least 0.2 are shown, at most three.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
SHOWN_FROM = 0.2
SIGNAL_CAP = 1.0

FALLBACK = {
    0: (
        "Not scored: only {n} accounts and {d} days of orders. Sorted by revenue and silence.",
        "Nicht bewertet: nur {n} Konten und {d} Tage Bestellungen. Sortiert nach Umsatz und Stille.",
    ),
    1: (
        "Estimated from {n} accounts and a general prior; bands, not percentages.",
        "Geschätzt aus {n} Konten und einer allgemeinen Annahme; Stufen, keine Prozente.",
    ),
    2: (
        "Fitted on {n} accounts; percentages, not corrected for season ({why}).",
        "Aus {n} Konten geschätzt; Prozente, ohne Korrektur der Saison ({why}).",
    ),
    3: (
        "Fitted on {n} accounts; percentages, corrected for season.",
        "Aus {n} Konten geschätzt; Prozente, um die Saison korrigiert.",
    ),
}
OWN_CLASS = (
    "A buying group or marketplace: too few of its kind for a score of their own, and not scored among ordinary accounts.",
    "Einkaufsverband oder Marktplatz: zu wenige für eine eigene Bewertung, und nicht unter gewöhnlichen Konten bewertet.",
)
BASELINE = (
    "Sorted by days since the last order: the model was no better than that at its last check.",
    "Sortiert nach Tagen seit der letzten Bestellung: das Modell war bei der letzten Prüfung nicht besser.",
)
CONTRACT = (
    "A contract is running until {until}: the renewal decides, not the rhythm of orders.",
    "Ein Vertrag läuft bis {until}: die Verlängerung entscheidet, nicht der Rhythmus der Bestellungen.",
)


def fallback_text(level: int, accounts: int, days: int, why: str) -> tuple[str, str]:
    en, de = FALLBACK[level]
    return en.format(n=accounts, d=days, why=why or "no year to compare"), de.format(
        n=accounts, d=days, why=why or "kein Vorjahr"
    )


def signal_parts(
    table: pl.DataFrame, signals: pl.DataFrame, points: pl.DataFrame
) -> tuple[Floats, list[dict[str, Any] | None]]:
    """Logit points of each account from signals, capped at one in sum, and the signal that weighs most.

    Args:
        signals: account_key, signal_code, metric_value.
        points: signal_code, operator ('>=', '<=', '>', '<'), threshold, points (negative speaks against ordering),
            reason_text_en, reason_text_de with an optional {value}.
    """
    total = np.zeros(table.height)
    worst: list[dict[str, Any] | None] = [None] * table.height
    if signals.is_empty() or points.is_empty():
        return total, worst
    index = {key: n for n, key in enumerate(table["account_key"])}
    rules = points.sort("signal_code").to_dicts()
    for row in signals.sort("account_key", "signal_code").iter_rows(named=True):
        n = index.get(row["account_key"])
        value = row["metric_value"]
        if n is None or value is None:
            continue
        for rule in rules:
            if rule["signal_code"] == row["signal_code"] and _holds(
                float(value), rule["operator"], float(rule["threshold"])
            ):
                weight = float(rule["points"])
                total[n] += weight
                if worst[n] is None or weight < worst[n]["points"]:  # type: ignore[index]
                    worst[n] = {**rule, "points": weight, "value": float(value)}
    return np.clip(total, -SIGNAL_CAP, SIGNAL_CAP), worst


def _holds(value: float, operator: str, threshold: float) -> bool:
    return {">=": value >= threshold, "<=": value <= threshold, ">": value > threshold, "<": value < threshold}[
        operator
    ]


def texts(
    table: pl.DataFrame, parts: dict[str, Floats], worst: list[dict[str, Any] | None], typical_orders: float
) -> pl.DataFrame:
    """reason_code_n, reason_text_en_n, reason_text_de_n, reason_weight_n for n = 1..3, a row an account of `table`."""
    rows = table.select("orders", "tenure_days", "days_silent", "shrunken_gap_days", "overdue_ratio").to_dicts()
    out: list[dict[str, Any]] = []
    for n, row in enumerate(rows):
        found = sorted(
            (float(parts[code][n]), code)
            for code in ("level", "silence", "season", "signals")
            if parts[code][n] <= -SHOWN_FROM
        )
        line: dict[str, Any] = {}
        for place, (weight, code) in enumerate(found[:3], start=1):
            en, de = _sentence(code, row, worst[n], typical_orders, weight)
            line |= {
                f"reason_code_{place}": code if code != "signals" or worst[n] is None else worst[n]["signal_code"],  # type: ignore[index]
                f"reason_text_en_{place}": en,
                f"reason_text_de_{place}": de,
                f"reason_weight_{place}": weight,
            }
        out.append(line)
    schema: dict[str, Any] = {}
    for place in (1, 2, 3):
        schema |= {f"reason_code_{place}": pl.String, f"reason_text_en_{place}": pl.String}
        schema |= {f"reason_text_de_{place}": pl.String, f"reason_weight_{place}": pl.Float64}
    return pl.DataFrame(out, schema=schema) if out else pl.DataFrame(schema=schema)


def _sentence(
    code: str, row: dict[str, Any], worst: dict[str, Any] | None, typical: float, weight: float
) -> tuple[str, str]:
    per_year = row["orders"] * 365.0 / max(row["tenure_days"], 90)
    if code == "level":
        return (
            f"Orders {per_year:.1f} times a year; the typical active account {typical:.1f}.",
            f"Bestellt {_de(per_year)}-mal im Jahr; das typische aktive Konto {_de(typical)}-mal.",
        )
    if code == "silence":
        gap, ratio = row["shrunken_gap_days"], row["overdue_ratio"]
        return (
            f"No order for {row['days_silent']} days; it usually orders every {gap:.0f} ({ratio:.1f} times that).",
            f"Seit {row['days_silent']} Tagen keine Bestellung; üblich ist eine alle {gap:.0f} Tage (das {_de(ratio)}-fache).",
        )
    if code == "season":
        return (
            f"All accounts: a quiet time of the year ({weight:+.1f}).",
            f"Alle Konten: eine ruhige Zeit des Jahres ({_de(weight)}).",
        )
    if worst is not None:
        value = worst["value"]
        shown = f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
        return (
            str(worst["reason_text_en"]).replace("{value}", shown),
            str(worst["reason_text_de"]).replace("{value}", shown.replace(".", ",")),
        )
    return "Several small signals together.", "Mehrere kleine Signale zusammen."


def _de(number: float) -> str:
    return f"{number:.1f}".replace(".", ",")
