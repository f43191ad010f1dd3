"""What systems get to see of an account: entries made late, twice, incompletely, and tidied up afterwards.

Between the truth (`sandbox.buying`, `sandbox.using`, `sandbox.leaving`) and the systems' own way of keeping records
(`sandbox.crm`, `sandbox.shop`, `sandbox.desk`).
"""

from __future__ import annotations

from sandbox.people import Person
from sandbox.records import CrmObject, NewsletterContact, ShopCustomer, SupportUser
from sandbox.world import DAY, Account, World

COUNTRY_OWNER = {"DE": (0, 1, 2, 3, 5), "AT": (2, 3), "CH": (4,), "US": (4,)}
SOURCES = {
    "fair": "OFFLINE",
    "newsletter": "EMAIL_MARKETING",
    "ad": "PAID_SEARCH",
    "referral": "REFERRALS",
    "form": "ORGANIC_SEARCH",
    "shop": "DIRECT_TRAFFIC",
}


def mail_of(account: Account, person: Person, careful: float) -> str | None:
    """The address a system gets of a person: of work, a second one, a shared box, or none."""
    chance = account.rng.random()
    if chance < careful:
        return person.work_email
    return person.other_email if chance < careful + (1 - careful) * 0.75 else person.shared_email


def company_of(w: World, a: Account, second: int, lifecycle: str) -> CrmObject:
    """The account's company in the CRM, entered now if it is not there yet."""
    if a.company is None:
        at = w.moment(second)
        owners = COUNTRY_OWNER[a.firm.country]
        owner = w.store.owners[owners[int(a.rng.random() * len(owners))]].id
        source = SOURCES[a.origin]
        a.company = w.crm.company(a.firm, a.rng, at, owner, lifecycle, source, a.carefulness)
        if a.referred_by is not None:
            by = w.accounts[a.referred_by].company
            if by is not None:
                w.crm.set(a.company, at, referred_by_company_id=str(by.id))
        if a.firm.parent is not None:
            parent = w.accounts[a.firm.parent].company
            if parent is not None and not parent.gone and a.rng.random() < 0.6:
                w.crm.set(a.company, at, hs_parent_company_id=str(parent.id))
                w.crm.link(a.company, parent, "Parent Company", "Child Company")
        if a.rng.random() < 0.08:
            w.later(w.office(a, second, 3 + a.rng.random() * 60), a.key, enter_twice, a)
    return a.company


def contact_of(w: World, a: Account, person: Person, second: int, lifecycle: str) -> CrmObject:
    """The person's contact in the CRM, entered now if it is not there yet."""
    known = a.contacts.get(person.key)
    if known is None:
        company = company_of(w, a, second, lifecycle)
        email = mail_of(a, person, 0.8) if a.rng.random() < 0.94 else None
        source = SOURCES[a.origin]
        known = w.crm.contact(person, a.firm, company, email, a.rng, w.moment(second), lifecycle, source)
        a.contacts[person.key] = known
        if a.rng.random() < 0.05:
            w.later(w.office(a, second, 2 + a.rng.random() * 40), a.key, enter_person_twice, a, person)
    return known


def write_down(
    w: World, second: int, a: Account, kind: str, person: Person | None, title: str, inbound: bool = False
) -> None:
    """Something between people, now; one in eight is written down only days later."""
    if a.rng.random() < 0.125:
        w.later(w.office(a, second, 1 + a.rng.random() * 4), a.key, note, a, kind, person, title, inbound, second)
    else:
        note(w, second, a, kind, person, title, inbound, second)


