"""The twelve bars of the scores: `python -m benchmarks.insight` prints a line for each and fails when one is missed.

Data: a folder in WEGPUNKT_INSIGHT_DATA with online_retail_ii_customers.parquet (UCI 502, CC BY 4.0, one row a line:
invoice, stock_code, description, quantity, invoice_at, unit_price, customer_id, country), german_ag_left.csv.gz,
german_ag_right.csv.gz, german_ag_matches.csv.gz (py-neer-utilities, MIT) and chicago_sites.csv.gz (dedupe-examples, MIT).
CDNOW and FEBRL come with the packages of dependency group `bench`. Exit code 0: all reached, 1: one missed, 2: no data.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

VARIABLE = "WEGPUNKT_INSIGHT_DATA"
FILES = (
    "online_retail_ii_customers.parquet",
    "german_ag_left.csv.gz",
    "german_ag_right.csv.gz",
    "german_ag_matches.csv.gz",
    "chicago_sites.csv.gz",
)


def missing() -> str | None:
    """What keeps the benchmark from running, as a sentence."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return f"{VARIABLE} is not set: point it to the folder with the public data (see benchmarks/insight.py)."
    absent = [f for f in FILES if not (Path(folder) / f).is_file()]
    if absent:
        return f"{VARIABLE}={folder} lacks {', '.join(absent)}: put the public data there (see benchmarks/insight.py)."
    packages = [p for p in ("lifetimes", "recordlinkage", "sklearn", "splink") if importlib.util.find_spec(p) is None]
    if packages:
        return f"Packages {', '.join(packages)} are not installed: run `uv sync --group bench`."
    return None


def main(numbers: list[int]) -> int:
    problem = missing()
    if problem:
        print(problem, file=sys.stderr)
        return 2
    from benchmarks import insight_identity, insight_orders, insight_products
    from benchmarks.insight_bars import Bar

    data = Path(os.environ[VARIABLE])
    orders = insight_orders.Book(data)
    bars: dict[int, Callable[[], Bar]] = {
        **orders.bars(),
        8: lambda: insight_products.bar_8(orders.lines),
        10: lambda: insight_identity.bar_10(data),
        11: lambda: insight_identity.bar_11(data),
    }
    reached = True
    for number in sorted(bars):
        if numbers and number not in numbers:
            continue
        bar = bars[number]()
        print(bar.line(), flush=True)
        reached &= bar.reached
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main([int(n) for n in sys.argv[1:]]))
