"""What all benchmarks share: a line of the table, a child process and what it cost, and a vendor that costs nothing.

No measure of a subject belongs here. Costs are CPU seconds of a child (user and system), because a neighbour on the machine
adds to the wall clock at once and to CPU time only a little; of several rounds the lowest counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[1]
PAGE = 100
PLACE = b"77770000"  # stands in a rendered page where its number belongs
NOW = "Tue, 30 Jun 2026 06:00:00 GMT"


@dataclass(frozen=True)
class Line:
    """One line of the table; `reached` is None when it could not be measured, and `figure` then says why."""

    subject: str
    figure: str
    refuse: str
    aim: str
    reached: bool | None

    @property
    def verdict(self) -> str:
        return {True: "reached", False: "short", None: "not measured"}[self.reached]


def more(subject: str, value: float, refuse: float, aim: float) -> Line:
    """A figure that should be large."""
    return Line(subject, f"{value:.2f}", f"{refuse:g}", f"{aim:g}", value >= refuse)


def less(subject: str, value: float, refuse: float, aim: float, note: str = "", digits: int = 2) -> Line:
    """A figure that should be small."""
    return Line(subject, f"{value:.{digits}f}{note}", f"{refuse:g}", f"{aim:g}", value <= refuse)


@dataclass(frozen=True)
class Cost:
    """What one child process used, and what it printed."""

    cpu: float
    rss_mb: float
    output: str
    code: int


def child(command: Sequence[str], **variables: str) -> Cost:
    """Runs one command alone and says what it used, its own children included.

    Without DAGSTER_HOME among `variables`, Dagster keeps no store, as for `wegpunkt run` from cron.
    """
    inherited = {k: v for k, v in os.environ.items() if k != "DAGSTER_HOME"}
    environment = {**inherited, "PYTHONDONTWRITEBYTECODE": "", "DO_NOT_TRACK": "1", **variables}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    complaint: list[bytes] = []
    listener = threading.Thread(target=lambda: complaint.append(process.stderr.read()))  # type: ignore[union-attr]
    listener.start()
    output = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    listener.join()
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code and not output:
        last = complaint[0].decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {code}"]
        raise RuntimeError(last[0])
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output, code)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


# --- a vendor that costs nothing -------------------------------------------------------------------------------------


def rendered(variant: int) -> bytes:
    """A list page of HubSpot's contacts: 100 records of 24 properties, some 900 bytes each, in canonical JSON."""
    results = []
    for i in range(PAGE):
        number = f"{PLACE.decode()}{i:02d}"
        word = f"{variant * 7919 + i * 104729:x}"
        properties = {
            "email": f"contact.{number}@company-{word}.example",
            "firstname": f"First {word[:3]}",
            "lastname": f"Last {word[2:]}",
            "phone": f"+49 30 {i:02d}{variant:03d}",
            "address": f"Example Street {i}, building {variant}, entrance of the purchasing department",
            "jobtitle": "Head of procurement",
            "zip": f"{10000 + i * 37 + variant}",
            "city": "Sample Town",
            "country": "DE",
            "company": f"Company {word} GmbH",
            "associatedcompanyid": f"9{word}",
            "lifecyclestage": ("lead", "opportunity", "customer")[i % 3],
            "hs_buying_role": ("DECISION_MAKER", "INFLUENCER", None)[i % 3],
            "hs_persona": f"persona_{i % 5}",
            "hs_seniority": "senior",
            "hs_language": "de",
            "hs_legal_basis": "Legitimate interest",
            "hs_analytics_source": ("ORGANIC_SEARCH", "PAID_SEARCH", "OFFLINE")[i % 3],
            "hs_analytics_source_data_1": f"campaign-{i % 11}",
            "hs_analytics_source_data_2": None,
            "hs_email_optout": ("true", "false")[i % 2],
            "hubspot_owner_id": f"{40 + i % 7}",
            "hs_merged_object_ids": None,
            "lastmodifieddate": f"2026-05-{1 + i % 28:02d}T10:{i % 60:02d}:11.{variant:03d}Z",
        }
        results.append(
            {
                "id": number,
                "properties": properties,
                "createdAt": f"2025-03-{1 + i % 28:02d}T08:{i % 60:02d}:07.412Z",
                "updatedAt": properties["lastmodifieddate"],
                "archived": False,
            }
        )
    page = {"results": results, "paging": {"next": {"after": PLACE.decode(), "link": ""}}}
    return json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode()


VARIANTS = 20


class Vendor(ThreadingHTTPServer):
    """Answers `/<pages>/crm/...`: that many pages, rendered before the first request; the archive is empty.

    `broken` pages answer 500 until it is emptied. `asked` counts requests for pages of records.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.templates = [rendered(v) for v in range(VARIANTS)]
        self.last = [t.rsplit(b',"paging"', 1)[0] + b"}" for t in self.templates]
        self.broken: set[int] = set()
        self.asked: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def page(self, number: int, pages: int) -> bytes:
        """Page `number` of 1..pages; its last names no next one."""
        chosen = (self.last if number == pages else self.templates)[number % VARIANTS]
        return chosen.replace(PLACE, b"%08d" % (10_000_000 + number))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Vendor

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        status, body = 200, b'{"results":[]}'
        if "archived" not in query:
            number = int(query.get("after", ["10000000"])[0]) - 10_000_000 + 1
            self.server.asked.append(number)
            if number in self.server.broken:
                status, body = 500, b'{"status":"error","message":"internal"}'
            else:
                body = self.server.page(number, int(parts.path.split("/")[1]))
        head = f"HTTP/1.1 {status} X\r\nDate: {NOW}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@contextmanager
def vendor_process() -> Iterator[str]:
    """The vendor in a process of its own, so that what it uses is nobody's cost."""
    process = subprocess.Popen(python("-m", "benchmarks.measure"), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def vendor_thread() -> Iterator[Vendor]:
    """The vendor in this process, so that it can be broken and mended."""
    vendor = Vendor()
    threading.Thread(target=vendor.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield vendor
    finally:
        vendor.shutdown()
        vendor.server_close()


if __name__ == "__main__":
    served = Vendor()
    print(served.url, flush=True)
    served.serve_forever()
