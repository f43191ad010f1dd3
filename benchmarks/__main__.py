"""`make bench`: every figure in one table, with the bar it must not fall below and the one it aims at.

The figures say where things stand; they fail no build, so the exit code is 0. What cannot be measured here is a line
that says so. The bars of the scores have a command of their own: `make bench-insight`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import extraction, publish, resume, runs
from benchmarks.measure import Line


def table(found: list[Line]) -> str:
    rows = [("what", "measured", "refuse below", "aim", "")]
    rows += [(x.subject, x.figure, x.refuse, x.aim, x.verdict) for x in found]
    widths = [max(len(r[i]) for r in rows) for i in range(5)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--small", type=int, default=20_000, help="records of the smaller extraction")
    parser.add_argument("--large", type=int, default=100_000, help="records of the larger extraction")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each; the lowest counts")
    parser.add_argument("--full", action="store_true", help="extraction at 100,000 and 1,000,000 records; half an hour")
    parser.add_argument("--only", choices=("extraction", "resume", "runs", "publish"), help="one of the measures")
    asked = parser.parse_args()
    small, large = (100_000, 1_000_000) if asked.full else (asked.small, asked.large)
    if large <= small or small % 100 or large % 100:
        parser.error("--small and --large must be whole hundreds, the second larger")
    # Extraction first: a child cannot report a smaller memory than its parent has, and here it is still small.
    measures: dict[str, Callable[[], list[Line]]] = {
        "extraction": lambda: extraction.lines(small, large, asked.rounds),
        "resume": resume.lines,
        "publish": lambda: publish.lines(rounds=asked.rounds),
        "runs": lambda: runs.lines(rounds=asked.rounds),
    }
    found: list[Line] = []
    for name, measure in measures.items():
        if asked.only in (None, name):
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            try:
                found += measure()
            except Exception as error:  # noqa: BLE001 - one measure that fails must not hide the others
                found.append(Line(name, f"{type(error).__name__}: {error}"[:120], "", "", None))
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
