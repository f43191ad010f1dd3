"""What the next run asks for and lands after page 4 of 5 failed for good.

Counts, not costs: further requests for pages of records, and rows that stand twice among the landed parts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import PAGE, Line, vendor_thread

if TYPE_CHECKING:
    import polars as pl

PAGES, BROKEN = 5, 4


def lines() -> list[Line]:
    from connectors import SourceError, connect
    from warehouse import Landing, Ledger

    with tempfile.TemporaryDirectory() as name, vendor_thread() as vendor:
        folder = Path(name)
        ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}")
        ledger.migrate()

        def run(run_id: str) -> bool:
            """One run with nothing left over from the one before but what is on disk; whether it failed."""
            ledger.start_run(run_id)
            landing = Landing(ledger, folder, run_id)
            source = connect(
                "hubspot",
                base_url=f"{vendor.url}/{PAGES}",
                auth={"token": "bench-token"},
                allow_insecure_loopback=True,
            )
            cursor, mark = landing.state("hubspot", "default", "contacts")
            failed = False
            try:
                for batch in source.read("contacts", cursor=cursor, resume=mark):
                    landing.write("hubspot", "default", batch)
            except SourceError:
                failed = True
            landing.finish_stream("hubspot", "default", "contacts")
            ledger.finish_run(run_id, exit_code=30 if failed else 0)
            return failed

        vendor.broken.add(BROKEN)
        if not run("first"):
            raise RuntimeError("the first run did not notice that a page failed")
        kept = _ids(folder)
        vendor.broken.clear()
        vendor.asked.clear()
        if run("second"):
            raise RuntimeError("the second run failed although the vendor is well")
        requests = len(vendor.asked)
        ids = _ids(folder)
        ledger.close()
    doubled = ids.len() - ids.n_unique()
    complete = ids.n_unique() == PAGES * PAGE and kept.len() == (BROKEN - 1) * PAGE
    return [
        Line(
            f"page {BROKEN} of {PAGES} fails: further requests",
            str(requests),
            "2",
            "2",
            requests <= 2 and complete,
        ),
        Line(
            f"page {BROKEN} of {PAGES} fails: rows doubled",
            f"{doubled} of {ids.len()} ({kept.len()} kept)",
            "0",
            "0",
            doubled == 0 and complete,
        ),
    ]


def _ids(folder: Path) -> pl.Series:
    import polars as pl

    files = sorted(folder.rglob("*.parquet"))
    if not files:
        return pl.Series("record_id", [], dtype=pl.String)
    return pl.concat([pl.read_parquet(f, columns=["record_id"]) for f in files])["record_id"]
