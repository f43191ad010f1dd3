"""The simulated company's shop as Shopware entities with their associations: a view, rebuilt when time moves on.

What happened in the shop is `sandbox.shop`; how a record is written down is `sandbox.vendors.shopware_shapes`.
"""

from __future__ import annotations

import json
import weakref
from typing import Any

from sandbox.records import SHOP_GROUPS, ShopOrder, Store
from sandbox.shop import RATES
from sandbox.vendors import shopware_order_shapes as order_shape
from sandbox.vendors import shopware_shapes as shape
from sandbox.vendors.shopware_associations import associated
from sandbox.vendors.shopware_criteria import Entity, Record
from sandbox.vendors.shopware_shapes import LIVE_VERSION, hex_id, stamp

DRAFT_EVERY = 4  # one open order in so many is being edited and has a draft version beside the live one

Shop = dict[str, Entity]
_SHOPS: weakref.WeakKeyDictionary[Any, tuple[object, Shop]] = weakref.WeakKeyDictionary()


def shop_of(company: Any) -> Shop:
    """The shop as of now."""
    mark = (company.revision, company.now)
    known = _SHOPS.get(company)
    if known is None or known[0] != mark:
        known = (mark, View(company.store).entities())
        _SHOPS[company] = known
    return known[1]


def customer_id(number: int) -> str:
    """The id under which the shop shows a customer of the store."""
    return hex_id("customer", number)


