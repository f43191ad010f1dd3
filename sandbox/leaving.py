"""How customers leave, told or silently, and how some are won back.

The hazard depends on satisfaction, unresolved complaints, changes of ownership and rivals. Between the inner decision
and the last day lie weeks in which orders grow rare, complaints grow many and newsletters stay unread.
"""

from __future__ import annotations

from math import exp

from sandbox.buying import decide
from sandbox.records import CrmObject
from sandbox.seen import company_of, lifecycle, moved, write_down
from sandbox.world import DAY, Account, World

REASONS = (
    "Preis",
    "Lieferprobleme",
    "Servicequalität",
    "Wettbewerb",
    "Bedarf entfallen",
    "Inhaberwechsel",
    "Insolvenz",
)
FORTNIGHT = 14


def review(w: World, second: int) -> None:
    """Every fortnight each customer's ties are tested."""
    for a in w.accounts:
        if not a.won or a.left_at is not None or a.phase in ("purchase", "decision", "consideration"):
            continue
        if a.leaving:
            continue
        rng = a.rng
        chance = rng.random()
        if chance < 0.0025:
            a.shaken_until = second + 200 * DAY  # new owners
        elif chance < 0.012:
            a.rival_until = second + int((60 + rng.random() * 120) * DAY)
        elif chance < 0.0135:
            w.later(w.office(a, second, rng.random() * 10), a.key, moved, a)
        hazard = 0.0075 * exp(-2.6 * (a.satisfaction(second) - 0.62))
        hazard *= 1 + 0.9 * a.open_complaints
        if second < a.shaken_until:
            hazard *= 2.5
        if second < a.rival_until:
            hazard *= 1.8
        if a.contract_until is not None:
            hazard *= 0.25
            if second > a.contract_until:
                renew(w, second, a)
        if rng.random() < hazard:
            a.leaving = True
            w.later(w.office(a, second, 8 + rng.gammavariate(2, 17)), a.key, leave, a)
    w.later(second + FORTNIGHT * DAY, -1, review)


def renew(w: World, second: int, a: Account) -> None:
    """A contract ran out: renewed for a year, or ended and nothing said."""
    a.contract_until = None
    if a.satisfaction(second) + a.rng.gauss(0, 0.15) > 0.45:
        a.contract_until = second + 365 * DAY
        end = w.moment(a.contract_until)
        w.crm.set(company_of(w, a, second, "customer"), w.moment(second), contract_end_date=f"{end:%Y-%m-%d}")


def leave(w: World, second: int, a: Account) -> None:
    """The last day. Half of them say so, and the CRM hears of it within weeks; the others just stop."""
    if a.left_at is not None:
        return
    a.enter("exit", second)
    a.left_at = second
    a.plan += 1
    rng = a.rng
    reason = REASONS[int(rng.random() * len(REASONS))]
    told = rng.random() < (0.9 if reason == "Insolvenz" or a.contract_until else 0.52)
    if told:
        if rng.random() < 0.5 and reason != "Insolvenz":
            w.later(
                w.office(a, second, rng.random() * 3), a.key, write_down, a, "emails", a.person(0), "Kündigung", True
            )
        w.later(w.office(a, second, 1 + rng.gammavariate(2, 5)), a.key, known, a, reason)
    elif rng.random() < 0.4:
        w.later(w.office(a, second, 180 + rng.random() * 200), a.key, known, a, "Keine Rückmeldung")
    if reason != "Insolvenz" and rng.random() < 0.14:
        w.later(w.office(a, second, 100 + rng.random() * 200), a.key, win_back, a)
    elif rng.random() < 0.06 and a.company is not None:
        w.later(w.office(a, second, 200 + rng.random() * 200), a.key, put_away, a.company)
    a.contract_until = None


def known(w: World, second: int, a: Account, reason: str) -> None:
    """The CRM is told that the customer has gone."""
    if a.left_at is None:
        return
    company = company_of(w, a, second, "customer")
    today = f"{w.moment(a.left_at):%Y-%m-%d}"
    w.crm.set(company, w.moment(second), lifecyclestage="other", exit_reason=reason, exit_date=today, type="OTHER")
    if a.rng.random() < 0.6:
        write_down(w, second, a, "notes", None, f"Kunde verloren: {reason}")


def put_away(w: World, second: int, company: CrmObject) -> None:
    w.crm.archive(company, w.moment(second))


def win_back(w: World, second: int, a: Account) -> None:
    """A lost customer listens again: a new decision, with everything that belongs to it."""
    if a.left_at is None or (a.company is not None and a.company.archived_at is not None):
        return
    a.left_at, a.leaving = None, False
    a.mood = a.mood_mean = max(0.6, a.mood_mean)
    write_down(w, second, a, "calls", a.person(0), "Rückgewinnung")
    lifecycle(w, second, a, "opportunity")
    decide(w, second, a)
