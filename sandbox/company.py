"""The simulated company: a German supplier of industrial equipment, its customers' lives, and its own clock.

Built with more than two years behind it, it lives on by `advance`. All chance comes from the seed: the same seed,
accounts and days give the same records, however the days are divided into steps. What happened in truth is told
by `truth`; what the systems hold of it is in `store`.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from sandbox import buying, leaving, seen, service, truth
from sandbox.records import AdSpend, Store
from sandbox.world import BEGIN, DAY, World

START = datetime(2026, 6, 30, 6, 0)
TRUTHS = tuple(truth.TABLES)
HISTORY = (START - BEGIN).days
ARRIVAL = 0.85  # share of the history in which the accounts first appear; many early, fewer later


class Company:
    """`store` holds the records, `now` is the company's clock (naive UTC), `revision` counts the steps in time."""

    def __init__(self, seed: int = 1, accounts: int = 400) -> None:
        self.seed, self.accounts = seed, accounts
        self.revision = 0  # a view made of the store is good as long as this stays the same
        self.world = World(seed, accounts)
        for account in self.world.accounts:
            day = int(HISTORY * ARRIVAL * account.rng.random() ** 1.9)
            self.world.later(self.world.office(account, day * DAY, 0), account.key, buying.begin, account)
        for first, what in (
            (6, service.campaign),
            (13, leaving.review),
            (80, seen.tidy),
            (40, seen.forget),
            (63, seen.reprice),
            (10, buying.hold_fair),
            (0, month),
        ):
            self.world.later(first * DAY + 9_000, -1, what)
        self.world.run(HISTORY * DAY)

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def now(self) -> datetime:
        return self.world.moment(self.world.second)

    def advance(self, days: int) -> None:
        """Lets `days` pass."""
        if days < 1:
            raise ValueError(f"time only goes forward: advance by 1 day or more, not {days}")
        self.world.run(self.world.second + days * DAY)
        self.revision += 1

    def truth(self, table: str) -> pl.DataFrame:
        """One of TRUTHS as a frame; KeyError for any other name."""
        return truth.TABLES[table](self.world)


def month(w: World, second: int) -> None:
    """Each month: what the ads of the last month cost, and after the first day, newcomers as before."""
    end = w.moment(second)
    if second > 25 * DAY:
        last = end.replace(day=1).date()
        for channel, campaign, cost in (("search", "Fördertechnik", 2_400), ("social", "Marke", 900)):
            spent = round(cost * (0.8 + 0.4 * w.rng.random()), 2)
            clicks = int(spent / 1.7)
            w.store.ad_spend.append(AdSpend(last, channel, campaign, spent, clicks * 41, clicks))
    if second >= HISTORY * DAY:
        known = len(w.accounts)
        for key in range(known, known + max(1, known // 120)):
            account = w.add_account(key)
            w.later(w.office(account, second, account.rng.random() * 28), key, buying.begin, account)
    w.later(second + 30 * DAY, -1, month)
