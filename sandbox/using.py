"""What customers order: the usual, again and again, and now and then more than the usual.

Gaps between orders are gamma distributed and bend to the season, to satisfaction and to rivals, so that no simple
counting model is the truth. What is ordered follows the account's kinds of work.
"""

from __future__ import annotations

from datetime import datetime
from math import exp

from sandbox.catalogue import EATS, EQUIPMENT
from sandbox.crm import CURRENCY
from sandbox.people import name_written
from sandbox.records import (
    CrmObject,
    MarketplaceOrder,
    Product,
    ShopCustomer,
    ShopOrder,
)
from sandbox.seen import company_of, contact_of, customer_of, subscribe, write_down
from sandbox.service import look_after, survey, trouble, write_in
from sandbox.shop import RATES
from sandbox.world import DAY, Account, World

Lines = list[tuple[Product, int]]
Made = tuple[datetime, str, str | None]  # when, by which channel, after which campaign


# What is needed.
def rung_of(a: Account) -> int:
    """The model that suits the account's size."""
    return 1 if a.firm.employees < 25 else 2 if a.firm.employees < 110 else 3


def consumables(a: Account) -> list[str]:
    return [eaten for family in a.owned for eaten in EATS.get(family, ())]


def some(a: Account, unit: float) -> int:
    """A quantity: cheap things are bought by the dozen."""
    return max(1, round(a.basket * exp(a.rng.gauss(0, 0.5)) * (6 if unit < 30 else 3 if unit < 100 else 0.25)))


def missing(a: Account) -> list[tuple[str, int, float]]:
    """Family, rung and weight of what the account's work needs and it does not have: new families and bigger models."""
    found = [(f, min(rung_of(a), 2), weight) for f, weight in a.wants.items() if f not in a.owned]
    for family, rung in a.owned.items():
        if family in EQUIPMENT and rung < rung_of(a):
            found.append((family, rung + 1, 0.35))
    return found


def pick(a: Account, found: list[tuple[str, int, float]]) -> tuple[str, int, float]:
    chance = a.rng.random() * sum(f[2] for f in found)
    for option in found:
        chance -= option[2]
        if chance <= 0:
            return option
    return found[-1]


def prices(w: World, a: Account, first: bool) -> Lines:
    """Order lines: the machine first needed or newly taken up, and what it eats."""
    found = missing(a)
    lines: Lines = []
    if found:
        family, rung, _ = pick(a, found)
        product = w.catalogue.of[family, 1 if first and a.rng.random() < 0.6 else rung]
        lines.append((product, some(a, product.price)))
        for eaten in EATS.get(family, ()):
            if a.rng.random() < 0.6:
                extra = w.catalogue.of[eaten, min(3, rung_of(a))]
                lines.append((extra, some(a, extra.price)))
    return lines or routine(w, a)


def routine(w: World, a: Account) -> Lines:
    """The usual: consumables of the machines they have, now and then another of the same machine."""
    eaten = consumables(a)
    lines: Lines = []
    for _ in range(1 + int(a.rng.random() * 3.2)):
        if eaten:
            family = eaten[int(a.rng.random() ** 1.3 * len(eaten))]
            product = w.catalogue.of[family, min(3, max(1, rung_of(a) + (a.rng.random() < 0.2)))]
            if all(product is not p for p, _ in lines):
                lines.append((product, some(a, product.price)))
    machines = [f for f in a.owned if f in EQUIPMENT]
    if machines and (not lines or a.rng.random() < 0.12):
        family = machines[int(a.rng.random() * len(machines))]
        product = w.catalogue.of[family, a.owned[family]]
        lines.append((product, 1 + int(a.rng.random() * 2)))
    return lines