def note(
    w: World,
    second: int,
    a: Account,
    kind: str,
    person: Person | None,
    title: str,
    inbound: bool,
    happened: int,
) -> None:
    company = company_of(w, a, second, "lead")
    contacts = [contact_of(w, a, person, second, "lead")] if person is not None else []
    at = w.moment(happened)
    minutes = 10 + int(a.rng.random() * 50)
    end = w.moment(happened + minutes * 60)
    stamp, until = f"{at:%Y-%m-%dT%H:%M:%S}.000Z", f"{end:%Y-%m-%dT%H:%M:%S}.000Z"
    properties = {
        "calls": {
            "hs_call_title": title,
            "hs_call_direction": "INBOUND" if inbound else "OUTBOUND",
            "hs_call_status": "COMPLETED",
            "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7",  # connected
            "hs_call_duration": str(minutes * 60_000),
        },
        "emails": {
            "hs_email_subject": title,
            "hs_email_direction": "INCOMING_EMAIL" if inbound else "EMAIL",
            "hs_email_status": "SENT",
        },
        "meetings": {
            "hs_meeting_title": title,
            "hs_meeting_outcome": "COMPLETED",
            "hs_meeting_start_time": stamp,
            "hs_meeting_end_time": until,
        },
        "notes": {"hs_note_body": title},
        "tasks": {
            "hs_task_subject": title,
            "hs_task_status": "COMPLETED",
            "hs_task_type": "TODO",
            "hs_task_completion_date": stamp,
        },
    }[kind]
    if kind == "meetings" and len(a.people) > 1 and a.rng.random() < 0.5:
        second_person = a.person()
        if person is None or second_person.key != person.key:
            contacts.append(contact_of(w, a, second_person, second, "lead"))
    w.crm.activity(kind, a.key, at, w.moment(second), company, contacts, a.deal, properties)


def enter_twice(w: World, second: int, a: Account) -> None:
    """Another colleague enters the company again; mostly somebody notices and merges the two."""
    first = a.company
    if first is None or first.gone or first.archived_at is not None:
        return
    owner = w.store.owners[int(a.rng.random() * len(w.store.owners))].id
    again = w.crm.company(a.firm, a.rng, w.moment(second), owner, "lead", "OFFLINE", 0.2)
    if a.rng.random() < 0.75:
        w.later(w.office(a, second, 10 + a.rng.random() * 150), a.key, unite, a, again, first)


def enter_person_twice(w: World, second: int, a: Account, person: Person) -> None:
    email = mail_of(a, person, 0.3)
    first = a.contacts[person.key]
    if first.gone or email == first.properties.get("email"):
        return
    again = w.crm.contact(person, a.firm, a.company, email, a.rng, w.moment(second), "lead", "OFFLINE")
    if a.rng.random() < 0.7:
        w.later(w.office(a, second, 5 + a.rng.random() * 120), a.key, unite, a, again, first)


def unite(w: World, second: int, a: Account, loser: CrmObject, winner: CrmObject) -> None:
    if not (loser.gone or winner.gone or loser.archived_at or winner.archived_at):
        w.crm.merge(loser, winner, w.moment(second))


def lifecycle(w: World, second: int, a: Account, stage: str) -> None:
    """The CRM's own idea of how far an account is."""
    for thing in (a.company, *a.contacts.values()):
        if thing is not None and not thing.gone:
            w.crm.set(thing, w.moment(second), "WORKFLOWS", lifecyclestage=stage)


def conversion(w: World, second: int, a: Account, person: Person, what: str, stage: str = "lead") -> None:
    """A form on the website: a download or an enquiry, seen as the contact's latest conversion."""
    contact = contact_of(w, a, person, second, stage)
    stamp = f"{w.moment(second):%Y-%m-%dT%H:%M:%S}.000Z"
    number = int(contact.properties.get("num_conversion_events", "0")) + 1
    more = {"recent_conversion_event_name": what, "recent_conversion_date": stamp, "num_conversion_events": str(number)}
    if number == 1:
        more |= {"first_conversion_event_name": what, "first_conversion_date": stamp}
    w.crm.set(contact, w.moment(second), "FORM", **more)


def subscribe(w: World, second: int, a: Account, person: Person, source: str) -> None:
    """A sign-up to the newsletter; six of seven click the link that makes it a consent."""
    if person.key in a.readers:
        return
    crm = a.contacts.get(person.key)
    email = mail_of(a, person, 0.72) or person.work_email
    reader = w.newsletter.contact(
        a.firm, person, email, source, str(crm.id) if crm is not None else None, a.rng, w.moment(second)
    )
    a.readers[person.key] = reader
    if source == "import" or reader.opt_in_requested_at is not None:
        return
    a.recipients[person.key] = w.newsletter.ask(reader, w.moment(second))
    if a.rng.random() < 0.86:
        w.later(second + 120 + int(a.rng.expovariate(1 / 20_000)), a.key, confirm, a, reader, person)


def confirm(w: World, second: int, a: Account, reader: NewsletterContact, person: Person) -> None:
    w.newsletter.confirm(reader, a.recipients[person.key], w.moment(second))


