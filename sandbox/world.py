"""The world of the simulation: its clock, what is due when, and what is true of each account.

Here is state only. What accounts do is `sandbox.buying`, `sandbox.using`, `sandbox.service` and `sandbox.leaving`; what systems hold of
it is written by `sandbox.crm`, `sandbox.shop` and `sandbox.desk`. Everything due is processed in the order of time,
account and planning, so that a life does not depend on how its days are divided into steps.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, sqrt
from random import Random
from typing import Any

from sandbox.catalogue import APPLICATIONS, TOPICS, Catalogue, wanted
from sandbox.crm import Crm
from sandbox.desk import Desk, Newsletter
from sandbox.people import Firm, Person, make_firm
from sandbox.records import (
    CrmObject,
    NewsletterContact,
    ShopCustomer,
    ShopRecipient,
    Store,
    SupportOrganization,
    SupportUser,
)
from sandbox.shop import Shop

BEGIN = datetime(2023, 11, 1, 6, 0)  # a day of the simulation lasts from six to six
DAY = 86_400
ORIGINS = (("fair", 0.2), ("newsletter", 0.2), ("ad", 0.13), ("referral", 0.1), ("form", 0.23), ("shop", 0.14))
SEASON = (0.95, 1.05, 1.2, 1.05, 1.0, 1.0, 0.85, 0.7, 1.15, 1.1, 1.15, 0.8)  # of the whole trade, January first
GROUP_OF = {"normal": 0, "buying_group": 1, "marketplace": 4}
MOOD_DAYS, MOOD_SPREAD = 150.0, 0.8


@dataclass(slots=True)
class Account:
    """One customer in truth. Seconds count from BEGIN."""

    firm: Firm
    rng: Random
    origin: str
    kind: str  # normal, buying_group, marketplace
    gap_days: float  # between routine orders
    shape: float  # of the gamma distribution of gaps: larger is more regular
    season: float  # months by which this account's year is shifted
    budget_month: int
    basket: float
    applications: tuple[int, ...]
    wants: dict[str, float]
    mood_mean: float
    mood: float
    reads: float  # how willingly newsletters are opened
    platform: float  # share of orders that come through a marketplace platform
    carefulness: float  # of those who key it in
    mood_at: int = 0
    phase: str | None = None
    phases: list[tuple[int, str]] = field(default_factory=list)
    breaks: list[tuple[int, int | None]] = field(default_factory=list)
    owned: dict[str, int] = field(default_factory=dict)  # family -> highest rung
    plan: int = 0  # number of the current plan; what an older plan had in store is void
    won: bool = False
    leaving: bool = False
    left_at: int | None = None
    open_complaints: int = 0
    shaken_until: int = 0  # new owners: everything is under review
    rival_until: int = 0  # a competitor is courting them
    contract_until: int | None = None
    orders: int = 0
    last_order: int = 0
    referred_by: int | None = None
    # What systems know.
    company: CrmObject | None = None
    contacts: dict[int, CrmObject] = field(default_factory=dict)
    deal: CrmObject | None = None
    customers: dict[int, ShopCustomer] = field(default_factory=dict)
    readers: dict[int, NewsletterContact] = field(default_factory=dict)
    recipients: dict[int, ShopRecipient] = field(default_factory=dict)
    organization: SupportOrganization | None = None
    users: dict[int, SupportUser] = field(default_factory=dict)

    @property
    def key(self) -> int:
        return self.firm.key

    @property
    def people(self) -> list[Person]:
        return self.firm.people

    def enter(self, phase: str, second: int) -> None:
        """The journey's true phase from here on."""
        if self.breaks and self.breaks[-1][1] is None:
            self.breaks[-1] = (self.breaks[-1][0], second)
        if self.phase != phase:
            self.phase = phase
            self.phases.append((second, phase))

    def pause(self, second: int) -> None:
        """The journey is broken off; where it stood stays true until it is taken up again."""
        self.breaks.append((second, None))

    def satisfaction(self, second: int) -> float:
        """Between 0 and 1; drifts to and fro around the account's own level."""
        days = (second - self.mood_at) / DAY
        if days > 0:
            kept = exp(-days / MOOD_DAYS)
            drift = self.rng.gauss(0.0, MOOD_SPREAD * sqrt(1 - kept * kept))
            self.mood = self.mood_mean + (self.mood - self.mood_mean) * kept + drift
            self.mood_at = second
        return 1 / (1 + exp(-self.mood))

    def person(self, index: int | None = None) -> Person:
        active = [p for p in self.people if p.active] or self.people
        if index is None:
            index = int(self.rng.random() ** 1.8 * len(active))
        return active[min(index, len(active) - 1)]


