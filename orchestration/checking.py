"""`wegpunkt check`: does each source answer with the secrets we have? Reads one record of a stream at most."""

from __future__ import annotations

from dataclasses import dataclass

from connectors import SourceError, connect
from orchestration.run import Request, check_sources
from orchestration.settings import ConfigError, Settings, Source


@dataclass(frozen=True)
class Checked:
    """One finding. `configuration` says that the file or a secret is wrong, not the vendor."""

    source: str
    subject: str
    ok: bool
    message: str
    configuration: bool = False

    @property
    def line(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.source:<12} {self.subject:<24} {self.message}"


def findings(settings: Settings) -> list[Checked]:
    check_sources(settings, Request())
    return [f for source in settings.sources for f in _source(source)]


def _source(source: Source) -> list[Checked]:
    try:
        connector = connect(
            source.vendor,
            instance=source.instance,
            base_url=source.base_url,
            auth=source.secrets(),
            page_size=source.page_size,
            lookback=source.lookback,
            allow_insecure_loopback=source.allow_insecure_loopback,
            options=source.options,
        )
        return [Checked(source.name, f.subject, f.ok, f.message) for f in connector.check()]
    except (ConfigError, SourceError) as error:
        wrong = isinstance(error, ConfigError) or getattr(error, "exit_code", 30) == 50
        return [Checked(source.name, "connection", False, str(error), wrong)]
