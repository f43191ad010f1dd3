"""How Shopware writes down one record of each entity: names, nesting, fixed ids; nothing about who buys."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
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
    lines = [["address/company"], ["address/street"], ["address/zipcode", "symbol/space", "address/city"]]
    born = {"createdAt": stamp(created), "updatedAt": None}
    return {"id": COUNTRIES[code], "iso": code, "name": code, "active": True, "addressFormat": lines} | born


def currency(code: str, factor: float) -> Record:
    names = {"isoCode": code, "name": code, "shortName": code, "symbol": code}
    return {"id": CURRENCIES[code], "factor": factor, **names, "itemRounding": ROUNDING, "totalRounding": ROUNDING}


def sales_channel(key: str, name: str) -> Record:
    return {
        "id": hex_id("sales-channel", key),
        "typeId": hex_id("sales-channel-type", key),
        "languageId": LANGUAGE,
        "customerGroupId": hex_id("group", 0),
        "currencyId": EUR,
        "paymentMethodId": INVOICE_PAYMENT,
        "shippingMethodId": SHIPPING,
        "countryId": COUNTRIES["DE"],
        "navigationCategoryId": hex_id("category", "root"),
        "accessKey": "",
        "name": name,
        "active": True,
        "homeEnabled": True,
    }


PAYMENT_METHOD = {"id": INVOICE_PAYMENT, "technicalName": "payment_invoicepayment", "name": "Rechnung", "active": True}
SHIPPING_METHOD = {
    "id": SHIPPING,
    "technicalName": "shipping_standard",
    "deliveryTimeId": hex_id("delivery-time", "1-3"),
    "name": "Spedition",
    "active": True,
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