# Orders.
def place(w: World, second: int, a: Account, kind: str, lines: Lines | None = None) -> None:
    """An order. `kind`: first, routine or growth."""
    if a.left_at is not None and kind != "first":
        return
    if a.phase in ("exit", None):
        return
    if lines is None:
        lines = routine(w, a) if kind == "routine" else prices(w, a, first=kind == "first")
    if not lines:
        return
    if kind == "growth":
        a.enter("growth", second)
    elif kind == "routine" and a.phase in ("growth", "advocacy") and second - a.phases[-1][0] > 30 * DAY:
        a.enter("retention", second)
    for product, _ in lines:
        if product.family in EQUIPMENT or product.family in EATS:
            a.owned[product.family] = max(a.owned.get(product.family, 0), product.level)
        else:
            a.owned.setdefault(product.family, product.level)
    a.orders += 1
    a.last_order = second
    w.ordered.append((a.key, second, kind))
    if kind != "first" and a.rng.random() < a.platform:
        on_platform(w, second, a, lines)
        w.later(second + 4 * DAY, a.key, delivered, a, None, False)
    else:
        by_phone = a.rng.random() < 0.12
        channel = "phone" if by_phone else "edi" if a.contract_until and a.rng.random() < 0.7 else "storefront"
        customer = customer_of(w, second, a, a.person())
        entered = second + int(a.rng.random() * 30_000) if by_phone else second
        campaign = "newsletter" if a.readers and a.rng.random() < 0.08 else None
        made = (w.moment(second), channel, campaign)
        w.later(entered, a.key, into_shop, a, customer, lines, made)
    a.plan += 1
    plan_next(w, second, a)
    if not a.readers and a.rng.random() < 0.25:
        person = a.person()
        w.later(second + 900, a.key, subscribe, a, person, "shop")


def into_shop(w: World, second: int, a: Account, customer: ShopCustomer, lines: Lines, made: Made) -> None:
    at, channel, campaign = made
    order = w.shop.order(customer, a.firm, lines, at, channel, w.moment(second), campaign)
    if a.rng.random() < 0.018:
        w.later(w.office(a, second, a.rng.random() * 2), a.key, cancel, a, order)
        if a.phase == "purchase":
            w.later(w.office(a, second, 3 + a.rng.random() * 8), a.key, place, a, "first")
        return
    late = a.rng.random() < 0.11
    ship = w.office(a, second, 0.6 + a.rng.gammavariate(2, 1.1) + (8 + a.rng.random() * 12 if late else 0))
    w.later(second + int((ship - second) * 0.2), a.key, step, order, "order", "in_progress")
    w.later(ship, a.key, step, order, "order_delivery", "shipped")
    w.later(ship + int((1 + a.rng.random() * 2) * DAY), a.key, delivered, a, order, late)
    pays = 10 + a.rng.gammavariate(3, 6) + (35 if a.rng.random() < 0.08 else 0)
    if pays > 45:
        w.later(w.office(a, second, 40), a.key, step, order, "order_transaction", "reminded")
    w.later(w.office(a, second, pays), a.key, step, order, "order_transaction", "paid")
    if a.rng.random() < 0.025:
        w.later(w.office(a, ship, 5 + a.rng.random() * 12), a.key, give_back, a, order)


def on_platform(w: World, second: int, a: Account, lines: Lines) -> None:
    """The same order by way of a marketplace: the platform's list is all that is ever seen of it."""
    rows = w.store.marketplace_orders
    platform = ("Industriemarkt24", "TechnikPlaza")[a.key % 2]
    number = f"{platform[:2].upper()}-{second // 60:08d}-{a.key}"
    name, rate = name_written(a.firm, a.rng, 0.5), RATES[CURRENCY[a.firm.country]]
    for product, quantity in lines:
        rows.append(
            MarketplaceOrder(
                len(rows) + 1,
                a.key,
                platform,
                number,
                w.moment(second),
                name,
                a.firm.zipcode,
                a.firm.city,
                product.number,
                quantity,
                round(product.price * quantity * rate, 2),
                CURRENCY[a.firm.country],
            )
        )


def step(w: World, second: int, order: ShopOrder, machine: str, state: str) -> None:
    if order.state != "cancelled":
        w.shop.move(order, machine, state, w.moment(second))


def cancel(w: World, second: int, a: Account, order: ShopOrder) -> None:
    for machine in ("order", "order_transaction", "order_delivery"):
        w.shop.move(order, machine, "cancelled", w.moment(second))


