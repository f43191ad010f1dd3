"""One session: what it sends where, how it waits, and what it never says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors import (
    ConfigError,
    Rate,
    RateExhausted,
    ScopeError,
    UnexpectedContent,
    Unreachable,
    Vendor,
    connect,
    http,
)
from connectors.spec import Auth, AuthError, Call

SECRET = "s3cret-canary-value"


def vendor(**wish: Any) -> Vendor:
    auth = wish.pop("auth", Auth(("token",), lambda secrets: {"Authorization": f"Bearer {secrets['token']}"}))
    return Vendor("test", "crm", {}, auth, "1", date(2030, 1, 1), **wish)


def client(url: str, waits: list[float] | None = None, **wish: Any) -> http.Client:
    waits = waits if waits is not None else []
    return http.Client(vendor(**wish), url, {"token": SECRET}, True, sleep=waits.append)


def test_a_429_is_obeyed_to_the_second_and_then_the_call_is_repeated(loopback: Callable[..., Any]) -> None:
    answers = [(429, {}, {"Retry-After": "7"}), (503, {}, {"Retry-After": "2"}), (200, {"ok": 1})]
    server, waits = loopback(lambda asked: answers.pop(0)), []
    assert client(server.url, waits).fetch(Call("/x")).body == b'{"ok": 1}'
    assert 7 <= waits[0] < 8 and 2 <= waits[1] < 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("1.5", 1.5),
        ("Tue, 30 Jun 2026 06:00:09 GMT", 9),
        ("Tue, 30 Jun 2026 08:00:09 +0200", 9),
        ("Tue, 30 Jun 2026 05:00:00 GMT", 0),
        ("-1", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_every_spelling(value: str | None, seconds: float | None) -> None:
    assert http.retry_after(value, datetime(2026, 6, 30, 6)) == seconds


def test_a_wait_beyond_the_budget_stops_at_once_and_says_when_to_come_back(loopback: Callable[..., Any]) -> None:
    server = loopback(lambda asked: (429, {}, {"Retry-After": "1000000000"[:6]}))
    with pytest.raises(RateExhausted) as stopped:
        client(server.url).fetch(Call("/x"))
    assert stopped.value.retry_at is not None and stopped.value.retry_at > datetime.now(UTC).replace(
        tzinfo=None
    ) + timedelta(hours=20)
    assert len(server.asked) == 1


def test_a_used_up_day_is_not_waited_for(loopback: Callable[..., Any]) -> None:
    server = loopback(lambda asked: (429, {"category": "RATE_LIMITS"}, {"X-HubSpot-RateLimit-Daily-Remaining": "0"}))
    with pytest.raises(RateExhausted):
        client(server.url).fetch(Call("/x"))
    assert len(server.asked) == 1


def test_the_budget_of_a_route_is_kept_without_being_told(loopback: Callable[..., Any]) -> None:
    server = loopback(lambda asked: (200, {}))
    asking = client(
        server.url, rates={"default": Rate(1000, timedelta(seconds=1)), "rare": Rate(3, timedelta(hours=1))}
    )
    for _ in range(3):
        asking.fetch(Call("/x", route="rare"))
    with pytest.raises(RateExhausted):
        asking.fetch(Call("/x", route="rare"))
    asking.fetch(Call("/y"))
    assert len(server.asked) == 4


def test_a_route_that_the_vendor_declares_empty_opens_again_at_its_reset(loopback: Callable[..., Any]) -> None:
    server, waits = loopback(lambda asked: (200, {}, {"left": "0", "reset": "9"})), []
    asking = client(server.url, waits, rates={"default": Rate(100, timedelta(hours=1), "left", "reset")})
    asking.fetch(Call("/x"))
    asking.fetch(Call("/x"))
    assert 8 < waits[0] <= 9


def test_server_errors_are_retried_a_few_times_and_end_as_unreachable(loopback: Callable[..., Any]) -> None:
    server, waits = loopback(lambda asked: (502, "<html>bad gateway</html>")), []
    with pytest.raises(Unreachable):
        client(server.url, waits).fetch(Call("/x"))
    assert len(server.asked) == http.RETRIES + 1
    assert waits == sorted(waits) and sum(waits) < 60


def test_a_redirect_is_an_error_that_names_the_host_and_is_never_followed(loopback: Callable[..., Any]) -> None:
    foreign = loopback(lambda asked: (200, {}))
    server = loopback(lambda asked: (302, {}, {"Location": foreign.url + "/x?token=1"}))
    with pytest.raises(UnexpectedContent, match=r"127\.0\.0\.1"):
        client(server.url).fetch(Call("/x"))
    assert foreign.asked == []


@pytest.mark.parametrize("path", ["@HOST/x", "http://HOST/x", "//HOST/x", ".HOST/x"])
def test_no_path_leads_to_another_host(loopback: Callable[..., Any], path: str) -> None:
    foreign, server = loopback(lambda asked: (200, {})), loopback(lambda asked: (200, {}))
    with suppress(UnexpectedContent):
        client(server.url).fetch(Call(path.replace("HOST", foreign.url.removeprefix("http://"))))
    assert foreign.asked == []


def test_a_refused_scope_is_told_from_refused_credentials(loopback: Callable[..., Any]) -> None:
    server = loopback(lambda asked: (403 if asked.path == "/scope" else 401, {"message": f"bad {SECRET}"}))
    with pytest.raises(ScopeError):
        client(server.url).fetch(Call("/scope"))
    with pytest.raises(AuthError):
        client(server.url).fetch(Call("/x"))


def test_a_secret_that_the_server_echoes_is_in_no_message_and_no_chain(loopback: Callable[..., Any]) -> None:
    server = loopback(lambda asked: (400, {"message": f"unknown key Bearer {SECRET} here"}))
    with pytest.raises(UnexpectedContent) as refused:
        client(server.url).fetch(Call("/x", {"q": SECRET}))
    assert SECRET not in str(refused.value) and "unknown key" in str(refused.value)
    with pytest.raises(Unreachable) as away:
        client("http://127.0.0.1:1").fetch(Call("/x", {"q": SECRET}))
    assert SECRET not in repr(away.value)
    assert away.value.__cause__ is None and away.value.__suppress_context__


def test_a_401_fetches_a_new_token_once(loopback: Callable[..., Any]) -> None:
    tokens = iter(range(1, 9))

    def answer(asked: Any) -> tuple[Any, ...]:
        if asked.path == "/token":
            return 200, {"access_token": f"token-{next(tokens)}"}
        return (200, {}) if asked.headers["authorization"] == "Bearer token-2" else (401, {})

    auth = Auth(
        ("token",), lambda s: {"Authorization": f"Bearer {s['token']}"}, token=lambda s: Call("/token", body={})
    )
    server = loopback(answer)
    client(server.url, auth=auth).fetch(Call("/x"))
    assert [a.path for a in server.asked] == ["/token", "/x", "/token", "/x"]


@contextmanager
def raw_server(*answers: bytes) -> Iterator[tuple[str, list[int]]]:
    """Sends these bytes, one answer a connection (the last one again and again), and resets the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    served: list[int] = []

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.sendall(answers[min(len(served), len(answers) - 1)])
            served.append(1)
            connection.setsockopt(
                socket.SOL_SOCKET,
                socket.SO_LINGER,
                b"\x01\x00\x00\x00\x00\x00\x00\x00" if len(served) % 2 else b"\x00" * 8,
            )
            connection.close()

    threading.Thread(target=run, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", served
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


WHOLE = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n{"ok":1}'


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"ok"',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ok"\r\n',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
    ],
)
def test_an_answer_that_is_cut_is_asked_for_again(cut: bytes) -> None:
    with raw_server(cut, WHOLE) as (url, served):
        assert client(url).fetch(Call("/x")).body == b'{"ok":1}'
        assert len(served) >= 1


def test_one_byte_at_a_time_meets_the_total_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.3)
    monkeypatch.setattr(http, "RETRIES", 0)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            for _ in range(100):
                connection.sendall(b" ")
                threading.Event().wait(0.05)
        except OSError:
            return

    threading.Thread(target=drip, daemon=True).start()
    with pytest.raises(Unreachable):
        client(f"http://127.0.0.1:{listener.getsockname()[1]}").fetch(Call("/x"))
    listener.close()


def test_a_body_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    monkeypatch.setattr(http, "BODY_LIMIT", 1 << 20)
    body = gzip.compress(b" " * (20 << 20))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw_server(head + body) as (url, _), pytest.raises(UnexpectedContent, match="1 MB"):
        client(url).fetch(Call("/x"))


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "http://127.0.0.1:1", "ftp://x", "https://user@host", "https://host?x=1", "nonsense"],
)
def test_an_address_that_is_not_safe_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ConfigError):
        connect("hubspot", base_url=url, auth={"token": SECRET})


def test_nothing_of_the_environment_changes_what_is_sent(
    loopback: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = loopback(lambda asked: (200, {}))
    client(server.url).fetch(Call("/x"))
    assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}"
