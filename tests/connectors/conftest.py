"""A loopback server for vendors that a test makes up: it answers by a plain function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Loopback:
    """A running server. `answer` gives a status and a JSON value (or text), or with headers as a third item."""

    answer: Callable[[Asked], tuple[Any, ...]]
    now: datetime = datetime(2026, 6, 30, 6, tzinfo=UTC)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def loopback() -> Iterator[Callable[[Callable[[Asked], tuple[Any, ...]]], Loopback]]:
    """Starts servers; they end with the test."""
    running: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[Asked], tuple[Any, ...]]) -> Loopback:
        state = Loopback(answer)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def respond(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(
                    self.command,
                    parts.path,
                    {k: v[-1] for k, v in parse_qs(parts.query).items()},
                    {k.lower(): v for k, v in self.headers.items()},
                    json.loads(body) if body else None,
                )
                state.asked.append(asked)
                status, value, *rest = state.answer(asked)
                data = value if isinstance(value, str) else json.dumps(value)
                self.send_response_only(status)
                self.send_header("Date", format_datetime(state.now, usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data.encode())))
                for name, text in (rest[0] if rest else {}).items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data.encode())

            do_GET = do_POST = respond

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        return state

    yield start
    for server in running:
        server.shutdown()
        server.server_close()