class View:
    """Builds the entities. Deleted records are gone from every answer, as in the shop itself."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.begin = min((p.created_at for p in store.products), default=None)
        live = [o for o in store.shop_orders if o.deleted_at is None]
        self.orders = {o.id: o for o in live}
        self.rates = {o.id: shape.TAX_RATE if self.country(o) == "DE" else 0.0 for o in live}

    def country(self, order: ShopOrder) -> str:
        customer = self.store.shop_customers[order.customer_id - 1]
        return self.store.shop_addresses[customer.address_id - 1].country

    def entities(self) -> Shop:
        rows: dict[str, list[Record]] = {
            **self.fixed(),
            "customer": self.customers(),
            "customer_address": self.addresses(),
            "product": self.products(),
            "order": self.order_rows(),
            "order_line_item": self.line_items(),
            "order_transaction": self.transactions(),
            "order_delivery": self.deliveries(),
            "state_machine_history": self.history(),
            "newsletter_recipient": self.recipients(),
        }
        rows["order_customer"] = self.order_customers({r["id"]: r for r in rows["customer"]})
        rows["order_address"] = self.order_addresses()
        rows["order_transaction_capture"], rows["order_transaction_capture_refund"] = self.refunds()
        return associated(rows)

    def fixed(self) -> dict[str, list[Record]]:
        """What an installation has before the first customer comes."""
        begin = self.begin
        if begin is None:
            return {}
        born = {"createdAt": stamp(begin), "updatedAt": None}
        return {
            "customer_group": [shape.group(n, name, begin) for n, name in enumerate(SHOP_GROUPS)],
            "country": [shape.country(code, begin) for code in shape.COUNTRIES],
            "currency": [shape.currency(code, factor) | born for code, factor in RATES.items()],
            "sales_channel": [shape.sales_channel(key, name) | born for key, name in shape.CHANNELS.items()],
            "category": [
                {"id": hex_id("category", name), "versionId": LIVE_VERSION, "name": name, "active": True} | born
                for name in sorted({p.category for p in self.store.products})
            ],
            "state_machine": [
                {"id": shape.machine_id(machine), "technicalName": machine, "name": machine} | born
                for machine in shape.STATES
            ],
            "state_machine_state": [
                shape.state(machine, name, begin) for machine, names in shape.STATES.items() for name in names
            ],
            "payment_method": [shape.PAYMENT_METHOD | born],
            "shipping_method": [shape.SHIPPING_METHOD | born],
        }

    def customers(self) -> list[Record]:
        rows = []
        for c in self.store.shop_customers:
            if c.deleted_at is not None:
                continue
            address = hex_id("address", c.address_id)
            rows.append(
                shape.customer(
                    customer_id(c.id),
                    autoIncrement=c.id,
                    groupId=hex_id("group", c.group),
                    defaultBillingAddressId=address,
                    defaultShippingAddressId=address,
                    customerNumber=c.customer_number,
                    firstName=c.first_name,
                    lastName=c.last_name,
                    company=c.company,
                    vatIds=[c.vat_id] if c.vat_id else None,
                    email=c.email,
                    affiliateCode=c.affiliate_code,
                    campaignCode=c.campaign_code,
                    active=c.active,
                    guest=c.guest,
                    firstLogin=stamp(c.first_login),
                    lastLogin=stamp(c.last_login),
                    lastOrderDate=stamp(c.last_order_at),
                    orderCount=c.order_count,
                    orderTotalAmount=c.order_total,
                    customFields={"hubspot_company_id": c.crm_id} if c.crm_id else None,
                    createdAt=stamp(c.created_at),
                    updatedAt=stamp(c.updated_at),
                )
            )
        return rows

    def addresses(self) -> list[Record]:
        gone = {c.id for c in self.store.shop_customers if c.deleted_at is not None}
        return [
            shape.address(
                hex_id("address", a.id),
                customer_id(a.customer_id),
                a.country,
                firstName=a.first_name,
                lastName=a.last_name,
                zipcode=a.zipcode,
                city=a.city,
                company=a.company,
                department=a.department,
                street=a.street,
                phoneNumber=a.phone,
                createdAt=stamp(a.created_at),
                updatedAt=stamp(a.updated_at),
            )
            for a in self.store.shop_addresses
            if a.deleted_at is None and a.customer_id not in gone
        ]

    def products(self) -> list[Record]:
        return [
            shape.product(
                hex_id("product", p.id),
                p.price,
                autoIncrement=p.id,
                productNumber=p.number,
                name=p.name,
                active=p.active,
                available=p.active,
                stock=100,
                availableStock=100,
                categoryIds=[hex_id("category", p.category)],
                purchasePrices=[shape.price(p.cost)],
                customFields={"product_family": p.family, "product_level": p.level},
                createdAt=stamp(p.created_at),
                updatedAt=stamp(p.updated_at) if p.updated_at > p.created_at else None,
            )
            for p in self.store.products
            if p.deleted_at is None
        ]

    def order_rows(self) -> list[Record]:
        rows = []
        for o in self.orders.values():
            rows.append(self.order(o, LIVE_VERSION))
            if o.id % DRAFT_EVERY == 0 and o.state in ("open", "in_progress"):
                rows.append(self.order(o, hex_id("version", o.id)) | {"internalComment": "Entwurf"})
        return rows

    def order(self, o: ShopOrder, version: str) -> Record:
        return order_shape.order(
            hex_id("order", o.id),
            o.net,
            o.shipping,
            self.rates[o.id],
            o.ordered_at,
            version,
            autoIncrement=o.id,
            orderNumber=o.order_number,
            primaryOrderDeliveryId=hex_id("delivery", o.id),
            primaryOrderTransactionId=hex_id("transaction", o.id),
            currencyId=shape.CURRENCIES[o.currency],
            currencyFactor=o.currency_factor,
            salesChannelId=hex_id("sales-channel", o.channel),
            source=o.channel,
            stateId=shape.state_id("order.state", o.state),
            affiliateCode=o.affiliate_code,
            campaignCode=o.campaign_code,
            customerComment=o.comment,
            createdAt=stamp(o.created_at),
            updatedAt=stamp(o.updated_at),
        )

    def order_customers(self, customers: dict[str, Record]) -> list[Record]:
        """The buyer beside his order stays readable when the customer is deleted, but points at nobody then."""
        rows = []
        for o in self.orders.values():
            buyer = customers.get(customer_id(o.customer_id))
            if buyer is not None:
                rows.append(order_shape.order_customer(hex_id("order", o.id), buyer, LIVE_VERSION, stamp(o.created_at)))
                continue
            c = self.store.shop_customers[o.customer_id - 1]
            left = shape.customer(
                customer_id(c.id), firstName=c.first_name, lastName=c.last_name, company=c.company, email=c.email
            )
            left["customerNumber"] = c.customer_number
            row = order_shape.order_customer(hex_id("order", o.id), left, LIVE_VERSION, stamp(o.created_at))
            rows.append(row | {"customerId": None})
        return rows

    def order_addresses(self) -> list[Record]:
        rows = []
        for o in self.orders.values():
            a = self.store.shop_addresses[self.store.shop_customers[o.customer_id - 1].address_id - 1]
            order = hex_id("order", o.id)
            rows.append(
                {
                    "id": hex_id("order-address", order),
                    "versionId": LIVE_VERSION,
                    "orderId": order,
                    "orderVersionId": LIVE_VERSION,
                    "countryId": shape.COUNTRIES.get(a.country, shape.COUNTRIES["DE"]),
                    "firstName": a.first_name,
                    "lastName": a.last_name,
                    "company": a.company,
                    "street": a.street,
                    "zipcode": a.zipcode,
                    "city": a.city,
                    "phoneNumber": a.phone,
                    "createdAt": stamp(o.created_at),
                    "updatedAt": None,
                }
            )
        return rows

    def line_items(self) -> list[Record]:
        rows = []
        for line in self.store.shop_order_lines:
            if line.deleted_at is not None or line.order_id not in self.orders:
                continue
            product = self.store.products[line.product_id - 1] if line.product_id else None
            payload: Record = {}
            if product is not None:
                cost = {"currencyId": shape.EUR, "net": product.cost, "gross": product.cost, "linked": True}
                payload = {
                    "productNumber": product.number,
                    "categoryIds": [hex_id("category", product.category)],
                    "purchasePrices": json.dumps(cost),  # the shop keeps this one as text inside its JSON
                    "isNew": False,
                }
            rows.append(
                order_shape.line_item(
                    hex_id("line", line.id),
                    hex_id("order", line.order_id),
                    hex_id("product", product.id) if product else None,
                    line.unit_price,
                    line.quantity,
                    self.rates[line.order_id],
                    label=line.label,
                    position=line.position,
                    payload=payload,
                    createdAt=stamp(line.created_at),
                    updatedAt=stamp(line.updated_at),
                )
            )
        return rows

    def transactions(self) -> list[Record]:
        return [
            order_shape.transaction(
                hex_id("transaction", t.id),
                hex_id("order", t.order_id),
                t.amount,
                t.state,
                createdAt=stamp(t.created_at),
                updatedAt=stamp(t.updated_at),
            )
            for t in self.store.shop_transactions
            if t.order_id in self.orders
        ]

    def deliveries(self) -> list[Record]:
        return [
            order_shape.delivery(
                hex_id("delivery", d.id),
                hex_id("order", d.order_id),
                d.planned_at,
                d.state,
                trackingCodes=[d.tracking_code] if d.tracking_code else [],
                createdAt=stamp(d.created_at),
                updatedAt=stamp(d.updated_at),
            )
            for d in self.store.shop_deliveries
            if d.order_id in self.orders
        ]

    def refunds(self) -> tuple[list[Record], list[Record]]:
        captures: dict[str, Record] = {}
        rows = []
        for r in self.store.shop_refunds:
            if r.order_id not in self.orders:
                continue
            paid = self.store.shop_transactions[r.transaction_id - 1]
            transaction, key = hex_id("transaction", r.transaction_id), hex_id("capture", r.transaction_id)
            captures[key] = order_shape.capture(key, transaction, paid.amount, stamp(paid.created_at))
            row = order_shape.refund(hex_id("refund", r.id), key, r.amount, stamp(r.created_at), r.reason)
            rows.append(row | {"updatedAt": stamp(r.updated_at)})
        return list(captures.values()), rows

    def history(self) -> list[Record]:
        names = {"order": "order", "order_transaction": "transaction", "order_delivery": "delivery"}
        rows = []
        for change in self.store.shop_state_changes:
            if change.entity_id not in self.orders:  # one payment and one delivery an order, under its number
                continue
            key = hex_id(names[change.entity], change.entity_id)
            row = order_shape.history(
                change.machine, change.entity, key, change.before, change.after, change.action, change.at
            )
            rows.append(row | {"id": hex_id("history", change.id)})
        return rows

    def recipients(self) -> list[Record]:
        return [
            shape.recipient(
                hex_id("recipient", r.id),
                r.email,
                r.status,
                firstName=r.first_name,
                lastName=r.last_name,
                zipCode=r.zipcode,
                city=r.city,
                confirmedAt=stamp(r.confirmed_at),
                createdAt=stamp(r.created_at),
                updatedAt=stamp(r.updated_at),
            )
            for r in self.store.shop_recipients
            if r.deleted_at is None
        ]
