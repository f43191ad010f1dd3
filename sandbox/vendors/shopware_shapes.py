"""How Shopware writes down one record of each entity: names, nesting, fixed ids; nothing about who buys."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

LIVE_VERSION = "0fa91ce3e96a4bc2be4bd9ce752c3425"
EUR = "b7d2554b0ce847cd82f3ac9bd1c0dfca"  # the currency every installation starts with
LANGUAGE = "2fbb5fe2e29a4d70aa5854ce7ce3e20b"  # likewise its first language


def hex_id(*parts: object) -> str:
    """A 32-digit id that stays the same from run to run."""
    return hashlib.md5("/".join(str(p) for p in parts).encode(), usedforsecurity=False).hexdigest()


SALES_CHANNEL = hex_id("sales-channel", "storefront")
CHANNELS = {"storefront": "Storefront", "marketplace": "Marktplatz", "edi": "EDI", "phone": "Telefon"}
CURRENCIES = {"EUR": EUR, "CHF": hex_id("currency", "CHF"), "USD": hex_id("currency", "USD")}
SALUTATION = hex_id("salutation", "not_specified")
TAX_RATE = 19.0
TAX = hex_id("tax", "19")
SHIPPING = hex_id("shipping", "standard")
INVOICE_PAYMENT = hex_id("payment", "invoice")
COUNTRIES = {code: hex_id("country", code) for code in ("DE", "AT", "CH", "US", "NL", "FR", "PL", "IT", "BE")}
ROUNDING = {"decimals": 2, "interval": 0.01, "roundForNet": True}

STATES = {
    "order.state": ("open", "in_progress", "completed", "cancelled"),
    "order_transaction.state": (
        "open",
        "in_progress",
        "paid",
        "paid_partially",
        "reminded",
        "refunded",
        "refunded_partially",
        "cancelled",
    ),
    "order_delivery.state": (
        "open",
        "shipped",
        "shipped_partially",
        "returned",
        "returned_partially",
        "cancelled",
    ),
    "order_transaction_capture.state": ("pending", "completed", "failed"),
    "order_transaction_capture_refund.state": ("open", "in_progress", "completed", "failed", "cancelled"),
}


def stamp(moment: datetime | None) -> str | None:
    """An instant as the API writes it: milliseconds and an offset."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds")


def machine_id(machine: str) -> str:
    return hex_id("state-machine", machine)


def state_id(machine: str, state: str) -> str:
    return hex_id("state", machine, state)


def state(machine: str, name: str, created: datetime) -> Record:
    return {
        "id": state_id(machine, name),
        "technicalName": name,
        "name": name.replace("_", " ").capitalize(),
        "stateMachineId": machine_id(machine),
        "customFields": None,
        "translated": {"name": name.replace("_", " ").capitalize(), "customFields": []},
        "createdAt": stamp(created),
        "updatedAt": None,
    }


def cents(value: float) -> float:
    return round(value + 0.0, 2)


def calculated(unit: float, total: float, quantity: int, rate: float = TAX_RATE) -> Record:
    """A calculated price of a net order: taxes come on top, none when it goes abroad."""
    tax = {"tax": cents(total * rate / 100), "taxRate": rate, "price": cents(total)}
    return {
        "unitPrice": cents(unit),
        "quantity": quantity,
        "totalPrice": cents(total),
        "calculatedTaxes": [tax],
        "taxRules": [{"taxRate": rate, "percentage": 100.0}],
        "referencePrice": None,
        "listPrice": None,
        "regulationPrice": None,
    }


def group(number: int, name: str, created: datetime) -> Record:
    return {
        "id": hex_id("group", number),
        "name": name,
        "displayGross": False,
        "registrationActive": False,
        "registrationOnlyCompanyRegistration": True,
        "customFields": None,
        "translated": {"name": name, "customFields": []},
        "createdAt": stamp(created),
        "updatedAt": None,
    }


def customer(key: str, **given: Any) -> Record:
    """A customer; `given` overrides any field by its API name."""
    return {
        "id": key,
        "autoIncrement": 0,
        "groupId": None,
        "salesChannelId": SALES_CHANNEL,
        "languageId": LANGUAGE,
        "defaultBillingAddressId": hex_id("address", key, "billing"),
        "defaultShippingAddressId": hex_id("address", key, "billing"),
        "customerNumber": "",
        "salutationId": SALUTATION,
        "firstName": "",
        "lastName": "",
        "company": None,
        "accountType": "business",
        "vatIds": None,
        "email": "",
        "title": None,
        "affiliateCode": None,
        "campaignCode": None,
        "active": True,
        "doubleOptInRegistration": False,
        "guest": False,
        "firstLogin": None,
        "lastLogin": None,
        "birthday": None,
        "lastOrderDate": None,
        "orderCount": 0,
        "orderTotalAmount": 0.0,
        "reviewCount": 0,
        "customFields": None,
        "tagIds": None,
        "createdAt": None,
        "updatedAt": None,
    } | given


def address(key: str, customer_id: str, country: str, **given: Any) -> Record:
    return {
        "id": key,
        "customerId": customer_id,
        "countryId": COUNTRIES.get(country, COUNTRIES["DE"]),
        "countryStateId": None,
        "salutationId": SALUTATION,
        "firstName": "",
        "lastName": "",
        "zipcode": "",
        "city": "",
        "company": None,
        "department": None,
        "title": None,
        "street": "",
        "phoneNumber": None,
        "additionalAddressLine1": None,
        "additionalAddressLine2": None,
        "customFields": None,
        "createdAt": None,
        "updatedAt": None,
    } | given


def country(code: str, created: datetime) -> Record:
    return {
        "id": COUNTRIES[code],
        "iso": code,
        "name": code,
        "active": True,
        "createdAt": stamp(created),
        "updatedAt": None,
    }


def price(net: float) -> Record:
    return {
        "currencyId": EUR,
        "net": cents(net),
        "gross": cents(net * (1 + TAX_RATE / 100)),
        "linked": True,
        "listPrice": None,
        "percentage": None,
        "regulationPrice": None,
    }


def product(key: str, net: float, **given: Any) -> Record:
    name = given.get("name", "")
    return {
        "id": key,
        "versionId": LIVE_VERSION,
        "parentId": None,
        "manufacturerId": None,
        "taxId": TAX,
        "price": [price(net)],
        "productNumber": "",
        "autoIncrement": 0,
        "active": True,
        "available": True,
        "isCloseout": False,
        "stock": 0,
        "availableStock": 0,
        "ean": None,
        "manufacturerNumber": None,
        "name": name,
        "description": None,
        "purchasePrices": None,
        "releaseDate": None,
        "categoryIds": None,
        "tagIds": None,
        "customFields": None,
        "translated": {"name": name, "customFields": []},
        "createdAt": None,
        "updatedAt": None,
    } | given


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


def recipient(key: str, email: str, status: str, **given: Any) -> Record:
    return {
        "id": key,
        "email": email,
        "title": None,
        "firstName": None,
        "lastName": None,
        "zipCode": None,
        "city": None,
        "street": None,
        "status": status,
        "hash": hex_id("recipient", email),
        "confirmedAt": None,
        "salutationId": None,
        "languageId": LANGUAGE,
        "salesChannelId": SALES_CHANNEL,
        "customFields": None,
        "createdAt": None,
        "updatedAt": None,
    } | given
