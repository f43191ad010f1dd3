"""How somebody becomes a customer: awareness, consideration, decision, purchase, with breaks and resumptions.

The phase an account enters here is the truth; what systems get to see of it comes later, and not always.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.catalogue import TOPICS
from sandbox.people import city_written, name_written, phone_written
from sandbox.records import CrmObject, FairVisit, WebinarAttendance
from sandbox.seen import (
    company_of,
    contact_of,
    conversion,
    customer_of,
    lifecycle,
    mail_of,
    subscribe,
    write_down,
)
from sandbox.using import place, prices
from sandbox.world import DAY, Account, World

FAIR_DATES, FAIR_LENGTH = ((3, 12), (6, 3), (10, 14)), 4
FAIRS = ("Fördertechniktage", "Werkstattmesse Süd", "Packforum")
LOST_REASONS = ("Preis", "Wettbewerb", "Kein Budget", "Projekt verschoben", "Keine Rückmeldung")
DOWNLOADS = ("Whitepaper", "Fallstudie", "Auswahlhilfe", "Produktvergleich", "Checkliste")


def begin(w: World, second: int, a: Account) -> None:
    """The first impulse, by where it comes from."""
    if a.origin == "referral":
        friends = [k for k in w.advocates if k != a.key]
        if friends:
            a.referred_by = friends[int(a.rng.random() * len(friends))]
        else:
            a.origin = "form"
    if a.origin == "form":
        a.enter("awareness", second)  # they read about us, and nothing of ours sees it
        w.later(w.office(a, second, a.rng.gammavariate(1.5, 6)), a.key, consider, a)
        return
    if a.origin == "fair" and (opens := next_fair(w, second)) > second:
        w.later(opens + int(a.rng.random() * 3.3) * DAY + int(a.rng.random() * 28_000), a.key, begin, a)
        return
    person = a.person()
    if a.origin == "shop":
        a.enter("consideration", second)
        customer_of(w, second, a, person)
        w.later(second + int((0.02 + a.rng.expovariate(1 / 6)) * DAY), a.key, buy, a)
        return
    a.enter("awareness", second)
    if a.origin == "fair":
        fair(w, second, a)
    elif a.origin == "newsletter":
        subscribe(w, second, a, person, "website")
        if a.rng.random() < 0.4:
            w.later(second + 3_600, a.key, lead, a, "subscriber")
    elif a.origin == "ad":
        w.later(second + 600, a.key, lead, a, "lead")
    else:
        w.later(w.office(a, second, a.rng.random() * 3), a.key, lead, a, "lead")
    days = a.rng.gammavariate(2.2, 19)
    if a.rng.random() < 0.88:
        w.later(w.office(a, second, days), a.key, consider, a)
    else:
        w.later(second + int(days * DAY), a.key, fall_silent, a, 0.6)


def next_fair(w: World, second: int) -> int:
    """The opening of the next fair, or `second` itself while one is on."""
    now = w.moment(second)
    for year in (now.year, now.year + 1):
        for month, day in FAIR_DATES:
            opens = int((datetime(year, month, day, 8) - w.moment(0)).total_seconds())
            if second < opens + FAIR_LENGTH * DAY:
                return max(opens, second)
    raise AssertionError("there is a fair each year")


def hold_fair(w: World, second: int) -> None:
    """Customers and undecided ones come to a fair as well."""
    opens = next_fair(w, second)
    for a in w.accounts:
        if a.phase not in (None, "exit") and a.rng.random() < 0.06:
            w.later(opens + int(a.rng.random() * 3.3) * DAY + int(a.rng.random() * 28_000), a.key, fair, a)
    w.later(next_fair(w, opens + (FAIR_LENGTH + 1) * DAY) - DAY, -1, hold_fair)


def fair(w: World, second: int, a: Account) -> None:
    """A visitor at the stand: a scanned badge now, an entry in the CRM after the fair."""
    person = a.person()
    day = w.moment(second)
    give_mail = a.rng.random() < 0.8
    w.store.fair_visits.append(
        FairVisit(
            len(w.store.fair_visits) + 1,
            a.key,
            person.key,
            f"{FAIRS[day.month % 3]} {day.year}",
            day.date(),
            day,
            name_written(a.firm, a.rng, 0.3),
            person.first_name,
            person.last_name,
            mail_of(a, person, 0.6) if give_mail else None,
            phone_written(person.phone, a.rng) if a.rng.random() < 0.7 else None,
            a.firm.zipcode if a.rng.random() < 0.8 else None,
            city_written(a.firm, a.rng, 0.5),
            w.topic(a),
            "Rückruf erbeten" if a.rng.random() < 0.3 else None,
            a.rng.random() < 0.5,
        )
    )
    if w.store.fair_visits[-1].newsletter:
        subscribe(w, second, a, person, "fair")
    if a.phase == "awareness":
        w.later(w.office(a, second, 1 + a.rng.random() * 5), a.key, lead, a, "lead")


def lead(w: World, second: int, a: Account, stage: str) -> None:
    contact_of(w, a, a.person(0 if a.rng.random() < 0.6 else None), second, stage)


def fall_silent(w: World, second: int, a: Account, comes_back: float) -> None:
    """The journey breaks off for months; some take it up again."""
    a.pause(second)
    if a.rng.random() < comes_back:
        w.later(w.office(a, second, 70 + a.rng.random() * 170), a.key, consider, a)


def consider(w: World, second: int, a: Account) -> None:
    """They look for a solution and show it: enquiries, downloads, webinars, questions."""
    a.enter("consideration", second)
    person = a.person()
    first = w.office(a, second, a.rng.gammavariate(1.3, 3.5))
    w.later(first, a.key, enquire, a)
    days = a.rng.gammavariate(2.5, 17)
    for _ in range(2 + int(a.rng.random() * 5)):
        w.later(w.office(a, second, a.rng.random() * days), a.key, inform, a)
    if person.key not in a.readers and a.rng.random() < 0.4:
        w.later(second + int(a.rng.random() * days * DAY), a.key, subscribe, a, person, "website")
    held = webinar_after(w, second)
    if held < second + days * DAY and a.rng.random() < 0.5:
        w.later(held, a.key, webinar, a)
    if a.rng.random() < 0.85:
        w.later(w.office(a, second, days + 1), a.key, decide, a)
    else:
        w.later(second + int(days * DAY), a.key, fall_silent, a, 0.6)


def enquire(w: World, second: int, a: Account) -> None:
    person = a.person()
    conversion(w, second, a, person, f"Anfrage: {w.topic(a)}", "marketingqualifiedlead")
    lifecycle(w, second, a, "marketingqualifiedlead")
    if a.rng.random() < 0.8:
        write_down(w, second, a, "emails", person, f"Anfrage {w.topic(a)}", inbound=True)


def inform(w: World, second: int, a: Account) -> None:
    """One of the many ways to learn more."""
    chance, person = a.rng.random(), a.person()
    if chance < 0.4:
        kind = DOWNLOADS[int(a.rng.random() * len(DOWNLOADS))]
        conversion(w, second, a, person, f"{kind}: {w.topic(a)}")
    elif chance < 0.62:
        write_down(w, second, a, "emails", person, f"Rückfrage {w.topic(a)}", inbound=True)
    elif chance < 0.85:
        write_down(w, second, a, "calls", person, "Erstgespräch", inbound=a.rng.random() < 0.4)
    else:
        write_down(w, second, a, "emails", person, "Informationsmaterial", inbound=False)


def webinar_after(w: World, second: int) -> int:
    """Webinars are held on every fourth Thursday at nine o'clock."""
    return (second // DAY // 28 + 1) * 28 * DAY + DAY + 3 * 3_600


def webinar(w: World, second: int, a: Account) -> None:
    person = a.person()
    topic = TOPICS[second // DAY // 28 % len(TOPICS)]
    came = a.rng.random() < 0.7
    w.store.webinar_attendance.append(
        WebinarAttendance(
            len(w.store.webinar_attendance) + 1,
            a.key,
            person.key,
            f"{topic} in der Praxis",
            topic,
            w.moment(second // 60 * 60),
            mail_of(a, person, 0.6) or person.work_email,
            person.first_name,
            person.last_name,
            name_written(a.firm, a.rng, 0.4) if a.rng.random() < 0.8 else None,
            came,
            20 + int(a.rng.random() * 40) if came else 0,
        )
    )


def decide(w: World, second: int, a: Account) -> None:
    """They are about to choose: a deal in the CRM, talks, a quotation."""
    a.enter("decision", second)
    days = 8 + a.rng.gammavariate(3, 11)
    w.later(w.office(a, second, a.rng.random() * 6), a.key, open_deal, a, days)
    won = a.rng.random() < 0.58 + 0.25 * a.satisfaction(second)
    w.later(w.office(a, second, days), a.key, buy if won else lose, a)


def open_deal(w: World, second: int, a: Account, days: float) -> None:
    lifecycle(w, second, a, "opportunity")
    company = company_of(w, a, second, "opportunity")
    people = [a.person(0)] + ([a.person()] if len(a.people) > 1 else [])
    contacts = list({p.key: contact_of(w, a, p, second, "opportunity") for p in people}.values())
    wanted = prices(w, a, first=True)
    amount = sum(product.price * quantity for product, quantity in wanted)
    expected = w.moment(second + int((days + 10) * DAY))
    kind = "existingbusiness" if a.orders else "newbusiness"
    a.deal = w.crm.deal(a.firm, company, contacts, w.moment(second), w.topic(a), amount, kind, expected)
    if a.rng.random() < 0.7:
        w.crm.lines(a.deal, wanted, w.moment(second))
    for share, stage in ((0.25, "qualifiedtobuy"), (0.5, "presentationscheduled"), (0.7, "contractsent")):
        if a.rng.random() < 0.85:
            w.later(w.office(a, second, days * share), a.key, advance_deal, a, a.deal, stage)
    for _ in range(1 + int(a.rng.random() * 3)):
        w.later(w.office(a, second, a.rng.random() * days), a.key, talk, a)


def advance_deal(w: World, second: int, a: Account, deal: CrmObject, stage: str) -> None:
    if deal.properties["hs_is_closed"] == "false" and not deal.gone:
        w.crm.stage(deal, stage, w.moment(second))
        if stage == "contractsent":
            write_down(w, second, a, "emails", a.person(0), "Unser Angebot")
            w.later(w.office(a, second, 4), a.key, write_down, a, "tasks", a.person(0), "Angebot nachfassen")


def talk(w: World, second: int, a: Account) -> None:
    kind = "meetings" if a.rng.random() < 0.6 else "calls"
    write_down(w, second, a, kind, a.person(), "Beratung" if kind == "meetings" else "Rückfragen zum Angebot")


def lose(w: World, second: int, a: Account) -> None:
    """They choose somebody else or nothing; the CRM hears of it some days later."""
    if a.deal is not None:
        reason = LOST_REASONS[int(a.rng.random() * len(LOST_REASONS))]
        w.later(w.office(a, second, a.rng.random() * 5), a.key, close_deal, a, a.deal, "closedlost", reason)
    fall_silent(w, second, a, 0.5)


def close_deal(w: World, second: int, a: Account, deal: CrmObject, stage: str, reason: str | None) -> None:
    if deal.properties["hs_is_closed"] == "false" and not deal.gone:
        w.crm.stage(deal, stage, w.moment(second), reason)
        if a.rng.random() < 0.012:  # came in by an import that checked nothing
            deal.properties["closedate"] = f"{w.moment(second):%Y}-02-30T00:00:00.000Z"
    if a.deal is deal:
        a.deal = None


def buy(w: World, second: int, a: Account) -> None:
    """They have chosen us. Deal and first order follow within days, in either order."""
    a.enter("purchase", second)
    a.won = True
    if a.deal is not None:
        w.later(w.office(a, second, a.rng.random() * 2.5), a.key, close_deal, a, a.deal, "closedwon", None)
    order_at = second + 60 if a.origin == "shop" and not a.orders else w.office(a, second, a.rng.random() * 4)
    w.later(order_at, a.key, place, a, "first")
    w.later(order_at + 3_600, a.key, lifecycle, a, "customer")
    if a.firm.employees > 60 and a.rng.random() < 0.3 and a.contract_until is None:
        w.later(w.office(a, second, 10 + a.rng.random() * 40), a.key, sign, a)


def sign(w: World, second: int, a: Account) -> None:
    """A framework contract for a year."""
    if a.left_at is None:
        a.contract_until = second + 365 * DAY
        company = company_of(w, a, second, "customer")
        end = w.moment(a.contract_until)
        w.crm.set(company, w.moment(second), contract_type="Rahmenvertrag", contract_end_date=f"{end:%Y-%m-%d}")
