"""What a person sees while a run works: live lines on a terminal, plain lines in a pipe, nothing with `--json`.

Steps report to `current()`; who started the process decides with `use()` what that is. Numbers only, never values.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table


class Silent:
    """Reports nothing; the base of the others."""

    def stream(self, name: str, records: int, pages: int, waited: float) -> None:
        """A page of the stream `name` arrived; totals of this pass, `waited` in seconds for the vendor's budget."""

    def finished(self, name: str, records: int, changed: int, refused: int) -> None:
        """The stream `name` is landed."""

    def say(self, line: str) -> None:
        """A step began or ended."""


class Plain(Silent):
    """A line for each stream and step, for logs and pipes."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def finished(self, name: str, records: int, changed: int, refused: int) -> None:
        suffix = f", {refused:,} refused" if refused else ""
        self.say(f"{name}: {records:,} received, {changed:,} new{suffix}")

    def say(self, line: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - self._began:6.1f}s] {line}\n")
        sys.stderr.flush()


class Terminal(Plain):
    """One moving line for the stream or step at work above the lines of those that are done."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._started: dict[str, float] = {}

    def __enter__(self) -> Terminal:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def stream(self, name: str, records: int, pages: int, waited: float) -> None:
        began = self._started.setdefault(name, time.monotonic())
        rate = records / max(time.monotonic() - began, 1e-3)
        row = Table.grid(padding=(0, 2))
        row.add_row(
            f"[bold]{name}", f"{records:,} records", f"{pages:,} pages", f"{rate:,.0f}/s", f"waited {waited:.0f} s"
        )
        self._live.update(row)

    def say(self, line: str) -> None:
        self._live.update("")
        self._console.print(f"[dim]{time.monotonic() - self._began:6.1f}s[/dim] {line}", highlight=False)


_current: Silent = Silent()


def current() -> Silent:
    return _current


@contextmanager
def use(reporter: Silent) -> Iterator[Silent]:
    """Makes `reporter` the current one for the block."""
    global _current
    before, _current = _current, reporter
    try:
        if isinstance(reporter, Terminal):
            with reporter:
                yield reporter
        else:
            yield reporter
    finally:
        _current = before


def suitable(json: bool = False) -> Silent:
    """The reporter that fits where standard error goes."""
    if json:
        return Silent()
    return Terminal() if sys.stderr.isatty() else Plain()
