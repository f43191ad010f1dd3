"""How the help desk and the newsletter tool write down who wrote in, who subscribed and what became of it.

Only what Zendesk and Brevo record; why somebody complains or reads is `sandbox.service`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from sandbox.people import Firm, Person, ascii_text, city_written, name_written, phone_written, street_written
from sandbox.records import (
    MessageEvent,
    NewsletterCompany,
    NewsletterContact,
    NewsletterList,
    Rating,
    ShopRecipient,
    Store,
    SupportOrganization,
    SupportTicket,
    SupportUser,
    TicketEvent,
    TicketMetricEvent,
)

AGENTS = ("Nele Orlach", "Kim Fenkner", "Ali Rehmer", "Paula Tripphoff", "Ben Klingloh", "Eva Hülsmann")
LISTS = ("Newsletter", "Fachwissen", "Messekontakte")
SUBJECTS = {
    "complaint": ("Reklamation: Ware beschädigt", "Falsche Ware geliefert", "Gerät fällt ständig aus"),
    "question": ("Frage zur Inbetriebnahme", "Welche Ausführung passt?", "Datenblatt gesucht"),
    "delivery": ("Wo bleibt unsere Lieferung?", "Liefertermin verschoben?"),
    "invoice": ("Rechnung stimmt nicht", "Rechnungskopie benötigt"),
    "maintenance": ("Wartungstermin vereinbaren", "Jährliche Prüfung fällig"),
    "return": ("Rücksendung anmelden", "Umtausch gewünscht"),
}
GROUP_OF = {"complaint": "Reklamation", "return": "Reklamation", "invoice": "Buchhaltung"}


class Desk:
    """Writes to the help desk's part of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def found(self, at: datetime) -> None:
        for name in AGENTS:
            first = ascii_text(name.split(" ")[0]).lower()
            email = f"{first}.{ascii_text(name.split(' ')[1]).lower()}@wegner-foerder.example"
            self.store.support_users.append(
                SupportUser(len(self.store.support_users) + 1, None, None, name, email, None, None, "agent", at, at)
            )

    def organization(
        self, firm: Firm, rng: Random, at: datetime, external: str | None, crm_id: str | None
    ) -> SupportOrganization:
        care = rng.random()
        street = street_written(firm, rng, care) if rng.random() < 0.75 else None
        made = SupportOrganization(
            len(self.store.support_organizations) + 1,
            firm.key,
            name_written(firm, rng, care * 0.7),
            [firm.domain] if rng.random() < 0.4 else [],
            None,
            external if rng.random() < 0.3 else None,
            at,
            at,
            street,
            firm.zipcode if street or rng.random() < 0.8 else None,
            city_written(firm, rng, care),
            phone_written(firm.phone, rng) if rng.random() < 0.7 else None,
            crm_id if rng.random() < 0.12 else None,
        )
        if street and rng.random() < 0.5:
            made.details = f"{street}, {firm.zipcode} {firm.city}"
        self.store.support_organizations.append(made)
        return made

    def user(
        self, firm: Firm, person: Person, email: str | None, org: int | None, rng: Random, at: datetime
    ) -> SupportUser:
        name = f"{person.first_name} {person.last_name}"
        style = rng.random()
        if style < 0.15:
            name = f"{person.last_name}, {person.first_name}"
        elif style < 0.3:
            name = ascii_text(name)
        elif style < 0.36:
            name = f"{person.first_name[0]}. {person.last_name}"
        made = SupportUser(
            len(self.store.support_users) + 1,
            firm.key,
            person.key,
            name,
            email,
            phone_written(person.phone, rng) if rng.random() < 0.65 else None,
            org,
            "end-user",
            at,
            at,
        )
        self.store.support_users.append(made)
        return made

    def ticket(
        self,
        user: SupportUser,
        account: int,
        category: str,
        channel: str,
        order_number: str | None,
        rng: Random,
        at: datetime,
    ) -> SupportTicket:
        subjects = SUBJECTS[category]
        subject = subjects[int(rng.random() * len(subjects))]
        if order_number and rng.random() < 0.6:
            subject = f"{subject} (Auftrag {order_number})"
        urgent = category == "complaint" and rng.random() < 0.4
        made = SupportTicket(
            len(self.store.support_tickets) + 1,
            account,
            user.id,
            user.organization_id,
            None,
            GROUP_OF.get(category, "Support"),
            channel,
            subject,
            f"Guten Tag, {subject[0].lower()}{subject[1:]}. Mit freundlichen Grüßen, {user.name}",
            {"complaint": "problem", "question": "question", "maintenance": "task"}.get(category, "incident"),
            "urgent" if urgent else "high" if category in ("complaint", "delivery") else "normal",
            "new",
            category,
            [category],
            order_number,
            at,
            at,
            at,
        )
        self.store.support_tickets.append(made)
        self.event(
            made, at, user.id, [("status", "new", None), ("priority", made.priority, None)], made.description, True
        )
        self.metric(made, "reply_time", 1, "activate", at)
        self.metric(made, "requester_wait_time", 1, "activate", at)
        return made

    def event(
        self,
        ticket: SupportTicket,
        at: datetime,
        updater: int,
        changes: list[tuple[str, str | None, str | None]],
        comment: str | None = None,
        first: bool = False,
    ) -> None:
        events = self.store.ticket_events
        events.append(TicketEvent(len(events) + 1, ticket.id, at, updater, changes, comment, True, first))
        ticket.updated_at = ticket.generated_at = max(ticket.updated_at, at)

    def metric(self, ticket: SupportTicket, metric: str, instance: int, kind: str, at: datetime) -> None:
        rows = self.store.ticket_metric_events
        rows.append(TicketMetricEvent(len(rows) + 1, ticket.id, metric, instance, kind, at))

    def status(self, ticket: SupportTicket, status: str, at: datetime, by: int, comment: str | None = None) -> None:
        before = ticket.status
        changes: list[tuple[str, str | None, str | None]] = [("status", status, before)]
        if ticket.assignee_id is None and status == "open":
            ticket.assignee_id = by
            changes.append(("assignee_id", str(by), None))
        if comment and ticket.first_reply_at is None and by <= len(AGENTS):
            ticket.first_reply_at = at
            self.metric(ticket, "reply_time", 1, "fulfill", at)
        if status == "solved":
            ticket.solved_at = at
            self.metric(ticket, "requester_wait_time", 1 + ticket.reopened, "fulfill", at)
        elif before == "solved" and status == "open":
            ticket.reopened += 1
            self.metric(ticket, "requester_wait_time", 1 + ticket.reopened, "activate", at)
        ticket.status = status
        if status == "deleted":
            ticket.deleted_at = at
        self.event(ticket, at, by, changes, comment)

    def rate(self, ticket: SupportTicket, score: str, comment: str | None, at: datetime) -> None:
        """An offer to rate, and later the answer to it: one record that changes."""
        self.event(ticket, at, ticket.requester_id, [("satisfaction_score", score, ticket.satisfaction)])
        if ticket.satisfaction == "offered":
            rating = next(r for r in reversed(self.store.ratings) if r.ticket_id == ticket.id)
            rating.score, rating.comment, rating.updated_at = score, comment, at
        else:
            self.store.ratings.append(
                Rating(
                    len(self.store.ratings) + 1,
                    ticket.id,
                    ticket.requester_id,
                    ticket.assignee_id,
                    ticket.group,
                    score,
                    comment,
                    at,
                    at,
                )
            )
        ticket.satisfaction = score


