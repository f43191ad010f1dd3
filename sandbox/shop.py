"""How the company's shop writes down customers and orders, and how an order's state moves on.

Only what a Shopware installation records. When and what is ordered is `sandbox.using`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from sandbox.crm import CURRENCY
from sandbox.people import Firm, Person, ascii_text, city_written, name_written, phone_written, street_written
from sandbox.records import (
    Product,
    ShopAddress,
    ShopCustomer,
    ShopDelivery,
    ShopOrder,
    ShopOrderLine,
    ShopRefund,
    ShopTransaction,
    StateChange,
    Store,
)

RATES = {"EUR": 1.0, "CHF": 0.95, "USD": 1.09}
ACTIONS = {
    "in_progress": "process",
    "completed": "complete",
    "cancelled": "cancel",
    "shipped": "ship",
    "returned": "retour",
    "paid": "paid",
    "reminded": "remind",
    "refunded": "refund",
    "refunded_partially": "refund_partially",
}


class Shop:
    """Writes to the shop's part of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def customer(
        self,
        firm: Firm,
        person: Person | None,
        email: str,
        rng: Random,
        at: datetime,
        group: int,
        crm_id: str | None = None,
        campaign_code: str | None = None,
    ) -> ShopCustomer:
        """A customer registers: people type their own address with some care."""
        store = self.store
        number = len(store.shop_customers) + 1
        care = 0.35 + 0.5 * rng.random()
        first = person.first_name if person else "Abteilung"
        last = person.last_name if person else "Einkauf"
        if person and rng.random() < 0.2:
            first = f"{first[0]}." if rng.random() < 0.5 else ascii_text(first)
            last = ascii_text(last)
        written = name_written(firm, rng, care)
        address = ShopAddress(
            len(store.shop_addresses) + 1,
            number,
            written,
            first,
            last,
            street_written(firm, rng, care),
            firm.zipcode,
            city_written(firm, rng, care),
            firm.country,
            phone_written(person.phone if person and rng.random() < 0.4 else firm.phone, rng)
            if rng.random() < 0.75
            else None,
            "Einkauf" if rng.random() < 0.2 else None,
            at,
            None,
        )
        store.shop_addresses.append(address)
        customer = ShopCustomer(
            number,
            firm.key,
            person.key if person else None,
            f"{10_000 + number}",
            group,
            written,
            first,
            last,
            email,
            firm.vat_id if firm.vat_id and rng.random() < 0.5 else None,
            False,
            at,
            None,
            address.id,
            first_login=at,
            crm_id=crm_id,
            campaign_code=campaign_code,
        )
        store.shop_customers.append(customer)
        return customer

    def order(
        self,
        customer: ShopCustomer,
        firm: Firm,
        lines: list[tuple[Product, int]],
        at: datetime,
        channel: str,
        entered: datetime,
        campaign: str | None,
    ) -> ShopOrder:
        """An order; one by telephone is entered later than it was placed."""
        store = self.store
        number = len(store.shop_orders) + 1
        currency = CURRENCY[firm.country]
        rate = RATES[currency]
        net = 0.0
        order = ShopOrder(
            number,
            f"{100_000 + number}",
            firm.key,
            customer.id,
            channel,
            at,
            "open",
            currency,
            rate,
            0.0,
            0.0,
            entered,
            None,
            campaign,
        )
        rebate = (0.0, 0.0, 0.05, 0.12, 0.0)[customer.group]
        for position, (product, quantity) in enumerate(lines, 1):
            price = round(product.price * (1 - rebate) * rate, 2)
            line = ShopOrderLine(
                len(store.shop_order_lines) + 1,
                number,
                product.id,
                position,
                product.name,
                quantity,
                price,
                entered,
                None,
            )
            store.shop_order_lines.append(line)
            order.line_ids.append(line.id)
            net += price * quantity
        order.net = round(net, 2)
        order.shipping = 0.0 if net > 500 else 14.9
        store.shop_orders.append(order)
        gross = round((order.net + order.shipping) * (1.19 if firm.country == "DE" else 1.0), 2)
        store.shop_transactions.append(ShopTransaction(number, number, "open", gross, entered, None))
        store.shop_deliveries.append(
            ShopDelivery(number, number, "open", entered + timedelta(days=3), None, entered, None)
        )
        customer.last_order_at = at
        customer.order_count += 1
        customer.order_total = round(customer.order_total + order.net, 2)
        customer.updated_at = entered
        return order

    def move(self, order: ShopOrder, machine: str, state: str, at: datetime) -> None:
        """Moves the order, its payment or its delivery on; the parent's own time of change stays, as in the shop."""
        store = self.store
        thing: ShopOrder | ShopTransaction | ShopDelivery = order
        if machine == "order_transaction":
            thing = store.shop_transactions[order.id - 1]
        elif machine == "order_delivery":
            thing = store.shop_deliveries[order.id - 1]
            if state == "shipped":
                store.shop_deliveries[order.id - 1].tracking_code = f"WF{order.id:09d}"
        if thing.state == state:
            return
        store.shop_state_changes.append(
            StateChange(
                len(store.shop_state_changes) + 1,
                f"{machine}.state",
                machine,
                thing.id,
                thing.state,
                state,
                ACTIONS.get(state, state),
                at,
            )
        )
        thing.state, thing.updated_at = state, at

    def refund(self, order: ShopOrder, share: float, reason: str, at: datetime) -> None:
        amount = round(self.store.shop_transactions[order.id - 1].amount * share, 2)
        self.store.shop_refunds.append(
            ShopRefund(len(self.store.shop_refunds) + 1, order.id, order.id, amount, reason, at)
        )
        self.move(order, "order_transaction", "refunded" if share >= 1 else "refunded_partially", at)
