"""One run of the pipeline: its lock, its ledger row, what it was asked for and how it ended.

The steps of a run (sources, models, scores, gates, publishing) share one `Run`. Whoever starts it, the command line or
the Dagster UI, gets the same behaviour, because both open it here. No step logic belongs here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum

from connectors import VENDORS
from orchestration import dbt
from orchestration.settings import ConfigError, Settings, Source
from orchestration.work import Work
from warehouse import Ledger, compact, run_lock


class Exit(IntEnum):
    """Exit codes of the command line; a public contract."""

    PUBLISHED = 0
    WARNINGS = 10
    BLOCKED = 20
    SOURCE_FAILED = 30
    LOCKED = 40
    CONFIG = 50
    STORAGE = 60
    INTEGRITY = 70


@dataclass(frozen=True)
class Request:
    """What a run was asked for. Empty `sources` means all; `until` is the last step: extract, build, gate or publish."""

    sources: tuple[str, ...] = ()
    full: bool = False
    since: date | None = None
    until: str = "publish"


@dataclass(frozen=True)
class SourceFailure:
    source: str
    stream: str
    message: str


@dataclass
class Run:
    """The state that the steps of one run share."""

    settings: Settings
    request: Request
    ledger: Ledger
    work: Work
    run_id: str
    failures: list[SourceFailure] = field(default_factory=list)
    as_of: datetime | None = None
    received: int = 0
    changed: int = 0
    warnings: int = 0
    published: str | None = None
    error: Exception | None = None
    _dbt: dbt.Dbt | None = None

    @property
    def dbt(self) -> dbt.Dbt:
        if self._dbt is None:
            self._dbt = dbt.Dbt.of(self.settings)
        return self._dbt

    def sources(self, vendor: str) -> list[Source]:
        """The configured accounts of a vendor that this run was asked for."""
        chosen = [s for s in self.settings.sources if s.vendor == vendor]
        if self.request.sources:
            chosen = [s for s in chosen if s.name in self.request.sources or s.vendor in self.request.sources]
        return chosen

    @property
    def exit(self) -> Exit:
        if self.error is not None:
            return Exit(getattr(self.error, "exit_code", Exit.STORAGE))
        if self.failures:
            return Exit.SOURCE_FAILED
        return Exit.WARNINGS if self.warnings else Exit.PUBLISHED


def check_sources(settings: Settings, request: Request) -> None:
    """Refuses vendors, streams and `--source` names that do not exist, before anything is locked or called."""
    for source in settings.sources:
        if source.vendor not in VENDORS:
            raise ConfigError(f"{settings.file}: vendor {source.vendor!r} is not known; known are {', '.join(VENDORS)}")
        unknown = set(source.streams) - set(VENDORS[source.vendor].streams)
        if unknown:
            raise ConfigError(f"{settings.file}: {source.name} has no stream {', '.join(sorted(unknown))}")
    names = {s.name for s in settings.sources} | {s.vendor for s in settings.sources}
    for name in request.sources:
        if name not in names:
            raise ConfigError(
                f"there is no source {name!r} in {settings.file}; configured are {', '.join(sorted(names))}"
            )
    if not settings.sources:
        raise ConfigError(f"{settings.file} names no [[source]]; uncomment one that `wegpunkt init` wrote")


@contextmanager
def open_run(settings: Settings, request: Request, run_id: str | None = None) -> Iterator[Run]:
    """Takes the lock, brings the ledger up to date, merges small parts at the end, and closes the run's row whatever happens.

    Raises:
        ConfigError: the configuration names something unknown.
        warehouse.LockHeld: another run is at work; names its process id.
    """
    check_sources(settings, request)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with run_lock(settings.data):
        ledger = Ledger(settings.ledger_url)
        ledger.migrate()
        run_id = run_id or uuid.uuid4().hex
        run = Run(settings, request, ledger, Work(settings, ledger, run_id), run_id)
        ledger.start_run(run.run_id)
        try:
            yield run
            if run.error is None:
                # Last, when everything of this run has been read: what is merged need not be found again.
                compact(settings.data, ledger, run.run_id)
        except Exception as error:
            run.error = run.error or error
            raise
        finally:
            ledger.finish_run(run.run_id, exit_code=int(run.exit), as_of=run.as_of)