def give_back(w: World, second: int, a: Account, order: ShopOrder) -> None:
    step(w, second, order, "order_delivery", "returned")
    reason = ("beschädigt", "falsch bestellt", "nicht mehr benötigt")[int(a.rng.random() * 3)]
    w.shop.refund(order, 1.0 if a.rng.random() < 0.6 else 0.3, reason, w.moment(second))
    a.mood -= 0.25


def delivered(w: World, second: int, a: Account, order: ShopOrder | None, late: bool) -> None:
    """The goods arrive: a first order makes a customer of the account."""
    if order is not None:
        step(w, second + 3_600, order, "order", "completed")
    if a.phase == "purchase":
        a.enter("retention", second)
        w.later(w.office(a, second, 12 + a.rng.random() * 20), a.key, look_after, a)
        w.later(second + int(a.rng.expovariate(1 / 110) * DAY), a.key, trouble, a)
        w.later(w.office(a, second, 60 + a.rng.random() * 120), a.key, survey, a)
    if late:
        a.mood -= 0.45
        if a.rng.random() < 0.5:
            number = order.order_number if order is not None else None
            w.later(w.office(a, second, a.rng.random() * 2), a.key, write_in, a, "delivery", number)


def plan_next(w: World, second: int, a: Account) -> None:
    """When the next order is due, from season, satisfaction, rivals and leaving."""
    days = a.rng.gammavariate(a.shape, a.gap_days / a.shape)
    factor = (1.35 - 0.6 * a.satisfaction(second)) / w.season(a, second + int(days * DAY))
    if a.leaving:
        factor *= 2.2
    if second < a.rival_until:
        factor *= 1.4
    due = w.office(a, second, max(0.5, days * factor))
    w.later(due, a.key, order_due, a, a.plan)


def order_due(w: World, second: int, a: Account, plan: int) -> None:
    """The moment to order: the usual, or more than usual where something is missing and there is money."""
    if plan != a.plan or a.left_at is not None:
        return
    found = missing(a)
    month = w.moment(second).month
    money = 1.7 if (month - a.budget_month) % 12 < 3 else 0.8
    grows = 0.0 if a.leaving else 0.24 * a.satisfaction(second) * money * min(1.0, len(found) / 3)
    if not found or a.rng.random() >= grows:
        place(w, second, a, "routine")
    elif a.rng.random() < 0.5:
        place(w, second, a, "growth")
    else:
        expand(w, second, a)
        place(w, second, a, "routine", routine(w, a))


def expand(w: World, second: int, a: Account) -> None:
    """Taking up more is talked about first: a deal with an existing customer."""
    a.enter("growth", second)
    lines = prices(w, a, first=False)
    days = 10 + a.rng.gammavariate(2, 9)
    w.later(w.office(a, second, a.rng.random() * 2), a.key, open_expansion, a, lines, days)


def open_expansion(w: World, second: int, a: Account, lines: Lines, days: float) -> None:
    company = company_of(w, a, second, "customer")
    contacts = [contact_of(w, a, a.person(0), second, "customer")]
    amount = sum(p.price * n for p, n in lines)
    at = w.moment(second)
    title = f"Erweiterung {lines[0][0].family}"
    end = w.moment(second + int(days * DAY))
    deal = w.crm.deal(a.firm, company, contacts, at, title, amount, "existingbusiness", end)
    w.crm.lines(deal, lines, at)
    write_down(w, second, a, "meetings", a.person(), "Jahresgespräch")
    w.later(w.office(a, second, days * 0.5), a.key, quote, a, deal)
    won = a.rng.random() < 0.75
    w.later(w.office(a, second, days), a.key, close_expansion, a, deal, lines if won else None)


def quote(w: World, second: int, a: Account, deal: CrmObject) -> None:
    w.crm.stage(deal, "contractsent", w.moment(second))


def close_expansion(w: World, second: int, a: Account, deal: CrmObject, lines: Lines | None) -> None:
    won = lines is not None and a.left_at is None
    w.crm.stage(deal, "closedwon" if won else "closedlost", w.moment(second), None if won else "Kein Budget")
    if won:
        w.later(w.office(a, second, a.rng.random() * 3), a.key, place, a, "growth", lines)
