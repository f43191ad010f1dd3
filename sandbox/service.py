"""What customers do besides ordering: need help, answer surveys, recommend, read newsletters or stop reading.

Readings of satisfaction are noisy, and those about to leave complain more and read less before they go.
"""

from __future__ import annotations

from sandbox.catalogue import TOPICS
from sandbox.records import Campaign, CampaignEvent, CrmObject, NewsletterContact, SupportTicket
from sandbox.seen import company_of, contact_of, conversion, user_of, write_down
from sandbox.world import DAY, Account, World

CATEGORIES = ("question", "question", "delivery", "invoice", "maintenance", "complaint", "return")
PRAISE = ("Sehr zufrieden, gerne wieder.", "Schnelle Hilfe, danke!", "")
BLAME = ("Leider wieder Ärger mit der Lieferung.", "Zu lange gewartet.", "")


def look_after(w: World, second: int, a: Account) -> None:
    """The sales rep keeps in touch, with larger customers more often."""
    if a.left_at is not None:
        return
    kind = "meetings" if a.rng.random() < 0.35 else "calls" if a.rng.random() < 0.7 else "notes"
    title = {"meetings": "Kundenbesuch", "calls": "Rückfrage zur Zufriedenheit", "notes": "Kundenstatus geprüft"}[kind]
    write_down(w, second, a, kind, None if kind == "notes" else a.person(), title)
    if a.rng.random() < 0.3:
        conversion(w, second, a, a.person(), f"Anleitung: {w.topic(a)}", "customer")
    w.later(w.office(a, second, a.rng.gammavariate(3, 55)), a.key, look_after, a)


def trouble(w: World, second: int, a: Account) -> None:
    """Something is wrong or unclear; unhappy customers and those about to leave write more."""
    if a.left_at is not None:
        return
    content = a.satisfaction(second)
    category = CATEGORIES[int(a.rng.random() * len(CATEGORIES))]
    if a.rng.random() < 0.5 * (1 - content) + 0.3 * a.leaving:
        category = "complaint"
    write_in(w, w.office(a, second, 0), a, category, None)
    rate = (0.5 + 1.3 * (1 - content)) * (2.6 if a.leaving else 1.0)
    w.later(second + int(a.rng.expovariate(rate / 150) * DAY) + DAY, a.key, trouble, a)


def write_in(w: World, second: int, a: Account, category: str, number: str | None) -> None:
    w.later(second, a.key, open_case, a, category, number)


def open_case(w: World, second: int, a: Account, category: str, number: str | None) -> None:
    user = user_of(w, second, a, a.person())
    channel = ("email", "email", "web", "phone", "chat")[int(a.rng.random() * 5)]
    if number is None and a.orders and category in ("complaint", "return", "invoice") and a.rng.random() < 0.5:
        mine = [o for c in a.customers.values() for o in (c.customer_number,)]
        number = mine[0] if mine else None
    if a.rng.random() < 0.05:
        in_crm(w, second, a, category)
        return
    ticket = w.desk.ticket(user, a.key, category, channel, number, a.rng, w.moment(second))
    agent = 1 + int(a.rng.random() * 6)
    hours = a.rng.gammavariate(1.4, 4)
    solve = hours + a.rng.gammavariate(1.3, 30 if category == "complaint" else 14)
    if category == "complaint":
        a.open_complaints += 1
        a.mood -= 0.3
        if a.rng.random() < 0.15:
            solve += 24 * (6 + a.rng.random() * 15)
    reply = w.office(a, second, hours / 24)
    done = max(w.office(a, second, solve / 24), reply + 1_800)
    w.later(reply, a.key, answer_case, a, ticket, agent, "open", "Vielen Dank, wir kümmern uns darum.")
    if a.rng.random() < 0.4:
        w.later(reply + 600, a.key, answer_case, a, ticket, agent, "pending", None)
    w.later(done, a.key, solve_case, a, ticket, agent, done - second)
    if a.rng.random() < 0.008:
        w.later(done + 20 * DAY, a.key, answer_case, a, ticket, agent, "deleted", None)


def in_crm(w: World, second: int, a: Account, category: str) -> None:
    """Some turn to their sales rep instead, who keeps the case in the CRM."""
    contact = contact_of(w, a, a.person(), second, "customer")
    solved = w.office(a, second, a.rng.gammavariate(1.4, 2.5))
    w.later(solved, a.key, close_in_crm, w.crm.ticket(contact, a.company, category, w.moment(second)))


def close_in_crm(w: World, second: int, case: CrmObject) -> None:
    stamp = f"{w.moment(second):%Y-%m-%dT%H:%M:%S}.000Z"
    w.crm.set(case, w.moment(second), hs_pipeline_stage="4", closed_date=stamp)


def answer_case(w: World, second: int, a: Account, t: SupportTicket, by: int, status: str, text: str | None) -> None:
    w.desk.status(t, status, w.moment(second), by, text)


def solve_case(w: World, second: int, a: Account, t: SupportTicket, by: int, took: int) -> None:
    w.desk.status(t, "solved", w.moment(second), by, "Das ist erledigt.")
    if a.rng.random() < 0.08 and t.reopened == 0:
        w.later(second + DAY, a.key, answer_case, a, t, t.requester_id, "open", None)
        w.later(w.office(a, second, 2), a.key, solve_case, a, t, by, took + 2 * DAY)
        return
    if t.category == "complaint":
        a.open_complaints = max(0, a.open_complaints - 1)
        a.mood += 0.35 if took < 2 * DAY else -0.15
    w.later(second + 4 * DAY, a.key, answer_case, a, t, by, "closed", None)
    w.later(second + DAY, a.key, ask_rating, a, t, took)


