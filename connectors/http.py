"""One HTTP session for one source: pinned origin, budgets, retries, total time-outs, redaction.

Every request of every vendor goes through `Client.fetch`. It knows nothing of pages or records. No message that leaves
this module holds a secret, a query string or a piece of a body, and none has an exception of `requests` chained to it,
because whoever stores the chain would store the secrets in it.
"""

from __future__ import annotations

import base64
import random
import re
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from connectors.spec import (
    AuthError,
    Call,
    ConfigError,
    Rate,
    RateExhausted,
    ScopeError,
    SourceError,
    UnexpectedContent,
    Unreachable,
    Vendor,
)

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 10.0, 60.0, 300.0
BODY_LIMIT = 64 * 1024 * 1024
RETRIES = 4
LONGEST_WAIT = timedelta(seconds=120)
PLAIN_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
"""Paths that need no quoting and hold no empty or dotted step."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Answer:
    body: bytes
    headers: Mapping[str, str]
    server_time: datetime | None


@dataclass
class Bucket:
    """A client-side budget: at most `limit` requests in any `window`. Waiting is reported, never hidden."""

    rate: Rate
    taken: deque[float] = field(default_factory=deque)
    closed_until: float = 0.0

    def wait_for(self, now: float) -> float:
        if now < self.closed_until:
            return self.closed_until - now
        horizon = now - self.rate.window.total_seconds()
        while self.taken and self.taken[0] <= horizon:
            self.taken.popleft()
        if len(self.taken) < self.rate.limit:
            return 0.0
        return self.taken[0] - horizon


class Client:
    """Sends the calls of one source.

    Args:
        vendor: declares headers, auth and rates.
        base_url: scheme, host, port and an optional path prefix; nothing is ever sent anywhere else.
        secrets: resolved values, kept out of every message.
        on_wait: told the seconds before each wait.
        longest_wait: a longer wait ends the stream with `RateExhausted`, to be resumed later.
    """

    def __init__(
        self,
        vendor: Vendor,
        base_url: str,
        secrets: Mapping[str, str],
        allow_insecure_loopback: bool = False,
        on_wait: Callable[[float], None] | None = None,
        longest_wait: timedelta = LONGEST_WAIT,
        rates: Mapping[str, Rate] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.vendor = vendor
        self.base = check_base_url(vendor.name, base_url, allow_insecure_loopback)
        missing = [n for n in vendor.auth.needs if not secrets.get(n)]
        if missing:
            raise ConfigError(f"{vendor.name} needs auth.{missing[0]}; write it as a reference into the configuration")
        self._secrets = dict(secrets)
        self._hidden = _spellings(secrets.values())
        self._signature: Mapping[str, str] | None = None
        self._token_value: Any = None
        self._buckets = {name: Bucket(rate) for name, rate in (rates or vendor.rates).items()}
        self._on_wait = on_wait or (lambda seconds: None)
        self._longest_wait = longest_wait.total_seconds()
        self._sleep = sleep
        self._session = requests.Session()
        self._session.trust_env = False  # a .netrc entry would replace our Authorization header
        self._session.headers = {
            "User-Agent": "wegpunkt",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            **vendor.headers,
        }
        self._adapter = _OneOrigin(max_retries=0)
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)
        self._templates: dict[str, requests.PreparedRequest] = {}
        self.requests = 0
        self.waited = 0.0

    def fetch(self, call: Call) -> Answer:
        """Sends a call, waits for budgets, retries what may pass, and returns the whole body.

        Raises:
            AuthError, ScopeError, RateExhausted, Unreachable, UnexpectedContent: one sentence each.
        """
        where = f"{self.vendor.name} {call.path}"
        refreshed = False
        failures = 0
        while True:
            self._take(call.route)
            try:
                response = self._send(call)
                body = self._read(response, where)
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
                urllib3.exceptions.HTTPError,  # what `raw.read` raises is not wrapped by requests
                ConnectionError,
                _Cut,
            ) as error:
                reason = self.redact(type(error).__name__ if not isinstance(error, _Cut) else str(error))
                failures += 1
                if failures > RETRIES:
                    raise Unreachable(
                        f"{where} gave no whole answer in {failures} attempts ({reason}); try again later"
                    ) from None
                self._pause(_backoff(failures))
                continue
            except requests.RequestException as error:
                raise UnexpectedContent(
                    f"{where} answered with something unreadable ({type(error).__name__})"
                ) from None
            self._note_budget(call.route, response)
            status = response.status_code
            if status in (200, 207):  # 207: a batch of which some parts have nothing to say
                return Answer(body, response.headers, server_time(response.headers))
            if status == 401 and self.vendor.auth.token is not None and not refreshed:
                refreshed, self._signature = True, None
                continue
            if status == 429 or (status == 503 and "Retry-After" in response.headers):
                failures += 1
                self._obey(where, response, failures)
                continue
            if status >= 500:
                failures += 1
                if failures > RETRIES:
                    raise Unreachable(
                        f"{where} answered {status} in {failures} attempts; the vendor is down, try again later"
                    )
                self._pause(_backoff(failures))
                continue
            raise self._refusal(where, status, response.headers, body)

    def _refusal(self, where: str, status: int, headers: Mapping[str, str], body: bytes) -> SourceError:
        if 300 <= status < 400:
            target = urllib.parse.urlsplit(headers.get("Location", "")).netloc or "another path"
            return UnexpectedContent(f"{where} redirects to {target}; correct base_url, redirects are not followed")
        if status == 401:
            return AuthError(f"{where} refuses the credentials (401); check the secret that auth refers to")
        if status == 403:
            if body.lstrip()[:1] not in (b"{", b"["):
                return Unreachable(f"{where} answered 403 without a document: blocked or throttled; try again later")
            return ScopeError(
                f"{where} is forbidden (403); give the credentials the read scope of it, or leave it out of `streams`"
            )
        if status == 404:
            return UnexpectedContent(f"{where} does not exist (404); check base_url and the vendor's version")
        return UnexpectedContent(f"{where} answered {status}{_hint(self.redact(_message(body)))}")

    def _send(self, call: Call) -> requests.Response:
        url = self.base + call.path
        if not url.startswith(self.base + "/"):
            raise UnexpectedContent(f"{self.vendor.name} points to a foreign address; nothing was sent there")
        headers = dict(self._sign())
        sign = self.vendor.auth.sign
        if sign is not None:
            call = sign(call, self._secrets, self._token_value)
        request = self._prepared(call, url)
        request.headers.update(headers)
        self.requests += 1
        # The adapter, not the session: cookies, hooks and redirects are what we do not want, and they cost.
        return self._adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS), verify=True)

    def _prepared(self, call: Call, url: str) -> requests.PreparedRequest:
        """The request, unsigned. Preparing costs `requests` more than decoding a page: each kind is prepared once."""
        method = "GET" if call.body is None else "POST"
        template = self._templates.get(method)
        if template is None:
            template = self._templates[method] = self._session.prepare_request(requests.Request(method, self.base))
        request = template.copy()
        if PLAIN_PATH.fullmatch(call.path):
            # The base is checked, and a plain path below it leads to no other origin.
            query = urllib.parse.urlencode({k: v for k, v in call.query.items() if v is not None}, doseq=True)
            request.url = str(template.url).rstrip("/") + call.path + (f"?{query}" if query else "")
        else:
            request.prepare_url(url, dict(call.query) or None)
            if _origin(str(request.url)) != _origin(self.base):
                raise UnexpectedContent(f"{self.vendor.name} points to a foreign address; nothing was sent there")
        if call.body is not None:
            request.body = orjson.dumps(call.body)
            request.headers.update({"Content-Type": "application/json", "Content-Length": str(len(request.body))})
        return request

    def _read(self, response: requests.Response, where: str) -> bytes:
        """The whole decoded body. A total time-out, because `requests` waits for ever for one byte every minute."""
        began = time.monotonic()
        parts: list[bytes] = []
        size = 0
        with response:
            # read1, not read: it returns what has come, so that one byte a minute meets the total time-out.
            while chunk := response.raw.read1(1 << 16, decode_content=True):
                parts.append(chunk)
                size += len(chunk)
                if size > BODY_LIMIT:
                    raise UnexpectedContent(
                        f"{where} sent more than {BODY_LIMIT >> 20} MB in one page; lower page_size"
                    )
                if time.monotonic() - began > TOTAL_SECONDS:
                    raise _Cut(f"longer than {TOTAL_SECONDS:.0f} s")
        declared = response.headers.get("Content-Length")
        if declared and declared.isdigit() and not response.headers.get("Content-Encoding") and int(declared) != size:
            raise _Cut("body shorter than announced")
        return b"".join(parts)

    def _sign(self) -> Mapping[str, str]:
        if self._signature is None:
            secrets = self._secrets
            token_call = self.vendor.auth.token
            if token_call is not None:
                self._token_value = self._token(token_call(secrets))
                secrets = {**secrets, "token": str(self._token_value)}
            self._signature = self.vendor.auth.header(secrets)
        return self._signature

    def _token(self, call: Call) -> Any:
        self._take("token")
        self.requests += 1
        response = self._session.post(
            self.base + call.path,
            data=orjson.dumps(call.body),
            headers={"Content-Type": "application/json"},
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        if response.status_code == 429:
            self._obey(f"{self.vendor.name} {call.path}", response, 1)
        if response.status_code == 429 or response.status_code >= 500:
            raise _Cut(f"{response.status_code} for a token")  # `fetch` counts it and tries again
        if response.status_code in (400, 401, 403):
            raise AuthError(f"{self.vendor.name} refuses to give a token ({response.status_code}); check id and secret")
        try:
            document = response.json()
            refusal = self.vendor.error_in(document)
            token = document.get(self.vendor.auth.token_in)
        except (ValueError, AttributeError):
            raise UnexpectedContent(f"{self.vendor.name} {call.path} answered without a token") from None
        if isinstance(refusal, SourceError):
            raise refusal from None
        if not token:
            raise AuthError(f"{self.vendor.name} refuses the credentials; check the secrets that auth refers to")
        if isinstance(token, str):
            self._hidden = [*_spellings([token]), *self._hidden]
        return token

    def _take(self, route: str) -> None:
        bucket = self._buckets.get(route) or (self._buckets.get("default") if route != "token" else None)
        if bucket is None:
            return
        wait = bucket.wait_for(time.monotonic())
        if wait > 0:
            if wait > self._longest_wait:
                raise RateExhausted(
                    f"{self.vendor.name} allows {bucket.rate.limit} requests in {bucket.rate.window} on this route;"
                    " the rest follows in the next run",
                    datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=wait),
                )
            self._pause(wait)
        bucket.taken.append(time.monotonic())

    def _note_budget(self, route: str, response: requests.Response) -> None:
        """When the vendor says that nothing remains, the route is closed until the reset it names, or for one window."""
        bucket = self._buckets.get(route) or self._buckets.get("default")
        if bucket is None or bucket.rate.remaining is None:
            return
        remaining = response.headers.get(bucket.rate.remaining, "")
        if remaining.isdigit() and int(remaining) == 0:
            reset = response.headers.get(bucket.rate.reset or "", "")
            pause = float(reset) if reset.isdigit() else bucket.rate.window.total_seconds()
            bucket.closed_until = time.monotonic() + min(pause, bucket.rate.window.total_seconds())

    def _obey(self, where: str, response: requests.Response, failures: int) -> None:
        asked = retry_after(response.headers.get("Retry-After"), server_time(response.headers))
        wait = _backoff(failures) if asked is None else asked + random.uniform(0, 0.5)
        if asked is None and any(
            n.lower().endswith("-daily-remaining") and v == "0" for n, v in response.headers.items()
        ):
            wait = 86_400.0  # the day is used up: waiting seconds would only spend the retries
        if wait > self._longest_wait or failures > RETRIES * 2:
            raise RateExhausted(
                f"{where} asks to wait {wait:.0f} s; the rest follows in the next run",
                datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=wait),
            )
        self._pause(wait)

    def _pause(self, seconds: float) -> None:
        self._on_wait(seconds)
        self.waited += seconds
        self._sleep(seconds)

    def redact(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return text


class _OneOrigin(HTTPAdapter):
    """Keeps the connections of its one origin at hand: looking them up costs a quarter of a request."""

    _pool: Any = None

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **options)
        return self._pool


class _Cut(Exception):
    """The body ended early or took too long."""


def check_base_url(vendor: str, base_url: str, allow_insecure_loopback: bool) -> str:
    """The base without a trailing slash.

    Raises:
        ConfigError: no https (plain http only on loopback and only when asked for), user info, query or fragment.
    """
    parts = urllib.parse.urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ConfigError(f"{vendor}: base_url {base_url!r} is no address; write https://host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(f"{vendor}: base_url must be scheme, host and path only, without credentials or query")
    if parts.scheme == "http" and not (allow_insecure_loopback and parts.hostname in LOOPBACK):
        raise ConfigError(
            f"{vendor}: base_url {base_url!r} is not encrypted; use https (plain http is for loopback with"
            " allow_insecure_loopback = true)"
        )
    return base_url.rstrip("/")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def retry_after(value: str | None, now: datetime | None) -> float | None:
    """Seconds to wait by a Retry-After header: whole or broken seconds, or an HTTP date; None when it says nothing usable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        reference = now.replace(tzinfo=UTC) if now else datetime.now(UTC)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - reference).total_seconds())
    return seconds if seconds >= 0 else None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The server's clock by its Date header, naive UTC."""
    try:
        moment = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _backoff(failures: int) -> float:
    return float(min(0.5 * 2 ** (failures - 1), 30.0) * random.uniform(0.8, 1.2))


def _message(body: bytes) -> str:
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if isinstance(document, dict):
        for key in ("message", "error_description", "description", "error"):
            if isinstance(document.get(key), str):
                return str(document[key])[:200]
    return ""


def _hint(message: str) -> str:
    return f": {message}" if message else ""


def _spellings(secrets: Any) -> list[str]:
    """Each secret as it may appear: plain, URL-encoded, base64; longest first, so that no part of one stays."""
    found: set[str] = set()
    for secret in secrets:
        if secret:
            encoded = base64.b64encode(secret.encode()).decode()
            found |= {secret, urllib.parse.quote(secret, safe=""), encoded, encoded.rstrip("=")}
    return sorted((f for f in found if len(f) > 3), key=len, reverse=True)
