"""The one loop: windows, pages, children, cursors, resuming. It reads declarations and knows no vendor.

A read of a stream is a list of passes (backfill or increment, the archive, the ids for reconciliation). After each batch
it says from where it could go on in another process; only the last batch of the last pass says from where the *next*
read may begin, and never later than the vendor's own clock at the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from connectors import contract, decoding
from connectors.http import Client
from connectors.spec import (
    Batch,
    Call,
    Children,
    ConfigError,
    Finding,
    Page,
    PaginationStuck,
    Pass,
    Position,
    Rate,
    SourceError,
    Stream,
    UnexpectedContent,
    Vendor,
    Window,
)

EMPTY_PAGES_IN_A_ROW = 50
BATCH_RECORDS, BATCH_SECONDS = 1_000, 2.0
"""Pages are typed together: making a column costs the same for a hundred values as for a thousand. A slow vendor's pages
do not wait for each other longer than these seconds."""


@dataclass(frozen=True)
class Phase:
    """One pass of a read: its name, the declaration, and what its records are used for."""

    name: str
    plan: Pass
    archived: bool = False
    ids_only: bool = False
    everything: bool = False
    unmarked: bool = False
    children: tuple[Children, ...] = ()


@dataclass
class State:
    """What a cursor says: `since` the last watermark, when ids were reconciled last, a vendor's own token."""

    since: datetime | None = None
    reconciled_at: datetime | None = None
    token: str | None = None

    @classmethod
    def read(cls, text: str | None) -> State:
        if not text:
            return cls()
        stored = orjson.loads(text)
        return cls(_moment(stored.get("since")), _moment(stored.get("reconciled_at")), stored.get("token"))

    def text(self) -> str:
        stored = {"since": self.since, "reconciled_at": self.reconciled_at, "token": self.token}
        return orjson.dumps(
            {k: v.isoformat() if isinstance(v, datetime) else v for k, v in stored.items() if v}
        ).decode()


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class Connector:
    """One account at one vendor, ready to be read.

    Use `connectors.connect` to get one. Reading needs no database: what was read and from where to go on is in the batches.
    """

    def __init__(
        self,
        vendor: Vendor,
        client: Client,
        instance: str = "default",
        page_size: int | None = None,
        lookback: timedelta | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.vendor = vendor
        self.instance = instance
        self._client = client
        self._page_size = page_size
        self._lookback = lookback
        self._options = dict(options or {})

    def check(self) -> list[Finding]:
        """Asks each stream for one record at most; says what works and what does not."""
        findings = []
        for name, stream in self.vendor.streams.items():
            plan = stream.backfill or stream.increment
            if plan is None:
                continue
            window = Window(None, None, 1, settings=self._options)
            try:
                answer = self._client.fetch(plan.call(window, plan.paginator.first(window)))
                decoding.decode(answer.body, f"{self.vendor.name} {name}", plan.records, self.vendor.error_in)
                findings.append(Finding(name, True, "readable"))
            except SourceError as error:
                findings.append(Finding(name, False, str(error)))
        return findings

    def read(
        self,
        stream: str,
        *,
        cursor: str | None = None,
        resume: str | None = None,
        since: date | None = None,
        full: bool = False,
        reconcile: bool = False,
    ) -> Iterator[Batch]:
        """Pages of one stream, typed.

        Args:
            stream: its name, as in `connector.vendor.streams`.
            cursor: of the last complete read; None reads everything.
            resume: of the last batch of an interrupted read; goes on right after it.
            since: read again from this day on; the cursor does not move back.
            full: read everything although there is a cursor.
            reconcile: also fetch all ids, so that what vanished can be told.

        Raises:
            SourceError: see `connectors.spec`; batches that came before are good and carry `resume`.
        """
        if stream not in self.vendor.streams:
            known = ", ".join(self.vendor.streams)
            raise ConfigError(f"{self.vendor.name} has no stream {stream!r}; it has {known}")
        declared = self.vendor.streams[stream]
        state = State.read(cursor)
        return _Read(self, declared, state, since, full, reconcile).batches(resume)


class _Circle:
    """What a phase has asked for and received: paging that comes back to it would never end."""

    def __init__(self, anchors: tuple[str, ...]) -> None:
        self.anchors = anchors
        self.positions: set[bytes] = set()
        self.pages: set[int] = set()
        self.empty = 0

    def asked(self, here: Position) -> bool:
        mark = orjson.dumps(here, option=orjson.OPT_SORT_KEYS)
        known = mark in self.positions
        self.positions.add(mark)
        return known

    def came(self, here: Position, raws: list[decoding.Raw]) -> bool:
        self.empty = 0 if raws else self.empty + 1
        if not raws:
            return False
        digest = hash((repr([here.get(k) for k in self.anchors]), *(r.text for r in raws)))
        known = digest in self.pages
        self.pages.add(digest)
        return known


class _Read:
    """One read of one stream."""

    def __init__(
        self,
        connector: Connector,
        stream: Stream,
        state: State,
        since: date | None,
        full: bool,
        reconcile: bool,
    ) -> None:
        self.vendor, self.client = connector.vendor, connector._client
        self.options, self.page_size = connector._options, connector._page_size
        self.stream, self.state, self.full = stream, state, full
        lookback = connector._lookback
        self.lookback = (
            lookback if lookback is not None else (stream.cursor.lookback if stream.cursor else timedelta(0))
        )
        self.asked_since = datetime(since.year, since.month, since.day) if since else None
        self.reconcile = reconcile
        self.every, hours = stream.reconcile_every, self.options.get("reconcile_hours")
        if self.every is not None and hours is not None:
            self.every = timedelta(hours=float(hours))
        self.started: datetime | None = None
        self.server_time: datetime | None = None
        self.token = state.token

    def batches(self, resume: str | None) -> Iterator[Batch]:
        stored = orjson.loads(resume) if resume else {}
        present: list[str] = []
        phases = self.phases()
        begin = int(stored.get("phase", 0))
        if "position" in stored and [stored.get("pass")] != [p.name for p in phases[begin : begin + 1]]:
            # A place in another pass: what was an increment when it broke off is due as a pass over everything by now.
            stored, begin = {}, 0
        self.started = _moment(stored.get("started"))
        self.token = stored.get("token", self.token)
        for number in range(begin, len(phases)):
            phase = phases[number]
            if phase.ids_only and not self.reconcile_due():
                break
            position = stored.get("position") if number == begin and stored else None
            for batch, following in self.walk(phase, position, present):
                rest = [p for p in phases[number + 1 :] if not p.ids_only or self.reconcile_due()]
                finished = following is None and not rest
                # A pass over everything proves what vanished only when it was not interrupted.
                whole = phase.ids_only or (phase.everything and not stored)
                mark = None if finished else self.resume_text(number, following, phase)
                yield replace(
                    batch,
                    resume=mark,
                    complete=finished,
                    cursor=self.cursor_text(whole or phase.unmarked) if finished else None,
                    present_ids=pl.Series("record_id", present, dtype=pl.String) if finished and whole else None,
                )

    def phases(self) -> list[Phase]:
        stream = self.stream
        first = self.full or (self.state.since is None and self.state.token is None)
        phases: list[Phase] = []
        if stream.children:
            # What hangs on a record may change without a mark on it: now and then all are asked, not the changed ones.
            unmarked = (
                stream.reconcile_every is not None and not first and not self.asked_since and self.reconcile_due()
            )
            for name in dict.fromkeys(c.parent for c in stream.children):
                parent = self.vendor.streams[name]
                listed = unmarked or (first and not self.asked_since)
                plan = (parent.backfill if listed else None) or parent.increment
                assert plan is not None
                own = tuple(c for c in stream.children if c.parent == name)
                phases.append(
                    Phase(f"of {'all' if listed else 'changed'} {name}", plan, unmarked=unmarked, children=own)
                )
        else:
            whole = stream.deletes == "full_pass" and (first or self.reconcile_due())
            whole = whole and not (first and self.asked_since)
            # A first read from a given day on is an increment without a cursor: a backfill would read everything.
            listed = whole or (first and not self.asked_since)
            plan = (stream.backfill if listed else None) or stream.increment
            assert plan is not None
            phases.append(Phase("backfill" if listed else "increment", plan, everything=whole))
        if stream.archive is not None:
            phases.append(Phase("archive", stream.archive, archived=True))
        if stream.ids is not None and not first:
            phases.append(Phase("ids", stream.ids, ids_only=True))
        return phases

    def reconcile_due(self) -> bool:
        """Whether ids are to be compared now, judged by the vendor's clock: ours may be wrong by a day."""
        every, last = self.every, self.state.reconciled_at
        if self.reconcile or (every is not None and (last is None or not every)):
            return True
        clock = self.server_time or self.state.since  # before the first answer, the last pass is what is known
        return every is not None and last is not None and clock is not None and clock - last >= every

    def window(self, phase: Phase) -> Window:
        since = None if self.full else self.state.since
        if since is not None:
            since = since - self.lookback
        if self.asked_since is not None:
            since = self.asked_since if since is None else min(since, self.asked_since)
        if phase.archived or phase.ids_only or phase.unmarked or phase.name == "backfill":
            since = self.asked_since if phase.name == "backfill" and not phase.everything else None
        size = min(self.page_size or phase.plan.page_size, phase.plan.page_size)
        token = None if self.full or self.asked_since else self.state.token
        return Window(since, None, size, phase.archived, self.options, token)

    def walk(
        self, phase: Phase, position: Position | None, present: list[str]
    ) -> Iterator[tuple[Batch, Position | None]]:
        """Batches of a phase, each with the position after it. A failure comes after the batch of what came before it."""
        window = self.window(phase)
        here: Position | None = position if position is not None else phase.plan.paginator.first(window)
        circle = _Circle(phase.plan.paginator.anchors)
        while here is not None:
            raws: list[decoding.Raw] = []
            pages, began = 0, time.monotonic()
            requests, waited = self.client.requests, self.client.waited
            failure: SourceError | None = None
            while here is not None and len(raws) < BATCH_RECORDS and time.monotonic() - began < BATCH_SECONDS:
                try:
                    here, found = self.step(phase, here, window, circle)
                except SourceError as error:
                    failure = error
                    break
                raws += found
                pages += 1
            if pages:
                batch = replace(
                    self.batch(phase, raws, present),
                    requests=self.client.requests - requests,
                    pages=pages,
                    waited_seconds=self.client.waited - waited,
                    server_time=self.server_time,
                )
                yield batch, here
            if failure is not None:
                raise failure

    def step(
        self, phase: Phase, here: Position, window: Window, circle: _Circle
    ) -> tuple[Position | None, list[decoding.Raw]]:
        """One page: the position after it, and the records that it leads to."""
        if circle.asked(here):
            raise self.stuck("the same page was asked for twice")
        page, raws = self.page(phase, phase.plan.call(window, here), window)
        if circle.came(here, raws):
            raise self.stuck("the same records came twice")
        try:
            following = phase.plan.paginator.next(page, here, window)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise UnexpectedContent(
                f"{self.vendor.name}.{self.stream.name}: an answer does not say how to go on; the cursor stays where it was"
            ) from None
        if circle.empty > EMPTY_PAGES_IN_A_ROW:
            raise self.stuck(f"{circle.empty} empty pages came in a row")
        return following, self.records(phase, raws, window)

    def page(self, phase: Phase, call: Call, window: Window) -> tuple[Page, list[decoding.Raw]]:
        answer = self.client.fetch(call)
        if answer.server_time is not None:
            self.started = self.started or answer.server_time
            self.server_time = answer.server_time
        where = f"{self.vendor.name} {call.path}"
        document, raws = decoding.decode(answer.body, where, phase.plan.records, check=self.vendor.error_in)
        if self.stream.cursor and self.stream.cursor.opaque and isinstance(document, dict):
            self.token = document.get(self.stream.cursor.opaque) or self.token
        return Page(document, [r.value for r in raws], window.size), raws

    def records(self, phase: Phase, raws: list[decoding.Raw], window: Window) -> list[decoding.Raw]:
        """The stream's own records of a page: those it lists, those that hang on them, or those inside them."""
        if phase.children:
            return [found for children in phase.children for found in self.children_of(children, raws, window)]
        if self.stream.explode is None or phase.ids_only:
            return raws
        try:
            # What is no record stays, so that it is refused and counted.
            return [
                found
                for raw in raws
                for found in (
                    [_made(r) for r in self.stream.explode(raw.value)]
                    if raw.refusal is None and isinstance(raw.value, dict)
                    else [raw]
                )
            ]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UnexpectedContent(
                f"{self.vendor.name}.{self.stream.name} answered in another shape than declared; nothing was landed"
            ) from None

    def batch(self, phase: Phase, raws: list[decoding.Raw], present: list[str]) -> Batch:
        if phase.ids_only:
            known, _ = contract.typed(replace(self.stream, columns=(), cursor=None), raws)
            present.extend(known["record_id"].to_list())
            raws = []
        frame, rejects = contract.typed(self.stream, raws)
        if phase.archived:
            frame = frame.with_columns(pl.lit(True).alias("is_deleted"))
        if phase.everything:
            # A refused record is still there at the vendor: it must not look as if it had vanished.
            present.extend([*frame["record_id"].to_list(), *(r.record_id for r in rejects if r.record_id)])
        frame = self.with_losers(frame, raws)
        return Batch(self.stream.name, frame, rejects, frame.height + len(rejects), None)

    def children_of(self, children: Children, raws: list[decoding.Raw], window: Window) -> list[decoding.Raw]:
        parent = self.vendor.streams[children.parent]
        chosen = [r.value for r in raws if isinstance(r.value, dict) and children.select(r.value)]
        ids = [":".join(str(decoding.at(v, k.split("."))) for k in parent.key) for v in chosen]
        found: list[decoding.Raw] = []
        for start in range(0, len(ids), children.ids_per_call):
            some = ids[start : start + children.ids_per_call]
            call: Call | None = children.call(some, window)
            asked: set[bytes] = set()
            while call is not None:
                mark = orjson.dumps([call.path, dict(call.query), call.body])
                if mark in asked:
                    raise self.stuck("the same batch was asked for twice")
                asked.add(mark)
                where = f"{self.vendor.name} {call.path}"
                document = decoding.document(self.client.fetch(call).body, where, self.vendor.error_in)
                try:
                    found += [_made(record) for record in children.split(document, some)]
                    call = children.more(document, window)
                except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                    raise UnexpectedContent(
                        f"{where} answered in another shape than declared; nothing was landed"
                    ) from None
        return found

    def with_losers(self, frame: pl.DataFrame, raws: list[decoding.Raw]) -> pl.DataFrame:
        """Adds a tombstone for every id that a record says was merged into it: the loser itself shows up nowhere."""
        rows: list[dict[str, Any]] = []
        for raw in raws:
            if raw.refusal is None and isinstance(raw.value, dict) and (merged := self.stream.merged(raw.value)):
                winner = str(decoding.at(raw.value, self.stream.key[0].split(".")))
                for loser in merged:
                    text = orjson.dumps({"id": loser, "merged_into": winner}).decode()
                    rows.append({"record_id": loser, "is_deleted": True, "merged_into": winner, "record": text})
        if not rows:
            return frame
        losers = pl.DataFrame(
            rows, schema={k: frame.schema[k] for k in ("record_id", "is_deleted", "merged_into", "record")}
        )
        return pl.concat([frame, losers.unique("record_id", keep="last", maintain_order=True)], how="diagonal")

    def resume_text(self, number: int, following: Position | None, phase: Phase) -> str:
        stored: dict[str, Any] = {"started": self.started and self.started.isoformat(), "token": self.token}
        if phase.ids_only:
            # A list of ids is worth nothing in halves: that pass starts again.
            return orjson.dumps({**stored, "phase": number}).decode()
        stored["phase"] = number if following is not None else number + 1
        if following is not None:
            stored |= {"pass": phase.name, "position": dict(following)}
        return orjson.dumps(stored).decode()

    def cursor_text(self, reconciled_now: bool) -> str:
        """Where the next read begins: the vendor's clock when this one started, never a clock of ours."""
        lag = self.stream.cursor.server_lag if self.stream.cursor else timedelta(0)
        since = self.started - lag if self.started else self.state.since
        if since is not None and self.state.since is not None:
            since = max(since, self.state.since)
        first = self.full or self.state.since is None
        reconciled = self.started if reconciled_now or first else self.state.reconciled_at
        return State(since, reconciled, self.token).text()

    def stuck(self, what: str) -> PaginationStuck:
        return PaginationStuck(
            f"{self.vendor.name}.{self.stream.name}: {what}; the vendor's paging runs in a circle, the cursor stays where it was"
        )


def _made(record: dict[str, Any]) -> decoding.Raw:
    """A record that we cut out of a larger answer; its text is the vendor's values in canonical form."""
    return decoding.Raw(record, decoding.compact(record))


def budgets(vendor: Vendor, wanted: Mapping[str, Any]) -> Mapping[str, Rate]:
    """The vendor's documented budgets, with other limits where `options.rates` names them: a bigger plan, an add-on.

    Raises:
        ConfigError: a route that the vendor does not have, or a limit below 1.
    """
    for route, limit in wanted.items():
        if route not in vendor.rates:
            raise ConfigError(f"{vendor.name} has no rate {route!r} in options.rates; it has {', '.join(vendor.rates)}")
        if not isinstance(limit, int) or limit < 1:
            raise ConfigError(f"{vendor.name}: options.rates.{route} must be a whole number of requests, 1 or more")
    return {name: replace(rate, limit=wanted.get(name, rate.limit)) for name, rate in vendor.rates.items()}


def connector(
    vendor: Vendor,
    base_url: str,
    secrets: Mapping[str, str],
    *,
    instance: str = "default",
    page_size: int | None = None,
    lookback: timedelta | None = None,
    allow_insecure_loopback: bool = False,
    options: Mapping[str, Any] | None = None,
    on_wait: Callable[[float], None] | None = None,
    rates: Mapping[str, Rate] | None = None,
) -> Connector:
    rates = rates or budgets(vendor, (options or {}).get("rates", {}))
    client = Client(vendor, base_url, secrets, allow_insecure_loopback, on_wait, rates=rates)
    return Connector(vendor, client, instance, page_size, lookback, options)
