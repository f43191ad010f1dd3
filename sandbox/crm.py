"""How the company's CRM is kept: who is entered when and how carefully, and what is done to records later.

Writes `CrmObject`s with HubSpot's own property names. Knows nothing of why customers act (`sandbox.buying`) nor of
HTTP (`sandbox.vendors.hubspot`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from sandbox.people import Firm, Person, ascii_text, city_written, name_written, phone_written, street_written
from sandbox.records import CRM_FIRST, CRM_KINDS, CrmObject, Owner, Product, Store

PIPELINE = "default"
STAGES = (
    # id, label, probability
    ("appointmentscheduled", "Bedarf geklärt", "0.2"),
    ("qualifiedtobuy", "Qualifiziert", "0.4"),
    ("presentationscheduled", "Angebot in Arbeit", "0.6"),
    ("contractsent", "Angebot versandt", "0.8"),
    ("closedwon", "Gewonnen", "1.0"),
    ("closedlost", "Verloren", "0.0"),
)
TICKET_STAGES = (("1", "Neu"), ("2", "Wartet auf Kunden"), ("3", "Wartet auf uns"), ("4", "Geschlossen"))
LIFECYCLES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
WITH_HISTORY = frozenset(("dealstage", "lifecyclestage", "amount", "closedate", "hs_pipeline_stage"))
OWNERS = (
    ("Hanna", "Ehlmann", "Vertrieb Nord"),
    ("Jonas", "Grabner", "Vertrieb Nord"),
    ("Lea", "Nöthen", "Vertrieb Süd"),
    ("Felix", "Sölling", "Vertrieb Süd"),
    ("Marta", "Wiedsen", "Vertrieb Export"),
    ("Timo", "Kellau", "Innendienst"),
)
INDUSTRY = {
    "Lebensmittelwerke": "FOOD_PRODUCTION",
    "Medizintechnik": "MEDICAL_DEVICES",
    "Papierwerke": "PAPER_FOREST_PRODUCTS",
    "Großhandel": "WHOLESALE",
    "Elektrotechnik": "ELECTRICAL_ELECTRONIC_MANUFACTURING",
    "Automation": "INDUSTRIAL_AUTOMATION",
}
COUNTRY = {"DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz", "US": "USA"}
CURRENCY = {"DE": "EUR", "AT": "EUR", "CH": "CHF", "US": "USD"}


def instant(moment: datetime) -> str:
    """An instant as a property holds it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Crm:
    """Writes to the CRM's part of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.of = store.crm
        for kind in CRM_KINDS:
            self.of[kind] = []

    def found(self, products: list[Product], at: datetime) -> None:
        """What is there on the first day: owners and the price list."""
        for number, (first, last, team) in enumerate(OWNERS):
            email = f"{ascii_text(first).lower()}.{ascii_text(last).lower()}@wegner-foerder.example"
            self.store.owners.append(Owner(40_000_101 + number, 5_000_201 + number, email, first, last, team, at, at))
        self.store.owners[1].archived_at = at + timedelta(days=700)  # left the company
        for product in products:
            self.add(
                "products",
                None,
                None,
                at,
                {
                    "name": product.name,
                    "hs_sku": product.number,
                    "price": f"{product.price:.2f}",
                    "hs_cost_of_goods_sold": f"{product.cost:.2f}",
                    "hs_product_type": "inventory",
                    "description": f"{product.category}: {product.name}",
                },
            )

    def add(
        self, kind: str, account: int | None, person: int | None, at: datetime, properties: dict[str, str]
    ) -> CrmObject:
        rows = self.of[kind]
        number = CRM_FIRST[kind] + len(rows)
        text = instant(at)
        properties["hs_object_id"] = str(number)
        properties["createdate" if kind in CREATEDATE else "hs_createdate"] = text
        properties["lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"] = text
        made = CrmObject(kind, number, account, person, properties, at, at)
        kept = WITH_HISTORY.intersection(properties)
        if kept:
            made.history = {name: [(properties[name], at, "CRM_UI")] for name in sorted(kept)}
        rows.append(made)
        return made

    def get(self, kind: str, number: int) -> CrmObject:
        return self.of[kind][number - CRM_FIRST[kind]]

    def set(self, thing: CrmObject, at: datetime, source: str = "CRM_UI", **properties: str) -> None:
        """Changes properties; those with a history keep it."""
        if thing.gone or thing.archived_at is not None:
            return
        for name, value in properties.items():
            if name in WITH_HISTORY and thing.properties.get(name) != value:
                if thing.history is None:
                    thing.history = {}
                thing.history.setdefault(name, []).append((value, at, source))
        thing.properties.update(properties)
        if at > thing.updated_at:
            thing.updated_at = at
            name = "lastmodifieddate" if thing.kind == "contacts" else "hs_lastmodifieddate"
            thing.properties[name] = instant(at)

    def link(self, one: CrmObject, other: CrmObject, label: str | None = None, back: str | None = None) -> None:
        """An association, seen from both sides; with a label where the portal has one."""
        one.links.setdefault(other.kind, {})[other.id] = label
        other.links.setdefault(one.kind, {})[one.id] = back if back is not None else label

    # companies and contacts
    def company(
        self,
        firm: Firm,
        rng: Random,
        at: datetime,
        owner: int,
        lifecycle: str,
        source: str,
        care: float,
        **more: str,
    ) -> CrmObject:
        """A company as a rep enters it: what he does not know stays empty."""
        properties = {"name": name_written(firm, rng, care), "lifecyclestage": lifecycle}
        properties["country"] = COUNTRY[firm.country] if rng.random() < 0.85 else firm.country
        if rng.random() < 0.55 + 0.3 * care:
            properties["domain"] = firm.domain
            properties["website"] = f"https://www.{firm.domain}"
        if rng.random() < 0.93:
            properties["address"] = street_written(firm, rng, care)
        properties["city"] = city_written(firm, rng, care)
        if rng.random() < 0.96:
            properties["zip"] = firm.zipcode
        if rng.random() < 0.85:
            properties["phone"] = phone_written(firm.phone, rng)
        if firm.vat_id and rng.random() < 0.2 + 0.3 * care:
            properties["vat_id"] = firm.vat_id
            if rng.random() < 0.02:  # a digit mistyped: the check digit tells
                properties["vat_id"] = firm.vat_id[:-1] + str(
                    (int(firm.vat_id[-1]) + 1) % 10 if firm.vat_id[-1].isdigit() else 0
                )
        if rng.random() < 0.7:
            properties["numberofemployees"] = str(firm.employees)
            if rng.random() < 0.008:  # came in by an import that checked nothing
                properties["numberofemployees"] = f"ca. {firm.employees}"
        if rng.random() < 0.4:
            properties["annualrevenue"] = str(firm.employees * 160_000)
        properties["industry"] = INDUSTRY.get(firm.trade, "MACHINERY")
        properties["type"] = "CUSTOMER" if lifecycle == "customer" else "PROSPECT"
        properties["hs_analytics_source"] = source
        properties["hubspot_owner_id"] = str(owner)
        properties.update(more)
        return self.add("companies", firm.key, None, at, properties)

    def contact(
        self,
        person: Person,
        firm: Firm,
        company: CrmObject | None,
        email: str | None,
        rng: Random,
        at: datetime,
        lifecycle: str,
        source: str,
        **more: str,
    ) -> CrmObject:
        care = rng.random()
        properties = {
            "firstname": person.first_name if care > 0.25 else ascii_text(person.first_name),
            "lastname": person.last_name if care > 0.25 else ascii_text(person.last_name),
            "lifecyclestage": lifecycle,
            "hs_analytics_source": source,
            "hs_language": "en" if firm.country == "US" else "de",
        }
        if email:
            properties["email"] = email
        if rng.random() < 0.8:
            properties["jobtitle"] = person.job_title
        if rng.random() < 0.55:
            properties["hs_buying_role"] = person.buying_role
        if rng.random() < 0.75:
            properties["phone"] = phone_written(person.phone, rng)
        if rng.random() < 0.7:
            properties["company"] = name_written(firm, rng, 0.3)
        if rng.random() < 0.5:
            properties["zip"], properties["city"] = firm.zipcode, firm.city
        if rng.random() < 0.6:
            properties["hs_legal_basis"] = (
                "Legitimate interest – prospect/lead" if lifecycle != "customer" else "Performance of a contract"
            )
        if company is not None:
            properties["associatedcompanyid"] = str(company.id)
            properties["hubspot_owner_id"] = company.properties["hubspot_owner_id"]
        properties.update(more)
        contact = self.add("contacts", firm.key, person.key, at, properties)
        if company is not None:
            self.link(contact, company, "Primary")
        return contact

    def merge(self, loser: CrmObject, winner: CrmObject, at: datetime) -> None:
        """Two records become one: the loser is gone from every answer, the winner lists it and takes its links."""
        before = winner.properties.get("hs_merged_object_ids")
        ids = [*(before.split(";") if before else []), str(loser.id)]
        taken = {
            k: v for k, v in loser.properties.items() if k not in winner.properties and k != "hs_merged_object_ids"
        }
        for kind, links in list(loser.links.items()):
            for number, label in links.items():
                other = self.get(kind, number)
                back = other.links.get(loser.kind, {}).pop(loser.id, None)
                if number != winner.id or kind != winner.kind:
                    self.link(winner, other, label, back)
        loser.links = {}
        loser.gone, loser.merged_into = True, winner.id
        self.set(winner, at, "MERGE_OBJECTS", hs_merged_object_ids=";".join(ids), **taken)

    def erase(self, thing: CrmObject) -> None:
        """Forgotten for good: nothing of it is left, and no trace says so."""
        for kind, links in thing.links.items():
            for number in links:
                self.get(kind, number).links.get(thing.kind, {}).pop(thing.id, None)
        thing.links, thing.gone = {}, True
        thing.properties = {"hs_object_id": str(thing.id)}
        thing.history = None

    def reprice(self, product: Product, at: datetime) -> None:
        listed = self.of["products"][product.id - 1]
        self.set(listed, at, price=f"{product.price:.2f}", hs_cost_of_goods_sold=f"{product.cost:.2f}")

    def archive(self, thing: CrmObject, at: datetime) -> None:
        """To the recycle bin: hidden from lists and search, and its time of change does not move."""
        if not thing.gone and thing.archived_at is None:
            thing.archived_at = at

    # what is written down about customers
    def activity(
        self,
        kind: str,
        account: int,
        at: datetime,
        logged: datetime,
        company: CrmObject | None,
        contacts: list[CrmObject],
        deal: CrmObject | None,
        properties: dict[str, str],
    ) -> CrmObject:
        """A call, mail, meeting, note or task; `logged` is later than `at` when somebody wrote it down late."""
        properties["hs_timestamp"] = instant(at)
        if company is not None and "hubspot_owner_id" not in properties:
            properties["hubspot_owner_id"] = company.properties["hubspot_owner_id"]
        made = self.add(kind, account, contacts[0].person if contacts else None, logged, properties)
        if company is not None:
            self.link(made, company)
        for contact in contacts:
            self.link(made, contact)
        if deal is not None:
            self.link(made, deal)
        return made

    def deal(
        self,
        firm: Firm,
        company: CrmObject,
        contacts: list[CrmObject],
        at: datetime,
        title: str,
        amount: float,
        kind: str,
        expected: datetime,
        **more: str,
    ) -> CrmObject:
        properties = {
            "dealname": f"{firm.name.split(' ')[0]} – {title}",
            "pipeline": PIPELINE,
            "dealstage": STAGES[0][0],
            "amount": f"{amount:.2f}",
            "deal_currency_code": CURRENCY[firm.country],
            "closedate": instant(expected),
            "hs_is_closed": "false",
            "hs_is_closed_won": "false",
            "hs_is_closed_lost": "false",
            "dealtype": kind,
            "hubspot_owner_id": company.properties["hubspot_owner_id"],
            f"hs_v2_date_entered_{STAGES[0][0]}": instant(at),
            "num_associated_contacts": str(len(contacts)),
        }
        properties.update(more)
        made = self.add("deals", firm.key, None, at, properties)
        self.link(made, company, "Primary")
        for n, contact in enumerate(contacts):
            self.link(made, contact, "Entscheider" if n == 0 else None)
        return made

    def stage(self, deal: CrmObject, stage: str, at: datetime, reason: str | None = None) -> None:
        properties = {"dealstage": stage, f"hs_v2_date_entered_{stage}": instant(at)}
        if stage.startswith("closed"):
            won = stage == "closedwon"
            properties |= {
                "hs_is_closed": "true",
                "hs_is_closed_won": str(won).lower(),
                "hs_is_closed_lost": str(not won).lower(),
                "closedate": instant(at),
            }
            if reason:
                properties["closed_lost_reason"] = reason
        self.set(deal, at, **properties)

    def lines(self, deal: CrmObject, wanted: list[tuple[Product, int]], at: datetime) -> None:
        for product, quantity in wanted:
            item = self.add(
                "line_items",
                deal.account,
                None,
                at,
                {
                    "name": product.name,
                    "hs_sku": product.number,
                    "hs_product_id": str(CRM_FIRST["products"] + product.id - 1),
                    "quantity": str(quantity),
                    "price": f"{product.price:.2f}",
                    "amount": f"{product.price * quantity:.2f}",
                    "hs_line_item_currency_code": deal.properties["deal_currency_code"],
                },
            )
            self.link(item, deal)

    def ticket(self, contact: CrmObject, company: CrmObject | None, category: str, at: datetime) -> CrmObject:
        properties = {
            "subject": {"complaint": "Reklamation", "invoice": "Rechnungsfrage"}.get(category, "Kundenfrage"),
            "hs_pipeline": "0",
            "hs_pipeline_stage": "1",
            "hs_ticket_priority": "HIGH" if category == "complaint" else "MEDIUM",
            "hs_ticket_category": {"complaint": "PRODUCT_ISSUE", "invoice": "BILLING_ISSUE"}.get(
                category, "GENERAL_INQUIRY"
            ),
            "source_type": "EMAIL",
        }
        made = self.add("tickets", contact.account, contact.person, at, properties)
        self.link(made, contact)
        if company is not None:
            properties["hubspot_owner_id"] = company.properties["hubspot_owner_id"]
            self.link(made, company, "Primary")
        return made

    def feedback(
        self, contact: CrmObject, company: CrmObject | None, at: datetime, kind: str, value: int, text: str
    ) -> None:
        group = "promoter" if value >= 9 else "passive" if value >= 7 else "detractor"
        properties = {
            "hs_survey_type": kind,
            "hs_survey_name": {"NPS": "Beziehungsumfrage", "CES": "Nach dem Servicefall"}.get(kind, kind),
            "hs_survey_channel": "EMAIL",
            "hs_value": str(value),
            "hs_submission_timestamp": instant(at),
            "hs_contact_id": str(contact.id),
            "hs_ingestion_id": f"{contact.id}-{at:%Y%m%d}",
        }
        if kind == "NPS":
            properties["hs_response_group"] = group
        if text:
            properties["hs_content"] = text
        made = self.add("feedback_submissions", contact.account, contact.person, at, properties)
        self.link(made, contact)
        if company is not None:
            self.link(made, company)


CREATEDATE = frozenset(("companies", "contacts", "deals", "tickets", "line_items", "products"))
