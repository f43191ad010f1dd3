"""Speed and memory of the whole way from a vendor's answer to a durable part, against a bare loop.

The product does all its duties: proof of every page, types by declaration, hashes, versions, part and cursor in one
transaction. The bare loop is what one would write by hand with requests, orjson and polars. Each size and client is a
process of its own; the marginal cost between two sizes leaves start-up out.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import PAGE, Line, child, less, more, python, vendor_process

PART = 10_000
CLIENTS = ("bare", "product")
SUBJECT = "extraction, marginal speed against a bare loop"
MEMORY = "extraction memory"


def bare(url: str, folder: Path) -> int:
    """requests, orjson, six typed columns and the record's text, a Parquet file every 10,000 records."""
    import orjson
    import polars as pl
    import requests

    session = requests.Session()
    rows: list[tuple[Any, ...]] = []
    total = part = 0
    names = ["id", "email", "company", "opted_out", "created_at", "updated_at", "record"]

    def write() -> None:
        nonlocal part
        frame = pl.DataFrame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        frame = frame.with_columns(
            pl.col("opted_out") == "true",
            pl.col("created_at", "updated_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us"),
        )
        frame.write_parquet(folder / f"{part:06d}.parquet")
        part += 1
        rows.clear()

    query: dict[str, Any] = {"limit": PAGE}
    while True:
        response = session.get(
            f"{url}/crm/objects/contacts", params=query, headers={"Authorization": "Bearer bench"}, timeout=60
        )
        response.raise_for_status()
        document = orjson.loads(response.content)
        for record in document["results"]:
            p = record["properties"]
            rows.append(
                (
                    record["id"],
                    p["email"],
                    p["company"],
                    p["hs_email_optout"],
                    record["createdAt"],
                    record["updatedAt"],
                    orjson.dumps(record).decode(),
                )
            )
        total += len(document["results"])
        if len(rows) >= PART:
            write()
        after = document.get("paging", {}).get("next", {}).get("after")
        if after is None:
            break
        query["after"] = after
    if rows:
        write()
    return total


def product(url: str, folder: Path) -> int:
    """`connect` to `Landing`, as a run does it."""
    from connectors import connect
    from warehouse import Landing, Ledger

    ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}")
    ledger.migrate()
    ledger.start_run("bench")
    landing = Landing(ledger, folder, "bench")
    hubspot = connect(
        "hubspot",
        base_url=url,
        auth={"token": "bench-token"},
        allow_insecure_loopback=True,
        options={"rates": {"default": 100_000_000}},  # the vendor here has no budget to keep
    )
    for batch in hubspot.read("contacts"):
        landing.write("hubspot", "default", batch)
    counts = landing.finish_stream("hubspot", "default", "contacts")
    ledger.finish_run("bench", exit_code=0)
    return counts.new


def lines(small: int = 20_000, large: int = 100_000, rounds: int = 3) -> list[Line]:
    cpu: dict[tuple[str, int], float] = {}
    rss: dict[tuple[str, int], float] = {}
    with vendor_process() as url:
        for _ in range(rounds):
            for size in (small, large):
                for client in CLIENTS:
                    with tempfile.TemporaryDirectory() as folder:
                        cost = child(python("-m", "benchmarks.extraction", client, f"{url}/{size // PAGE}", folder))
                    if cost.output.strip() != str(size):
                        raise RuntimeError(f"{client} landed {cost.output.strip() or 'nothing'} of {size} records")
                    key = client, size
                    cpu[key] = min(cost.cpu, cpu.get(key, cost.cpu))
                    rss[key] = min(cost.rss_mb, rss.get(key, cost.rss_mb))
    marginal = {c: cpu[c, large] - cpu[c, small] for c in CLIENTS}
    each = {c: marginal[c] / (large - small) * 1e6 for c in CLIENTS}
    sizes = f"{small // 1000} k -> {large // 1000} k"
    speed = more(f"{SUBJECT}, {sizes}", marginal["bare"] / marginal["product"], 0.9, 1.2)
    detail = f"{speed.figure} (product {each['product']:.1f}, bare {each['bare']:.1f} µs a record)"
    few, many = rss["product", small], rss["product", large]
    return [
        Line(speed.subject, detail, speed.refuse, speed.aim, speed.reached),
        less(f"{MEMORY} at {large // 1000} k records, MB", many, 200, 160, digits=0),
        less(f"{MEMORY}, growth {sizes}, %", (many / few - 1) * 100, 10, 5, digits=1),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="one client in this process; prints the records landed")
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    print({"bare": bare, "product": product}[asked.client](asked.url, asked.folder))


if __name__ == "__main__":
    main()
