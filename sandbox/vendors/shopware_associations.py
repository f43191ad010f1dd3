"""How Shopware's entities lead to each other: the associations that a criteria may ask for.

A way is named by the field it starts from and the field of the target that it meets; each becomes an index when first
walked. Ways lead to live versions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.vendors.shopware_criteria import Association, Entity, Record
from sandbox.vendors.shopware_shapes import LIVE_VERSION

# entity: association: target, the field that leads there, the field of the target that it meets.
ONE, MANY = False, True
WAYS: dict[str, dict[str, tuple[str, str, str, bool]]] = {
    "customer": {
        "group": ("customer_group", "groupId", "id", ONE),
        "salesChannel": ("sales_channel", "salesChannelId", "id", ONE),
        "addresses": ("customer_address", "id", "customerId", MANY),
        "defaultBillingAddress": ("customer_address", "defaultBillingAddressId", "id", ONE),
        "defaultShippingAddress": ("customer_address", "defaultShippingAddressId", "id", ONE),
        "orderCustomers": ("order_customer", "id", "customerId", MANY),
    },
    "customer_group": {"customers": ("customer", "id", "groupId", MANY)},
    "customer_address": {
        "customer": ("customer", "customerId", "id", ONE),
        "country": ("country", "countryId", "id", ONE),
    },
    "product": {"categories": ("category", "categoryIds", "id", MANY)},
    "order": {
        "stateMachineState": ("state_machine_state", "stateId", "id", ONE),
        "currency": ("currency", "currencyId", "id", ONE),
        "salesChannel": ("sales_channel", "salesChannelId", "id", ONE),
        "orderCustomer": ("order_customer", "id", "orderId", ONE),
        "billingAddress": ("order_address", "billingAddressId", "id", ONE),
        "addresses": ("order_address", "id", "orderId", MANY),
        "lineItems": ("order_line_item", "id", "orderId", MANY),
        "transactions": ("order_transaction", "id", "orderId", MANY),
        "deliveries": ("order_delivery", "id", "orderId", MANY),
    },
    "order_customer": {
        "customer": ("customer", "customerId", "id", ONE),
        "order": ("order", "orderId", "id", ONE),
    },
    "order_address": {"country": ("country", "countryId", "id", ONE)},
    "order_line_item": {
        "order": ("order", "orderId", "id", ONE),
        "product": ("product", "productId", "id", ONE),
        "children": ("order_line_item", "id", "parentId", MANY),
    },
    "order_transaction": {
        "stateMachineState": ("state_machine_state", "stateId", "id", ONE),
        "order": ("order", "orderId", "id", ONE),
        "paymentMethod": ("payment_method", "paymentMethodId", "id", ONE),
        "captures": ("order_transaction_capture", "id", "orderTransactionId", MANY),
    },
    "order_delivery": {
        "stateMachineState": ("state_machine_state", "stateId", "id", ONE),
        "order": ("order", "orderId", "id", ONE),
        "shippingMethod": ("shipping_method", "shippingMethodId", "id", ONE),
        "shippingOrderAddress": ("order_address", "shippingOrderAddressId", "id", ONE),
    },
    "order_transaction_capture": {
        "stateMachineState": ("state_machine_state", "stateId", "id", ONE),
        "transaction": ("order_transaction", "orderTransactionId", "id", ONE),
        "refunds": ("order_transaction_capture_refund", "id", "captureId", MANY),
    },
    "order_transaction_capture_refund": {
        "stateMachineState": ("state_machine_state", "stateId", "id", ONE),
        "transactionCapture": ("order_transaction_capture", "captureId", "id", ONE),
    },
    "state_machine_history": {
        "stateMachine": ("state_machine", "stateMachineId", "id", ONE),
        "fromStateMachineState": ("state_machine_state", "fromStateId", "id", ONE),
        "toStateMachineState": ("state_machine_state", "toStateId", "id", ONE),
    },
    "state_machine_state": {"stateMachine": ("state_machine", "stateMachineId", "id", ONE)},
    "newsletter_recipient": {"salesChannel": ("sales_channel", "salesChannelId", "id", ONE)},
}


def associated(rows: dict[str, list[Record]]) -> dict[str, Entity]:
    """Entities with their ways to each other; each way is an index that is made when first walked."""
    shop: dict[str, Entity] = {}
    for name, records in rows.items():
        fields = frozenset(records[0]) if records else frozenset({"id", "createdAt", "updatedAt"})
        ways = {
            way: Association(target, many, walker(rows.get(target, []), source, meets))
            for way, (target, source, meets, many) in WAYS.get(name, {}).items()
        }
        shop[name] = Entity(name, records, fields, ways)
    return shop


def walker(targets: Iterable[Record], source: str, meets: str) -> Callable[[Record], list[Record]]:
    index: dict[Any, list[Record]] = {}

    def rows(record: Record) -> list[Record]:
        if not index:
            for target in targets:
                if target.get("versionId", LIVE_VERSION) == LIVE_VERSION:
                    index.setdefault(target[meets], []).append(target)
        value = record[source]
        if isinstance(value, list):
            return [row for v in value for row in index.get(v, ())]
        return index.get(value, [])

    return rows