def ask_rating(w: World, second: int, a: Account, t: SupportTicket, took: int) -> None:
    w.desk.rate(t, "offered", None, w.moment(second))
    if a.rng.random() < 0.33:
        likes = a.satisfaction(second) + (0.15 if took < DAY else -0.1) + a.rng.gauss(0, 0.15)
        text = (PRAISE if likes > 0.5 else BLAME)[int(a.rng.random() * 3)]
        score = "good" if likes > 0.5 else "bad"
        w.later(second + int(a.rng.random() * 2 * DAY), a.key, rated, t, score, text or None)


def rated(w: World, second: int, t: SupportTicket, score: str, text: str | None) -> None:
    w.desk.rate(t, score, text, w.moment(second))


def survey(w: World, second: int, a: Account) -> None:
    """Twice a year each customer is asked whether they would recommend us; half of them answer."""
    if a.left_at is not None:
        return
    w.later(w.office(a, second, 175 + a.rng.random() * 20), a.key, survey, a)
    if a.rng.random() >= 0.5:
        return
    content = a.satisfaction(second)
    value = min(10, max(0, round(10.4 * content**0.65 + a.rng.gauss(0, 1.0))))
    company = company_of(w, a, second, "customer")
    contact = contact_of(w, a, a.person(), second, "customer")
    text = (PRAISE if value >= 9 else BLAME)[int(a.rng.random() * 3)] if value >= 9 or value < 7 else ""
    w.crm.feedback(contact, company, w.moment(second), "NPS", value, text)
    if value >= 9 and content > 0.6 and not a.leaving and a.phase in ("retention", "growth"):
        a.enter("advocacy", second)
        w.advocates.append(a.key)
        if a.rng.random() < 0.5:
            w.later(w.office(a, second, 4 + a.rng.random() * 30), a.key, refer, a)


def refer(w: World, second: int, a: Account) -> None:
    if a.left_at is None and a.phase == "advocacy":
        write_down(w, second, a, "meetings", a.person(), "Referenzgespräch")


def campaign(w: World, second: int) -> None:
    """The monthly newsletter. Who is about to leave stops reading first."""
    store, rng = w.store, w.rng
    day = w.moment(second)
    topic = TOPICS[day.month % len(TOPICS)]
    number = len(store.campaigns) + 1
    lists = [1, 2, 3] if number % 3 == 0 else [1]
    created = w.moment(second - 2 * DAY)
    subject = f"{topic}: was sich {day.year} lohnt"
    store.campaigns.append(Campaign(number, f"Newsletter {day:%Y-%m}", subject, topic, lists, created, day, day))
    for reader in store.newsletter_contacts:
        if reader.blacklisted or reader.deleted_at is not None:
            continue
        if reader.opt_in_confirmed_at is None and reader.source not in ("import",):
            continue
        if not set(lists).intersection(reader.list_ids) or reader.account is None:
            continue
        receive(w, second, w.accounts[reader.account], reader, number, topic)
    w.later(second + 28 * DAY, -1, campaign)
    for key in [a.key for a in w.accounts if a.phase and rng.random() < 0.004]:
        person = w.accounts[key].person()
        if len(w.accounts[key].people) > 1:
            person.active = False  # gone to another employer; mails will bounce


def receive(w: World, second: int, a: Account, reader: NewsletterContact, number: int, topic: str) -> None:
    events, rng = w.store.campaign_events, a.rng
    at = w.moment(second + 60 + reader.id % 600)
    events.append(CampaignEvent("sent", reader.id, number, at))
    person = next((p for p in a.people if p.key == reader.person), None)
    if person is not None and not person.active and reader.email == person.work_email:
        events.append(CampaignEvent("hard_bounce", reader.id, number, at))
        w.newsletter.bounce(reader, at)
        return
    events.append(CampaignEvent("delivered", reader.id, number, at))
    likes = a.reads * (0.25 if a.leaving or a.left_at is not None else 1.0) * (0.6 + 0.6 * a.satisfaction(second))
    likes *= 1.3 if topic in {TOPICS[i] for i in a.applications} else 1.0
    if rng.random() < likes:
        opened = second + 700 + int(rng.expovariate(1 / 40_000))
        w.later(opened, a.key, read, a, reader, number, "opened", None)
        if rng.random() < 0.28:
            url = f"https://www.wegner-foerder.example/wissen/{topic.lower().replace(' ', '-')}"
            w.later(opened + 20, a.key, read, a, reader, number, "clicked", url)
    elif rng.random() < (0.03 if a.leaving or a.left_at is not None else 0.005):
        w.later(second + 4_000, a.key, read, a, reader, number, "unsubscribed", None)


def read(w: World, second: int, a: Account, reader: NewsletterContact, number: int, kind: str, url: str | None) -> None:
    at = w.moment(second)
    w.store.campaign_events.append(CampaignEvent(kind, reader.id, number, at, url))
    if kind == "unsubscribed":
        w.newsletter.leave(reader, a.recipients.get(reader.person) if reader.person else None, at)
        contact = a.contacts.get(reader.person) if reader.person else None
        if contact is not None and a.rng.random() < 0.7:
            w.crm.set(contact, at, "INTEGRATION", hs_email_optout="true")
