"""The one socket in front of the simulated company: every vendor's API under its own path, all on loopback.

What belongs here is HTTP and nothing else: dispatch by the first path segment, the `Date` of the company's
own clock, gzip, the lock that makes a step in time atomic against readers, and the few `/_sandbox` addresses
that steer the simulation. What a vendor answers is decided in `sandbox.vendors`, what happens in the company
in `sandbox.company`.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import polars as pl

from sandbox import inbox
from sandbox.company import Company
from sandbox.vendors import Handler, Response, answer, brevo_records, set_limits, shopware_records, zendesk_records

VENDORS = ("hubspot", "shopware", "brevo", "zendesk")
# What a vendor allows more than its documentation says, as a customer with a bigger plan would write it down.
RATES = {"hubspot": "{ default = 2000, search = 100 }", "zendesk": "{ default = 10000, exports = 500 }"}
MAX_BODY = 10_000_000
GZIP_FROM = 1_000  # smaller answers grow or stay

# Fixed on purpose: they open nothing but a simulation on loopback, and a demo needs no setting up.
SECRETS: dict[str, str] = {
    "HUBSPOT_TOKEN": "sandbox-hubspot-token",
    "SHOPWARE_CLIENT_ID": "SANDBOXSHOPWARECLIENT",
    "SHOPWARE_CLIENT_SECRET": "sandbox-shopware-secret",
    "BREVO_API_KEY": "sandbox-brevo-key",
    "ZENDESK_TOKEN": "sandbox-zendesk-token",
}
AUTH: dict[str, dict[str, str]] = {
    "hubspot": {"token": "HUBSPOT_TOKEN"},
    "shopware": {"client_id": "SHOPWARE_CLIENT_ID", "client_secret": "SHOPWARE_CLIENT_SECRET"},
    "brevo": {"api_key": "BREVO_API_KEY"},
    "zendesk": {"token": "ZENDESK_TOKEN"},
}


def config(port: int, host: str = "127.0.0.1", inbox_path: str = "inbox") -> str:
    """A `wegpunkt.toml` that reads all of a sandbox on this port; secrets as environment variables."""
    lines = [
        "# Reads the simulated company. Set the secrets first: python -m sandbox config --env",
        "[company]",
        'name = "Sandbox"',
        'reporting_currency = "EUR"',
        'time_zone = "Europe/Berlin"',
        "",
    ]
    for vendor in VENDORS:
        auth = ", ".join(f'{key} = "env:{name}"' for key, name in AUTH[vendor].items())
        lines += [
            "[[source]]",
            f'vendor = "{vendor}"',
            f'base_url = "http://{host}:{port}/{vendor}"',
            f"auth = {{ {auth} }}",
            "allow_insecure_loopback = true",
            *([f"options = {{ rates = {RATES[vendor]} }}"] if vendor in RATES else []),
            "",
        ]
    lines += [inbox.toml(inbox_path)]
    return "\n".join(lines)


def environment() -> str:
    """The secrets of `config` as shell assignments."""
    return "\n".join(f"{name}={value}" for name, value in SECRETS.items())


def handler(vendor: str) -> Handler:
    """The door of a vendor's module."""
    found: Handler = importlib.import_module(f"sandbox.vendors.{vendor}").handle
    return found


