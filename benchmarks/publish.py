"""What publishing the DuckDB file costs beyond writing each table once, as a share of sorting the same rows into Parquet.

Copy, stamp, fsync and the check in a second process; the Parquet generation beside it is measured apart, because
it writes the rows a second time by intention.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Line, child, less, python

ROWS = 2_000_000


def used() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def measure(folder: Path, rows: int) -> dict[str, float]:
    import duckdb

    from warehouse import Ledger, Publisher

    marts = folder / "marts.duckdb"
    with duckdb.connect(":memory:") as connection:
        connection.execute("set threads = 2")
        connection.execute(f"attach '{marts}' as pub (storage_version 'v1.2.0')")
        connection.execute(
            "create table pub.fct_customer_journey as select md5(i::text) as touchpoint_key,"
            " md5((hash(i) % (? // 200))::text) as account_key, md5((hash(i) % (? // 50))::text) as contact_key,"
            " timestamp '2024-01-01' + to_seconds((hash(i * 3) % 60000000)::bigint) as occurred_at,"
            " 'type_' || hash(i * 5) % 60 as touchpoint_type_code, 'channel_' || hash(i * 7) % 9 as channel_code,"
            " 'phase_' || hash(i * 11) % 8 as journey_phase_code, (hash(i * 13) % 5)::smallint as visit_number,"
            " i::integer as touchpoint_number, (hash(i * 17) % 100000 / 100)::decimal(18, 2) as cost_amount,"
            " 'hubspot' as source_system, i::text as source_record_id from range(?) t(i)",
            [rows, rows, rows],
        )
        before = used()
        connection.execute(
            "copy (select * from pub.fct_customer_journey order by account_key, occurred_at)"
            f" to '{folder / 'sorted.parquet'}' (format parquet)"
        )
        baseline = used() - before

    apart = {"parquet": 0.0}

    class Timed(Publisher):
        def _write_parquet(self, *arguments: Any, **named: Any) -> Any:
            began = used()
            try:
                return super()._write_parquet(*arguments, **named)
            finally:
                apart["parquet"] += used() - began

    ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}")
    ledger.migrate()
    ledger.start_run("bench")
    before = used()
    Timed(folder, ledger).publish(marts, "bench", expected_rows={"fct_customer_journey": rows})
    return {"baseline": baseline, "publish": used() - before - apart["parquet"], **apart}


def lines(rows: int = ROWS, rounds: int = 3) -> list[Line]:
    best: dict[str, float] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            found = json.loads(child(python("-m", "benchmarks.publish", folder, str(rows))).output)
        best = {name: min(value, best.get(name, value)) for name, value in found.items()}
    note = f" ({best['publish']:.2f} of {best['baseline']:.2f} CPU-s; Parquet generation {best['parquet']:.2f})"
    subject = f"publish of the DuckDB file, {rows / 1e6:g} M rows, share of sorting them"
    return [less(subject, best["publish"] / best["baseline"], 0.1, 0.03, note)]


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