class Newsletter:
    """Writes to the newsletter tool's part of the store, and to the shop's own list of recipients."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.by_email: dict[str, NewsletterContact] = {}
        self.companies: dict[int, NewsletterCompany] = {}

    def found(self, at: datetime) -> None:
        for number, name in enumerate(LISTS, 1):
            self.store.newsletter_lists.append(NewsletterList(number, name, "Kunden und Interessenten", at, at))

    def contact(
        self, firm: Firm, person: Person | None, email: str, source: str, crm_id: str | None, rng: Random, at: datetime
    ) -> NewsletterContact:
        """A contact: what people give away at a sign-up is little, an import from a fair brings more."""
        known = self.by_email.get(email)
        if known is not None:
            return known
        much = source in ("fair", "import", "shop")
        made = NewsletterContact(
            len(self.store.newsletter_contacts) + 1,
            firm.key,
            person.key if person else None,
            email,
            person.first_name if person and rng.random() < 0.85 else None,
            person.last_name if person and rng.random() < 0.9 else None,
            name_written(firm, rng, 0.3) if much or rng.random() < 0.6 else None,
            city_written(firm, rng, 0.4) if much or rng.random() < 0.35 else None,
            firm.zipcode if much or rng.random() < 0.45 else None,
            phone_written(person.phone if person else firm.phone, rng)
            if rng.random() < (0.6 if much else 0.15)
            else None,
            source,
            [3] if source == "fair" else [1] if rng.random() < 0.7 else [1, 2],
            [],
            at,
            at,
            crm_id=crm_id if rng.random() < 0.3 else None,
        )
        self.store.newsletter_contacts.append(made)
        self.by_email[email] = made
        if made.company and rng.random() < 0.5:
            company = self.companies.get(firm.key)
            if company is None:
                companies = self.store.newsletter_companies
                company = NewsletterCompany(
                    len(companies) + 1,
                    firm.key,
                    made.company,
                    firm.domain if rng.random() < 0.3 else None,
                    phone_written(firm.phone, rng) if rng.random() < 0.6 else None,
                    [],
                    at,
                    at,
                )
                companies.append(company)
                self.companies[firm.key] = company
            company.contact_ids.append(made.id)
            company.updated_at = at
        return made

    def ask(self, contact: NewsletterContact, at: datetime) -> ShopRecipient:
        """Double opt-in asked for: a mail with a link, and an entry that is not yet a consent."""
        contact.opt_in_requested_at = at
        recipients = self.store.shop_recipients
        made = ShopRecipient(
            len(recipients) + 1,
            contact.email,
            "notSet",
            contact.first_name,
            contact.last_name,
            contact.zipcode,
            contact.city,
            None,
            at,
            None,
        )
        recipients.append(made)
        message = len(self.store.message_events) + 1
        for kind, seconds in (("requests", 0), ("delivered", 4)):
            self.message(
                message,
                kind,
                contact.email,
                at + timedelta(seconds=seconds),
                "Bitte bestätigen Sie Ihre Anmeldung",
                "double_opt_in",
            )
        return made

    def message(self, message: int, kind: str, email: str, at: datetime, subject: str, template: str) -> None:
        rows = self.store.message_events
        rows.append(MessageEvent(len(rows) + 1, message, kind, email, at, subject, template))

    def confirm(self, contact: NewsletterContact, recipient: ShopRecipient, at: datetime) -> None:
        recipient.status, recipient.confirmed_at, recipient.updated_at = "optIn", at, at
        contact.opt_in_confirmed_at = contact.updated_at = at

    def leave(self, contact: NewsletterContact, recipient: ShopRecipient | None, at: datetime) -> None:
        """Opted out: blacklisted in the tool, optOut in the shop where that entry exists."""
        contact.opted_out_at = contact.updated_at = at
        contact.blacklisted = True
        contact.unsubscribed_list_ids = list(contact.list_ids)
        if recipient is not None:
            recipient.status, recipient.updated_at = "optOut", at

    def bounce(self, contact: NewsletterContact, at: datetime) -> None:
        contact.hard_bounced_at = contact.updated_at = at
        contact.blacklisted = True
