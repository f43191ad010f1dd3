"""What every simulated vendor API shares: one request in, one answer out, and the company behind it.

A vendor is one module here with `handle(company, method, path, query, headers, body) -> Response`. `path`
starts behind the vendor's prefix (`/crm/v3/...`), so a vendor does not know where it is mounted. Sockets, the
`Date` header, gzip and the lock around the company belong to `sandbox.server`; how a company lives belongs to
`sandbox.company`. Vendors' documentation decides what is answered here, never what some client of ours
expects.
"""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Request:
    """One HTTP request. Query values are lists because vendors repeat keys; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: str, default: str | None = None) -> str | None:
        """The last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else default


@dataclass(frozen=True)
class Response:
    """One HTTP answer. The server adds Date, Content-Length and Content-Encoding."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        return Response(self.status, {**self.headers, **headers}, self.body)


def answer(
    value: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> Response:
    """A JSON answer, with characters as UTF-8 and not as escapes."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    return Response(status, {"Content-Type": content_type, **(headers or {})}, body)


class Handler(Protocol):
    """The door of a vendor module."""

    def __call__(
        self,
        company: Any,
        method: str,
        path: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response: ...


class Window:
    """A rate limit of `limit` requests in `seconds`, counted in real time in fixed windows.

    Real time, not the company's: a limit protects a server, and a client waits on its own clock.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self._start, self._used = time.monotonic(), 0
        self._lock = threading.Lock()

    def take(self) -> tuple[bool, int, float]:
        """Spends one request: whether it is allowed, how many are left, and seconds until the window ends."""
        with self._lock:
            now = time.monotonic()
            if now - self._start >= self.seconds:
                self._start, self._used = now, 0
            reset = self._start + self.seconds - now
            if self._used >= self.limit:
                return False, 0, reset
            self._used += 1
            return True, self.limit - self._used, reset


@dataclass
class Limits:
    """The rate limits of one sandbox: `documented` as the vendors publish them, `generous` for demos."""

    mode: str = "generous"
    factor: int = 50  # a demo reads hundreds of pages in seconds and must not wait for minutes
    _windows: dict[str, Window] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def window(self, name: str, limit: int, seconds: float) -> Window:
        """The counter `name`, made on first use. Generous mode multiplies the documented limit."""
        with self._lock:
            if name not in self._windows:
                self._windows[name] = Window(limit if self.mode == "documented" else limit * self.factor, seconds)
            return self._windows[name]


_LIMITS: weakref.WeakKeyDictionary[Any, Limits] = weakref.WeakKeyDictionary()


def limits_of(company: Any) -> Limits:
    """The limits that hold in front of one company: one account at each vendor, so one set of counters."""
    return _LIMITS.setdefault(company, Limits())


def set_limits(company: Any, mode: str) -> None:
    """Starts new counters in the given mode."""
    if mode not in ("documented", "generous"):
        raise ValueError(f"rate limits are documented or generous, not {mode!r}")
    _LIMITS[company] = Limits(mode)


def address_of(headers: Mapping[str, str]) -> str:
    """Where this vendor is reached from outside, for links in answers; the server passes on its prefix."""
    return f"http://{headers.get('host', '127.0.0.1')}{headers.get('x-forwarded-prefix', '')}"
