"""How Shopware writes down an order and all that hangs on it; nothing about who buys what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.vendors.shopware_shapes import (
    EUR,
    INVOICE_PAYMENT,
    LANGUAGE,
    LIVE_VERSION,
    ROUNDING,
    SHIPPING,
    TAX_RATE,
    Record,
    calculated,
    cents,
    hex_id,
    machine_id,
    stamp,
    state_id,
)


def order(
    key: str, net: float, shipping: float, rate: float, ordered: datetime, version: str = LIVE_VERSION, **given: Any
) -> Record:
    """`net` is of the positions; totals hold shipping as well, and taxes at `rate` percent."""
    whole = cents(net + shipping)
    gross = cents(whole * (1 + rate / 100))
    rules = [{"taxRate": rate, "percentage": 100.0}]
    return {
        "id": key,
        "versionId": version,
        "autoIncrement": 0,
        "orderNumber": "",
        "billingAddressId": hex_id("order-address", key),
        "billingAddressVersionId": version,
        "primaryOrderDeliveryId": None,
        "primaryOrderDeliveryVersionId": version,
        "primaryOrderTransactionId": None,
        "primaryOrderTransactionVersionId": version,
        "currencyId": EUR,
        "languageId": LANGUAGE,
        "salesChannelId": hex_id("sales-channel", "storefront"),
        "orderDateTime": stamp(ordered),
        "orderDate": ordered.date().isoformat(),
        "price": {
            "netPrice": whole,
            "totalPrice": gross,
            "calculatedTaxes": [{"tax": cents(gross - whole), "taxRate": rate, "price": whole}],
            "taxRules": rules,
            "positionPrice": cents(net),
            "rawTotal": gross,
            "taxStatus": "net",
        },
        "amountTotal": gross,
        "amountNet": whole,
        "positionPrice": cents(net),
        "taxStatus": "net",
        "shippingCosts": calculated(shipping, shipping, 1, rate),
        "shippingTotal": cents(shipping),
        "currencyFactor": 1.0,
        "deepLinkCode": hex_id("deep-link", key),
        "affiliateCode": None,
        "campaignCode": None,
        "customerComment": None,
        "internalComment": None,
        "source": None,
        "taxCalculationType": "horizontal",
        "stateId": state_id("order.state", "open"),
        "ruleIds": [],
        "customFields": None,
        "createdById": None,
        "updatedById": None,
        "itemRounding": ROUNDING,
        "totalRounding": ROUNDING,
        "createdAt": stamp(ordered),
        "updatedAt": None,
    } | given


def order_customer(order_id: str, buyer: Record, version: str, created: str | None) -> Record:
    """The buyer as he was when he ordered."""
    copied = (
        "email",
        "firstName",
        "lastName",
        "company",
        "title",
        "vatIds",
        "customerNumber",
        "salutationId",
    )
    return {
        "id": hex_id("order-customer", order_id),
        "versionId": version,
        "customerId": buyer["id"],
        "orderId": order_id,
        "orderVersionId": version,
        **{name: buyer[name] for name in copied},
        "customFields": None,
        "createdAt": created,
        "updatedAt": None,
    }


def line_item(
    key: str,
    order_id: str,
    product_id: str | None,
    unit: float,
    quantity: int,
    rate: float = TAX_RATE,
    **given: Any,
) -> Record:
    total = cents(unit * quantity)
    return {
        "id": key,
        "versionId": LIVE_VERSION,
        "orderId": order_id,
        "orderVersionId": LIVE_VERSION,
        "productId": product_id,
        "productVersionId": LIVE_VERSION if product_id else None,
        "promotionId": None,
        "parentId": None,
        "coverId": None,
        "identifier": product_id or key,
        "referencedId": product_id,
        "quantity": quantity,
        "label": "",
        "payload": {},
        "good": True,
        "removable": True,
        "stackable": True,
        "position": 1,
        "price": calculated(unit, total, quantity, rate),
        "unitPrice": cents(unit),
        "totalPrice": total,
        "description": None,
        "type": "product" if product_id else "custom",
        "customFields": None,
        "states": ["is-physical"],
        "createdAt": None,
        "updatedAt": None,
    } | given


def transaction(key: str, order_id: str, gross: float, state: str, **given: Any) -> Record:
    return {
        "id": key,
        "versionId": LIVE_VERSION,
        "orderId": order_id,
        "orderVersionId": LIVE_VERSION,
        "paymentMethodId": INVOICE_PAYMENT,
        "amount": calculated(gross, gross, 1),
        "stateId": state_id("order_transaction.state", state),
        "customFields": None,
        "createdAt": None,
        "updatedAt": None,
    } | given


def delivery(
    key: str, order_id: str, planned: datetime, state: str, version: str = LIVE_VERSION, **given: Any
) -> Record:
    return {
        "id": key,
        "versionId": version,
        "orderId": order_id,
        "orderVersionId": version,
        "shippingOrderAddressId": hex_id("order-address", order_id),
        "shippingOrderAddressVersionId": version,
        "shippingMethodId": SHIPPING,
        "trackingCodes": [],
        "shippingDateEarliest": stamp(planned),
        "shippingDateLatest": stamp(planned + timedelta(days=2)),
        "shippingCosts": calculated(0.0, 0.0, 1),
        "stateId": state_id("order_delivery.state", state),
        "customFields": None,
        "createdAt": None,
        "updatedAt": None,
    } | given


def capture(key: str, transaction_id: str, gross: float, created: str | None) -> Record:
    return {
        "id": key,
        "versionId": LIVE_VERSION,
        "orderTransactionId": transaction_id,
        "orderTransactionVersionId": LIVE_VERSION,
        "stateId": state_id("order_transaction_capture.state", "completed"),
        "externalReference": None,
        "amount": calculated(gross, gross, 1),
        "customFields": None,
        "createdAt": created,
        "updatedAt": None,
    }


def refund(key: str, capture_id: str, gross: float, created: str | None, reason: str | None) -> Record:
    return {
        "id": key,
        "versionId": LIVE_VERSION,
        "captureId": capture_id,
        "captureVersionId": LIVE_VERSION,
        "stateId": state_id("order_transaction_capture_refund.state", "completed"),
        "externalReference": None,
        "reason": reason,
        "amount": calculated(gross, gross, 1),
        "customFields": None,
        "createdAt": created,
        "updatedAt": None,
    }


def history(machine: str, entity: str, entity_id: str, before: str, after: str, action: str, at: datetime) -> Record:
    return {
        "id": hex_id("history", entity_id, before, after, at.isoformat()),
        "referencedId": entity_id,
        "referencedVersionId": LIVE_VERSION,
        "stateMachineId": machine_id(machine),
        "entityName": entity,
        "fromStateId": state_id(machine, before),
        "toStateId": state_id(machine, after),
        "transitionActionName": action,
        "userId": None,
        "integrationId": None,
        "internalComment": None,
        "createdAt": stamp(at),
        "updatedAt": None,
    }
