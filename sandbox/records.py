"""What each system of the simulated company holds: one class a kind of record, in the words of that system.

Plain data. Instants are naive UTC `datetime`s, ids are integers that count up within their kind, foreign keys
end in `_id`. Every shown record has `created_at` and `updated_at`; a record that vanished keeps its place with
`deleted_at` set (a merged one also with `merged_into`), so that a vendor can show it as that vendor does.
`account` and `person` are the truth behind a record (None where nobody could know) and are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


# --- the catalogue
@dataclass(slots=True)
class Product:
    id: int
    number: str
    name: str
    family: str
    category: str
    level: int  # rung on the ladder of its family; 1 is the entry model
    price: float  # net, EUR
    cost: float
    active: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


# --- shop
@dataclass(slots=True)
class ShopCustomer:
    id: int
    account: int | None
    person: int | None
    customer_number: str
    group: int  # index into records.SHOP_GROUPS
    company: str | None
    first_name: str
    last_name: str
    email: str
    vat_id: str | None
    guest: bool
    created_at: datetime
    updated_at: datetime | None  # None until the first edit, as in the shop
    address_id: int = 0
    crm_id: str | None = None  # CRM company id in a custom field, where somebody keyed it in
    active: bool = True
    campaign_code: str | None = None
    affiliate_code: str | None = None
    first_login: datetime | None = None
    last_login: datetime | None = None
    last_order_at: datetime | None = None
    order_count: int = 0
    order_total: float = 0.0
    deleted_at: datetime | None = None


SHOP_GROUPS = ("Standard", "Fachhandel", "Industrie", "Rahmenvertrag", "Marktplatz")


@dataclass(slots=True)
class ShopAddress:
    id: int
    customer_id: int
    company: str | None
    first_name: str
    last_name: str
    street: str
    zipcode: str
    city: str
    country: str
    phone: str | None
    department: str | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None = None


@dataclass(slots=True)
class ShopOrder:
    id: int
    order_number: str
    account: int
    customer_id: int
    channel: str  # storefront, marketplace, edi, phone
    ordered_at: datetime
    state: str  # open, in_progress, completed, cancelled
    currency: str
    currency_factor: float  # units of the currency for one EUR
    net: float  # in the order's currency
    shipping: float
    created_at: datetime
    updated_at: datetime | None
    campaign_code: str | None = None
    affiliate_code: str | None = None
    comment: str | None = None
    line_ids: list[int] = field(default_factory=list)
    deleted_at: datetime | None = None


@dataclass(slots=True)
class ShopOrderLine:
    id: int
    order_id: int
    product_id: int | None  # None: a custom line such as freight or a discount
    position: int
    label: str
    quantity: int
    unit_price: float  # net, in the order's currency
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None = None


@dataclass(slots=True)
class ShopTransaction:
    id: int
    order_id: int
    state: str  # open, in_progress, paid, paid_partially, reminded, refunded, refunded_partially, cancelled
    amount: float  # gross
    created_at: datetime
    updated_at: datetime | None


@dataclass(slots=True)
class ShopDelivery:
    id: int
    order_id: int
    state: str  # open, shipped, returned, returned_partially, cancelled
    planned_at: datetime
    tracking_code: str | None
    created_at: datetime
    updated_at: datetime | None


@dataclass(slots=True)
class ShopRefund:
    id: int
    transaction_id: int
    order_id: int
    amount: float
    reason: str | None
    created_at: datetime
    updated_at: datetime | None = None


@dataclass(slots=True)
class StateChange:
    id: int
    machine: str  # order.state, order_transaction.state, order_delivery.state
    entity: str  # order, order_transaction, order_delivery
    entity_id: int
    before: str
    after: str
    action: str
    at: datetime


@dataclass(slots=True)
class ShopRecipient:
    """A newsletter recipient of the shop: where double opt-in is proved."""

    id: int
    email: str
    status: str  # notSet, optIn, optOut, direct
    first_name: str | None
    last_name: str | None
    zipcode: str | None
    city: str | None
    confirmed_at: datetime | None
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None = None


# --- newsletter
@dataclass(slots=True)
class NewsletterList:
    id: int
    name: str
    folder: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class NewsletterContact:
    id: int
    account: int | None
    person: int | None
    email: str
    first_name: str | None
    last_name: str | None
    company: str | None
    city: str | None
    zipcode: str | None
    phone: str | None
    source: str  # fair, website, shop, import
    list_ids: list[int]
    unsubscribed_list_ids: list[int]
    created_at: datetime
    updated_at: datetime
    opt_in_requested_at: datetime | None = None
    opt_in_confirmed_at: datetime | None = None  # double opt-in
    opted_out_at: datetime | None = None
    hard_bounced_at: datetime | None = None
    blacklisted: bool = False
    crm_id: str | None = None  # CRM contact id (EXT_ID), where the sync set it
    deleted_at: datetime | None = None


@dataclass(slots=True)
class NewsletterCompany:
    id: int
    account: int | None
    name: str
    domain: str | None
    phone: str | None
    contact_ids: list[int]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(slots=True)
class Campaign:
    id: int
    name: str
    subject: str
    topic: str
    list_ids: list[int]
    created_at: datetime
    sent_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class CampaignEvent:
    """`kind`: sent, delivered, opened, clicked, unsubscribed, hard_bounce, soft_bounce."""

    kind: str
    contact_id: int
    campaign_id: int
    at: datetime
    url: str | None = None


@dataclass(slots=True)
class MessageEvent:
    """Of a transactional message. `kind`: requests, delivered, opened, clicks, hardBounces."""

    id: int
    message_id: int
    kind: str
    email: str
    at: datetime
    subject: str
    template: str  # what it is for: double_opt_in, survey_invitation


# --- support
@dataclass(slots=True)
class SupportOrganization:
    id: int
    account: int | None
    name: str
    domain_names: list[str]
    details: str | None  # a remark, often the address as somebody typed it
    external_id: str | None  # the shop's customer number, where known
    created_at: datetime
    updated_at: datetime
    # Organisation fields, each of them often empty.
    street: str | None = None
    zipcode: str | None = None
    city: str | None = None
    phone: str | None = None
    crm_id: str | None = None  # CRM company id
    deleted_at: datetime | None = None


@dataclass(slots=True)
class SupportUser:
    id: int
    account: int | None
    person: int | None
    name: str
    email: str | None
    phone: str | None
    organization_id: int | None
    role: str  # end-user, agent, admin
    created_at: datetime
    updated_at: datetime
    external_id: str | None = None
    active: bool = True
    merged_into: int | None = None
    last_login: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(slots=True)
class SupportTicket:
    id: int
    account: int | None
    requester_id: int
    organization_id: int | None
    assignee_id: int | None
    group: str  # index name of records.SUPPORT_GROUPS
    channel: str  # web, email, phone (voice), chat
    subject: str
    description: str
    type: str  # question, incident, problem, task
    priority: str  # low, normal, high, urgent
    status: str  # new, open, pending, hold, solved, closed, deleted
    category: str  # complaint, question, return, maintenance, delivery, invoice
    tags: list[str]
    order_number: str | None
    created_at: datetime
    updated_at: datetime  # what a user sees
    generated_at: datetime  # the system's last touch, never before updated_at
    satisfaction: str = "unoffered"  # unoffered, offered, good, bad
    first_reply_at: datetime | None = None
    solved_at: datetime | None = None
    reopened: int = 0
    deleted_at: datetime | None = None


SUPPORT_GROUPS = ("Support", "Reklamation", "Buchhaltung")


@dataclass(slots=True)
class TicketEvent:
    """One update of a ticket: what changed (field, value, previous) and what was said."""

    id: int
    ticket_id: int
    at: datetime
    updater_id: int
    changes: list[tuple[str, str | None, str | None]]
    comment: str | None = None
    public: bool = True
    first: bool = False  # the update that created the ticket


@dataclass(slots=True)
class TicketMetricEvent:
    id: int
    ticket_id: int
    metric: str  # agent_work_time, requester_wait_time, reply_time, pausable_update_time
    instance: int
    type: str  # activate, fulfill, pause, measure, update_status
    at: datetime


@dataclass(slots=True)
class Rating:
    id: int
    ticket_id: int
    requester_id: int
    assignee_id: int | None
    group: str
    score: str  # offered, good, bad
    comment: str | None
    created_at: datetime
    updated_at: datetime


# --- CRM
@dataclass(slots=True)
class CrmObject:
    """Any object of the CRM: properties as text, and for some their history (value, at, source), newest last."""

    kind: str  # as in the address of the API: companies, contacts, deals, calls, feedback_submissions, ...
    id: int
    account: int | None
    person: int | None
    properties: dict[str, str]
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
    merged_into: int | None = None
    gone: bool = False  # merged away or erased: no answer shows it any more
    history: dict[str, list[tuple[str, datetime, str]]] | None = None
    links: dict[str, dict[int, str | None]] = field(default_factory=dict)  # kind -> id -> label


CRM_KINDS = (
    "companies",
    "contacts",
    "deals",
    "tickets",
    "line_items",
    "products",
    "calls",
    "emails",
    "meetings",
    "notes",
    "tasks",
    "feedback_submissions",
)
CRM_FIRST = {kind: 1_000_000_001 * (n + 11) for n, kind in enumerate(CRM_KINDS)}  # ids overlap in no two kinds


@dataclass(slots=True)
class Owner:
    id: int
    user_id: int
    email: str
    first_name: str
    last_name: str
    team: str
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


# --- files in the inbox
@dataclass(slots=True)
class FairVisit:
    id: int
    account: int | None
    person: int | None
    fair: str
    visited_on: date
    scanned_at: datetime
    company: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    zipcode: str | None
    city: str | None
    interest: str
    note: str | None
    newsletter: bool


@dataclass(slots=True)
class WebinarAttendance:
    id: int
    account: int | None
    person: int | None
    webinar: str
    topic: str
    held_at: datetime
    email: str
    first_name: str
    last_name: str
    company: str | None
    attended: bool
    minutes: int


@dataclass(slots=True)
class AdSpend:
    month: date
    channel: str
    campaign: str
    cost: float
    impressions: int
    clicks: int


@dataclass(slots=True)
class MarketplaceOrder:
    id: int
    account: int | None
    platform: str
    order_number: str
    ordered_at: datetime
    company: str
    zipcode: str
    city: str
    product_number: str
    quantity: int
    net: float
    currency: str


@dataclass(slots=True)
class Store:
    """All records of all systems, in the order in which they came to be.

    `x[id - 1]` is the record `id`; in the CRM it is `crm[kind][id - CRM_FIRST[kind]]`.
    """

    products: list[Product] = field(default_factory=list)
    shop_customers: list[ShopCustomer] = field(default_factory=list)
    shop_addresses: list[ShopAddress] = field(default_factory=list)
    shop_orders: list[ShopOrder] = field(default_factory=list)
    shop_order_lines: list[ShopOrderLine] = field(default_factory=list)
    shop_transactions: list[ShopTransaction] = field(default_factory=list)
    shop_deliveries: list[ShopDelivery] = field(default_factory=list)
    shop_refunds: list[ShopRefund] = field(default_factory=list)
    shop_state_changes: list[StateChange] = field(default_factory=list)
    shop_recipients: list[ShopRecipient] = field(default_factory=list)
    newsletter_lists: list[NewsletterList] = field(default_factory=list)
    newsletter_contacts: list[NewsletterContact] = field(default_factory=list)
    newsletter_companies: list[NewsletterCompany] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)
    campaign_events: list[CampaignEvent] = field(default_factory=list)  # no id; as they happen
    message_events: list[MessageEvent] = field(default_factory=list)
    support_organizations: list[SupportOrganization] = field(default_factory=list)
    support_users: list[SupportUser] = field(default_factory=list)  # ids 1 to 6 are agents
    support_tickets: list[SupportTicket] = field(default_factory=list)
    ticket_events: list[TicketEvent] = field(default_factory=list)
    ticket_metric_events: list[TicketMetricEvent] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    crm: dict[str, list[CrmObject]] = field(default_factory=dict)
    owners: list[Owner] = field(default_factory=list)
    fair_visits: list[FairVisit] = field(default_factory=list)
    webinar_attendance: list[WebinarAttendance] = field(default_factory=list)
    ad_spend: list[AdSpend] = field(default_factory=list)
    marketplace_orders: list[MarketplaceOrder] = field(default_factory=list)
