"""The simulated company: a German supplier of industrial equipment, its customers' lives, and its own clock.

Built with two and a half years behind it, it lives on by `advance`. All chance comes from the seed: the same seed,
accounts and days give the same records, however the days are divided into steps. What happened in truth is told by
`truth`; what the systems hold of it is in `store`. How customers behave is `sandbox.life`, how systems write it down
is `sandbox.recording`.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from sandbox.records import Store

START = datetime(2026, 6, 30, 6, 0)
TRUTHS = ("identity", "phase", "leaving", "fits", "orders")


class Company:
    """`store` holds the records, `now` is the company's clock (naive UTC), `revision` counts the steps in time."""

    def __init__(self, seed: int = 1, accounts: int = 400) -> None:
        self.seed, self.accounts = seed, accounts
        self.now = START
        self.revision = 0  # a view made of the store is good as long as this stays the same
        self.store = Store()

    def advance(self, days: int) -> None:
        """Lets `days` pass."""
        raise NotImplementedError("the company's life is being written")

    def truth(self, table: str) -> pl.DataFrame:
        """One of TRUTHS as a frame; KeyError for any other name."""
        if table not in TRUTHS:
            raise KeyError(table)
        raise NotImplementedError("the company's life is being written")