class World:
    """Clock, agenda, accounts, and those who write to the systems."""

    def __init__(self, seed: int, accounts: int) -> None:
        self.seed = seed
        self.store = Store()
        self.crm, self.shop = Crm(self.store), Shop(self.store)
        self.desk, self.newsletter = Desk(self.store), Newsletter(self.store)
        self.catalogue = Catalogue(BEGIN)
        self.store.products = self.catalogue.products
        self.crm.found(self.catalogue.products, BEGIN)
        self.desk.found(BEGIN)
        self.newsletter.found(BEGIN)
        self.accounts: list[Account] = []
        self.advocates: list[int] = []
        self.ordered: list[tuple[int, int, str]] = []  # account, second, kind: every order in truth
        self.next_person = 1
        self.rng = Random(f"{seed}/world")
        self.second = 0
        self._agenda: dict[int, list[tuple[int, int, int, Callable[..., None], tuple[Any, ...]]]] = {}
        self._planned = 0
        for key in range(accounts):
            self.add_account(key)

    def add_account(self, key: int) -> Account:
        rng = Random(f"{self.seed}/account/{key}")
        before = self.accounts[-1].firm if self.accounts else None
        firm = make_firm(key, rng, before, self.next_person)
        self.next_person += len(firm.people)
        chance, origin = rng.random(), "form"
        for name, share in ORIGINS:
            chance -= share
            if chance < 0:
                origin = name
                break
        special = rng.random()
        kind = "buying_group" if special < 0.012 else "marketplace" if special < 0.02 else "normal"
        size = min(firm.employees, 600) ** 0.5
        apps = rng.sample(range(len(APPLICATIONS)), 1 + int(rng.random() * (2.2 if firm.employees < 60 else 3)))
        gap = min(190.0, max(12.0, 62 * exp(rng.gauss(0, 0.55)) / (size / 6) ** 0.35))
        mean = rng.gauss(0.75, 0.75)
        account = Account(
            firm,
            rng,
            origin,
            kind,
            gap if kind == "normal" else 8.0,
            1.6 + 3 * rng.random(),
            rng.gauss(0, 1.2),
            1 + int(rng.random() * 12),
            size * exp(rng.gauss(0, 0.4)) / 6 * (1 if kind == "normal" else 4),
            tuple(sorted(apps)),
            wanted(tuple(sorted(apps))),
            mean,
            mean + rng.gauss(0, 0.4),
            min(0.9, max(0.05, rng.gauss(0.42, 0.2))),
            rng.choice((0.3, 0.5, 0.8)) if rng.random() < 0.07 else 0.0,
            rng.random(),
        )
        self.accounts.append(account)
        return account

    # time
    def moment(self, second: int) -> datetime:
        return BEGIN + timedelta(seconds=second)

    def office(self, account: Account, second: int, days: float) -> int:
        """Some days on, at a working hour; never earlier than ten minutes from now."""
        day = int((second + days * DAY) // DAY)
        weekday = (day + 2) % 7  # BEGIN is a Wednesday
        if weekday >= 5:
            day += 7 - weekday
        found = day * DAY + 3_600 + int(account.rng.random() * 36_000)
        return found if found >= second + 600 else second + 600 + int(account.rng.random() * 3_000)

    def later(self, second: int, key: int, what: Callable[..., None], *args: Any) -> None:
        """Plans `what(world, second, *args)`; `key` is the account it belongs to, or -1."""
        self._planned += 1
        heapq.heappush(self._agenda.setdefault(second // DAY, []), (second, key, self._planned, what, args))

    def run(self, until: int) -> None:
        """Lets everything due before `until` happen; whole days only."""
        for day in range(self.second // DAY, until // DAY):
            due = self._agenda.setdefault(day, [])
            while due:
                second, _, _, what, args = heapq.heappop(due)
                self.second = second
                what(self, second, *args)
            del self._agenda[day]
        self.second = until

    def season(self, account: Account, second: int) -> float:
        """How much is ordered at this time of the year, 1 on average."""
        month = self.moment(second).timetuple().tm_yday / 30.44 + account.season
        at = month % 12
        low, share = int(at), at - int(at)
        return SEASON[low % 12] * (1 - share) + SEASON[(low + 1) % 12] * share

    def topic(self, account: Account) -> str:
        return TOPICS[account.applications[int(account.rng.random() * len(account.applications))]]