def customer_of(w: World, second: int, a: Account, person: Person) -> ShopCustomer:
    """The shop login that this person orders with: a colleague's, if there is one, more often than not."""
    if person.key in a.customers:
        return a.customers[person.key]
    if a.customers and a.rng.random() < 0.75:
        return next(iter(a.customers.values()))
    email = mail_of(a, person, 0.7) or person.work_email
    taken = next((c for c in a.customers.values() if c.email == email), None)
    if taken is not None:
        return taken
    group = {"buying_group": 1, "marketplace": 4}.get(a.kind, 3 if a.contract_until else int(a.rng.random() < 0.3) * 2)
    shared = email == person.shared_email
    made = w.shop.customer(
        a.firm,
        None if shared and a.rng.random() < 0.5 else person,
        email,
        a.rng,
        w.moment(second),
        group,
        crm_id=str(a.company.id) if a.company is not None and a.rng.random() < 0.15 else None,
        campaign_code="messe" if a.origin == "fair" else None,
    )
    a.customers[person.key] = made
    if a.company is not None and not a.company.gone and a.rng.random() < 0.3:
        w.crm.set(a.company, w.moment(second), "INTEGRATION", customer_number=made.customer_number)
    return made


def user_of(w: World, second: int, a: Account, person: Person) -> SupportUser:
    """The person as the help desk knows it, with the organisation where an agent made one."""
    known = a.users.get(person.key)
    if known is not None:
        return known
    at = w.moment(second)
    if a.organization is None and a.rng.random() < 0.9:
        number = next((c.customer_number for c in a.customers.values()), None)
        crm = str(a.company.id) if a.company is not None else None
        a.organization = w.desk.organization(a.firm, a.rng, at, number, crm)
    email = mail_of(a, person, 0.74)
    org = a.organization.id if a.organization is not None else None
    a.users[person.key] = w.desk.user(a.firm, person, email, org, a.rng, at)
    return a.users[person.key]


def moved(w: World, second: int, a: Account) -> None:
    """The company moves within its town; one system after the other hears of it, some never."""
    a.firm.street, a.firm.house = "Am Gewerbering", str(1 + int(a.rng.random() * 90))
    if a.company is not None and not a.company.gone and a.rng.random() < 0.7:
        w.crm.set(a.company, w.moment(second), address=f"{a.firm.street} {a.firm.house}")
    for customer in a.customers.values():
        if a.rng.random() < 0.8:
            address = w.store.shop_addresses[customer.address_id - 1]
            address.street, address.updated_at = f"{a.firm.street} {a.firm.house}", w.moment(second)


def tidy(w: World, second: int) -> None:
    """Once a quarter somebody tidies up: old leads go to the recycle bin, and some test entries vanish."""
    limit, cold = w.moment(second - 300 * DAY), ("subscriber", "lead", "marketingqualifiedlead")
    for thing in w.store.crm["contacts"]:
        if thing.gone or thing.archived_at is not None or thing.updated_at >= limit:
            continue
        if thing.properties.get("lifecyclestage") in cold and w.rng.random() < 0.06:
            w.crm.archive(thing, w.moment(second + int(w.rng.random() * 20_000)))
    w.later(second + 91 * DAY, -1, tidy)


def forget(w: World, second: int) -> None:
    """Now and then somebody wants to be forgotten: the CRM and the newsletter tool erase them at once."""
    for reader in w.store.newsletter_contacts:
        if reader.deleted_at is None and reader.account is not None and w.rng.random() < 0.0025:
            reader.deleted_at = reader.updated_at = w.moment(second)
            a = w.accounts[reader.account]
            contact = a.contacts.get(reader.person or 0)
            if contact is not None and not contact.gone:
                w.crm.erase(contact)
    w.later(second + 30 * DAY, -1, forget)


def reprice(w: World, second: int) -> None:
    """The price list of a new year; the second year also ends a product."""
    at = w.moment(second)
    for product in w.store.products:
        product.price, product.cost = round(product.price * 1.03, 2), round(product.cost * 1.025, 2)
        product.updated_at = at
        w.crm.reprice(product, at)
    if at.year == 2025:
        ended, heir = w.catalogue.of["Lagerboxen", 3], w.catalogue.of["Lagerboxen", 2]
        ended.active = False
        w.catalogue.of["Lagerboxen", 3] = heir
    w.later(second + 365 * DAY, -1, reprice)