class Sandbox:
    """A running sandbox. Use as a context or call `close`; the socket is open once the object exists."""

    def __init__(
        self,
        company: Company,
        port: int = 0,
        rate_limits: str = "generous",
        only: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        set_limits(company, rate_limits)
        self.company = company
        self.only = only
        self.lock = threading.RLock()
        self.vendors = (only,) if only else VENDORS
        self._server = _Server((host, port), _Handler)
        self._server.sandbox = self
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def base_url(self, vendor: str) -> str:
        return self.url if self.only else f"{self.url}/{vendor}"

    def truth(self, table: str) -> pl.DataFrame:
        """What really happened; KeyError for a table that there is not."""
        with self.lock:
            frame = self.company.truth(table)
        return as_shown(frame) if table == "identity" else frame

    def advance(self, days: int) -> None:
        """Lets the company live on; no answer shows half a step."""
        with self.lock:
            self.company.advance(days)

    def wait(self) -> None:
        """Blocks until the server is closed from another thread or a signal handler."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Response, datetime]:
        """The answer to one request and the company's time at which it was given."""
        parts = urlsplit(target)
        path = unquote(parts.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        first, _, rest = path.lstrip("/").partition("/")
        with self.lock:
            if first == "_sandbox":
                response = self._steer(method, rest, body)
            elif self.only:
                response = handler(self.only)(self.company, method, path, query, headers, body)
            elif first in self.vendors:
                headers = {**headers, "x-forwarded-prefix": f"/{first}"}
                response = handler(first)(self.company, method, "/" + rest, query, headers, body)
            else:
                known = ", ".join(f"/{name}" for name in (*self.vendors, "_sandbox"))
                response = answer({"error": f"nothing lives at {path}; known are {known}"}, 404)
            return response, self.company.now

    def _steer(self, method: str, path: str, body: bytes) -> Response:
        if path == "advance":
            if method != "POST":
                return answer({"error": "advance changes the company: use POST"}, 405, {"Allow": "POST"})
            return self._advance(body)
        if method not in ("GET", "HEAD"):
            return answer({"error": f"/_sandbox/{path} is read with GET"}, 405, {"Allow": "GET"})
        if path == "config":
            text = config(self.port, self.host)
            return Response(200, {"Content-Type": "application/toml; charset=utf-8"}, text.encode())
        if path == "now":
            return answer({"now": self.company.now.isoformat()})
        folder, _, name = path.partition("/")
        if folder == "truth" and name.endswith(".parquet"):
            return self._truth(name.removesuffix(".parquet"))
        if folder == "inbox":
            files = inbox.files(self.company)
            if not name:
                return answer(sorted(files))
            if name in files:
                kind = {"Content-Type": "application/octet-stream", "Last-Modified": http_date(self.company.now)}
                return Response(200, kind, files[name])
        return answer({"error": f"/_sandbox/{path} does not exist"}, 404)

    def _advance(self, body: bytes) -> Response:
        try:
            days = json.loads(body or b"{}").get("days")
        except (ValueError, AttributeError):
            days = None
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 3660:
            return answer({"error": 'advance needs a body such as {"days": 30}, with 1 to 3660 days'}, 400)
        self.company.advance(days)
        return answer({"now": self.company.now.isoformat()})

    def _truth(self, table: str) -> Response:
        try:
            frame = self.truth(table)
        except KeyError:
            return answer({"error": f"there is no truth called {table}"}, 404)
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return Response(200, {"Content-Type": "application/vnd.apache.parquet"}, buffer.getvalue())


# The store counts its records from 1; vendors show ids of their own kind.
SHOWN: dict[tuple[str, str], Callable[[int], object]] = {
    ("shopware", "account"): shopware_records.customer_id,
    ("shopware", "contact"): shopware_records.customer_id,
    ("brevo", "account"): brevo_records.company_id,
    ("zendesk", "account"): zendesk_records.organization_id,
    ("zendesk", "contact"): zendesk_records.user_id,
}


def as_shown(identity: pl.DataFrame) -> pl.DataFrame:
    """The truth about who is who, by the ids that the vendors show."""
    ids = [
        str(SHOWN[system, kind](int(number))) if (system, kind) in SHOWN else number
        for system, kind, number in identity.select("source_system", "entity_type", "source_record_id").iter_rows()
    ]
    return identity.with_columns(pl.Series("source_record_id", ids, dtype=pl.String))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    sandbox: Sandbox


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 120
    disable_nagle_algorithm = True  # head and body are two writes; Nagle and delayed ACK would add 40 ms to each answer

    def answer_one(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True  # the rest of the body is still on the wire
            self._write(answer({"error": "the request body is larger than 10 MB or has no length"}, 413), None)
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response, now = self.server.sandbox.respond(self.command, self.path, headers, body)
        self._write(response, now)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = answer_one

    def _write(self, response: Response, now: datetime | None) -> None:
        body, extra = response.body, dict(response.headers)
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) >= GZIP_FROM:
            body, extra["Content-Encoding"] = gzip.compress(body, 1, mtime=0), "gzip"
        extra["Vary"] = "Accept-Encoding"
        self.send_response_only(response.status)
        self.send_header("Date", http_date(now or datetime.now(UTC)))
        for name, value in extra.items():
            self.send_header(name, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: a demo reads thousands of pages."""


def http_date(moment: datetime) -> str:
    """An instant as HTTP writes it; naive ones are UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return format_datetime(aware, usegmt=True)


def serve(
    seed: int = 1,
    accounts: int = 400,
    port: int = 0,
    rate_limits: str = "generous",
    only: str | None = None,
) -> Sandbox:
    """Starts a company of its own and the vendors in front of it, in threads of this process."""
    return Sandbox(Company(seed=seed, accounts=accounts), port=port, rate_limits=rate_limits, only=only)
