"""Shopware 6 Admin API: the entities a customer journey needs, and which of their fields.

What belongs here is what Shopware calls things: the Criteria of a search, `updatedAt` that stays null until the first
edit, the live version among the drafts of an order. Pages follow `createdAt`, which no edit moves. A range over ids is
not possible (the server compares their bytes with text), so records of one instant are told apart by naming those
already seen. Deletions leave no trace: an id pass finds them. Requests, cursors and types belong to the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.spec import (
    Auth,
    Call,
    Column,
    Cursor,
    Page,
    Paginator,
    Pass,
    Position,
    Rate,
    Stream,
    Vendor,
    Window,
)

MAX_LIMIT = 500

_CREATED = Column("created_at", "instant", "createdAt", required=True)

CUSTOMERS = (
    Column("customer_number", "text", "customerNumber"),
    Column("email", "text", "email", pii=True),
    Column("first_name", "text", "firstName", pii=True),
    Column("last_name", "text", "lastName", pii=True),
    Column("title", "text", "title"),
    Column("company", "text", "company"),
    Column("account_type", "text", "accountType"),
    Column("vat_id", "text", "vatIds.0"),
    Column("vat_ids", "json", "vatIds"),
    Column("guest", "boolean", "guest"),
    Column("active", "boolean", "active"),
    Column("group_id", "text", "groupId"),
    Column("requested_group_id", "text", "requestedGroupId"),
    Column("sales_channel_id", "text", "salesChannelId"),
    Column("language_id", "text", "languageId"),
    Column("affiliate_code", "text", "affiliateCode"),
    Column("campaign_code", "text", "campaignCode"),
    Column("default_billing_address_id", "text", "defaultBillingAddressId"),
    Column("default_shipping_address_id", "text", "defaultShippingAddressId"),
    Column("double_opt_in_email_sent_at", "instant", "doubleOptInEmailSentDate"),
    Column("double_opt_in_confirmed_at", "instant", "doubleOptInConfirmDate"),
    Column("first_login_at", "instant", "firstLogin"),
    Column("last_login_at", "instant", "lastLogin"),
    Column("last_order_at", "instant", "lastOrderDate"),
    Column("order_count", "integer", "orderCount"),
    Column("order_total_amount", "decimal", "orderTotalAmount"),
    Column("review_count", "integer", "reviewCount"),
    Column("tag_ids", "json", "tagIds"),
    Column("crm_company_id", "text", "customFields.hubspot_company_id"),
    Column("crm_contact_id", "text", "customFields.hubspot_contact_id"),
    Column("custom_fields", "json", "customFields"),
    _CREATED,
)

ADDRESSES = (
    Column("customer_id", "text", "customerId", required=True),
    Column("company", "text", "company"),
    Column("department", "text", "department"),
    Column("first_name", "text", "firstName", pii=True),
    Column("last_name", "text", "lastName", pii=True),
    Column("street", "text", "street", pii=True),
    Column("zipcode", "text", "zipcode"),
    Column("city", "text", "city"),
    Column("country_id", "text", "countryId"),
    Column("country_iso", "text", "country.iso"),
    Column("phone_number", "text", "phoneNumber", pii=True),
    _CREATED,
)

GROUPS = (
    Column("name", "text", "name"),
    Column("display_gross", "boolean", "displayGross"),
    Column("registration_active", "boolean", "registrationActive"),
    _CREATED,
)

ORDERS = (
    Column("version_id", "text", "versionId"),
    Column("order_number", "text", "orderNumber"),
    Column("order_date_time", "instant", "orderDateTime", required=True),
    Column("amount_total", "decimal", "amountTotal"),
    Column("amount_net", "decimal", "amountNet"),
    Column("position_price", "decimal", "positionPrice"),
    Column("shipping_total", "decimal", "shippingTotal"),
    Column("tax_status", "text", "taxStatus"),
    Column("currency_id", "text", "currencyId"),
    Column("currency_iso", "text", "currency.isoCode"),
    Column("currency_factor", "decimal", "currencyFactor"),
    Column("customer_id", "text", "orderCustomer.customerId"),
    Column("customer_number", "text", "orderCustomer.customerNumber"),
    Column("customer_email", "text", "orderCustomer.email", pii=True),
    Column("customer_company", "text", "orderCustomer.company"),
    Column("state_id", "text", "stateId"),
    Column("state", "text", "stateMachineState.technicalName"),
    Column("sales_channel_id", "text", "salesChannelId"),
    Column("sales_channel_name", "text", "salesChannel.name"),
    Column("billing_address_id", "text", "billingAddressId"),
    Column("affiliate_code", "text", "affiliateCode"),
    Column("campaign_code", "text", "campaignCode"),
    Column("source", "text", "source"),
    Column("tags", "json", "tags"),
    Column("custom_fields", "json", "customFields"),
    _CREATED,
)

ORDER_LINE_ITEMS = (
    Column("version_id", "text", "versionId"),
    Column("order_id", "text", "orderId", required=True),
    Column("parent_id", "text", "parentId"),
    Column("product_id", "text", "productId"),
    Column("referenced_id", "text", "referencedId"),
    Column("product_number", "text", "payload.productNumber"),
    Column("promotion_id", "text", "promotionId"),
    Column("label", "text", "label"),
    Column("type", "text", "type"),
    Column("position", "integer", "position"),
    Column("quantity", "integer", "quantity", required=True),
    Column("unit_price", "decimal", "unitPrice"),
    Column("total_price", "decimal", "totalPrice"),
    Column("tax_rate", "decimal", "price.taxRules.0.taxRate"),
    Column("tax_amount", "decimal", "price.calculatedTaxes.0.tax"),
    Column("purchase_prices", "json", "payload.purchasePrices"),
    Column("category_ids", "json", "payload.categoryIds"),
    Column("good", "boolean", "good"),
    _CREATED,
)

TRANSACTIONS = (
    Column("version_id", "text", "versionId"),
    Column("order_id", "text", "orderId", required=True),
    Column("payment_method_id", "text", "paymentMethodId"),
    Column("payment_method_name", "text", "paymentMethod.name"),
    Column("amount", "decimal", "amount.totalPrice"),
    Column("state_id", "text", "stateId"),
    Column("state", "text", "stateMachineState.technicalName"),
    _CREATED,
)

REFUNDS = (
    Column("version_id", "text", "versionId"),
    Column("capture_id", "text", "captureId", required=True),
    Column("transaction_id", "text", "transactionCapture.orderTransactionId"),
    Column("order_id", "text", "transactionCapture.transaction.orderId"),
    Column("amount", "decimal", "amount.totalPrice"),
    Column("reason", "text", "reason"),
    Column("external_reference", "text", "externalReference"),
    Column("state_id", "text", "stateId"),
    Column("state", "text", "stateMachineState.technicalName"),
    _CREATED,
)

DELIVERIES = (
    Column("version_id", "text", "versionId"),
    Column("order_id", "text", "orderId", required=True),
    Column("shipping_method_id", "text", "shippingMethodId"),
    Column("shipping_method_name", "text", "shippingMethod.name"),
    Column("shipping_date_earliest", "instant", "shippingDateEarliest"),
    Column("shipping_date_latest", "instant", "shippingDateLatest"),
    Column("shipping_total", "decimal", "shippingCosts.totalPrice"),
    Column("tracking_codes", "json", "trackingCodes"),
    Column("state_id", "text", "stateId"),
    Column("state", "text", "stateMachineState.technicalName"),
    _CREATED,
)

STATE_HISTORY = (
    Column("entity_name", "text", "entityName", required=True),
    Column("referenced_id", "text", "referencedId"),
    Column("referenced_version_id", "text", "referencedVersionId"),
    Column("state_machine", "text", "stateMachine.technicalName"),
    Column("from_state", "text", "fromStateMachineState.technicalName"),
    Column("to_state", "text", "toStateMachineState.technicalName"),
    Column("transition_action_name", "text", "transitionActionName"),
    Column("user_id", "text", "userId"),
    _CREATED,
)

NEWSLETTER_RECIPIENTS = (
    Column("email", "text", "email", required=True, pii=True),
    Column("first_name", "text", "firstName", pii=True),
    Column("last_name", "text", "lastName", pii=True),
    Column("status", "text", "status", required=True),
    Column("confirmed_at", "instant", "confirmedAt"),
    Column("sales_channel_id", "text", "salesChannelId"),
    Column("language_id", "text", "languageId"),
    Column("zip_code", "text", "zipCode"),
    Column("city", "text", "city"),
    Column("tags", "json", "tags"),
    Column("custom_fields", "json", "customFields"),
    _CREATED,
)

PRODUCTS = (
    Column("version_id", "text", "versionId"),
    Column("product_number", "text", "productNumber", required=True),
    Column("name", "text", "name"),
    Column("parent_id", "text", "parentId"),
    Column("active", "boolean", "active"),
    Column("available", "boolean", "available"),
    Column("manufacturer_id", "text", "manufacturerId"),
    Column("manufacturer_name", "text", "manufacturer.name"),
    Column("manufacturer_number", "text", "manufacturerNumber"),
    Column("ean", "text", "ean"),
    Column("stock", "integer", "stock"),
    Column("price_net", "decimal", "price.0.net"),
    Column("price_gross", "decimal", "price.0.gross"),
    Column("price_currency_id", "text", "price.0.currencyId"),
    Column("purchase_price_net", "decimal", "purchasePrices.0.net"),
    Column("pack_unit", "text", "packUnit"),
    Column("purchase_unit", "decimal", "purchaseUnit"),
    Column("release_at", "instant", "releaseDate"),
    Column("rating_average", "decimal", "ratingAverage"),
    Column("category_tree", "json", "categoryTree"),
    Column("categories", "json", "categories"),
    Column("tag_ids", "json", "tagIds"),
    Column("custom_fields", "json", "customFields"),
    _CREATED,
)


# Of associated records only names are wanted: a sales channel or a payment method carries its whole set-up.
_INCLUDES: Mapping[str, list[str]] = {
    "category": ["id", "name"],
    "country": ["id", "iso", "name"],
    "currency": ["id", "isoCode"],
    "order_transaction": ["id", "orderId"],
    "order_transaction_capture": ["id", "orderTransactionId", "transaction"],
    "payment_method": ["id", "name", "technicalName"],
    "product_manufacturer": ["id", "name"],
    "sales_channel": ["id", "name"],
    "shipping_method": ["id", "name", "technicalName"],
    "state_machine": ["id", "technicalName"],
    "state_machine_state": ["id", "technicalName"],
    "tag": ["id", "name"],
}


def _changed_since(window: Window) -> list[dict[str, Any]]:
    if window.since is None:
        return []
    since = {"gte": window.since.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+00:00"}
    edited = {"type": "range", "field": "updatedAt", "parameters": since}
    fresh = [
        {"type": "equals", "field": "updatedAt", "value": None},
        {"type": "range", "field": "createdAt", "parameters": since},
    ]
    return [
        {
            "type": "multi",
            "operator": "or",
            "queries": [edited, {"type": "multi", "operator": "and", "queries": fresh}],
        }
    ]


def _from(position: Position) -> list[dict[str, Any]]:
    """What comes after the last page: from its last instant on, without the records of that instant already seen."""
    if "from" not in position:
        return []
    seen = {"type": "equalsAny", "field": "id", "value": position["seen"]}
    rest: list[dict[str, Any]] = [{"type": "not", "operator": "or", "queries": [seen]}]
    if position["from"] is None:  # imported rows without a time sort first
        return rest
    return [{"type": "range", "field": "createdAt", "parameters": {"gte": position["from"]}}, *rest]


def _following(page: Page, position: Position, window: Window) -> Position | None:
    found, total = page.document["data"], page.document.get("total")
    more = total > len(found) if isinstance(total, int) else len(found) >= window.size
    if not found or not more:
        return None
    last = found[-1]["createdAt"]
    seen = [r["id"] for r in found if r["createdAt"] == last]
    if "from" in position and position["from"] == last:
        seen = [*position["seen"], *seen]
    return {"from": last, "seen": seen}


def _search(entity: str, associations: Mapping[str, Any], includes: Mapping[str, list[str]]) -> Pass:
    def call(window: Window, position: Position) -> Call:
        criteria: dict[str, Any] = {
            "limit": min(window.size, MAX_LIMIT),
            "filter": [*_changed_since(window), *_from(position)],
            "sort": [{"field": "createdAt", "order": "ASC"}, {"field": "id", "order": "ASC"}],
            "includes": dict(includes),
            "total-count-mode": 2,  # whether more follows, without counting all
        }
        if associations:
            criteria["associations"] = dict(associations)
        return Call(f"/api/search/{entity}", body=criteria)

    return Pass(call, "data", Paginator(_following), page_size=MAX_LIMIT)


def _entity(name: str, entity: str, columns: tuple[Column, ...], *with_: str, web: str | None = None) -> Stream:
    """An entity as a stream. `with_` names its associations, dots leading further in."""
    associations: dict[str, Any] = {}
    for path in with_:
        level = associations
        for step in path.split("."):
            level = level.setdefault(step, {}).setdefault("associations", {})
    alias = entity.replace("-", "_")
    return Stream(
        name=name,
        entity=alias,
        columns=columns,
        # An include holds for an entity wherever it stands, so the stream's own must not be cut.
        increment=_search(entity, _without_empty(associations), {k: v for k, v in _INCLUDES.items() if k != alias}),
        ids=_search(entity, {}, {alias: ["id", "createdAt"]}),
        cursor=Cursor("updatedAt", lookback=timedelta(minutes=15), fallback="createdAt"),
        deletes="id_diff",
        reconcile_every=timedelta(days=7),
        web=web,
    )


def _without_empty(associations: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {"associations": _without_empty(inner["associations"])} if inner["associations"] else {}
        for name, inner in associations.items()
    }


def _token(secrets: Mapping[str, str]) -> Call:
    body = {
        "grant_type": "client_credentials",
        "client_id": secrets["client_id"],
        "client_secret": secrets["client_secret"],
    }
    return Call("/api/oauth/token", body=body, route="token")


def _error(document: Any) -> str | None:
    errors = document.get("errors") if isinstance(document, dict) else None
    if not errors:
        return None
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    return f"Shopware answered with error {first.get('code', 'without a code')}"


_STATE = "stateMachineState"
_ADMIN = "{base_url}/admin#/sw/"

VENDOR = Vendor(
    name="shopware",
    kind="shop",
    streams={
        s.name: s
        for s in (
            _entity("groups", "customer-group", GROUPS),
            _entity("customers", "customer", CUSTOMERS, web=_ADMIN + "customer/detail/{id}"),
            _entity("addresses", "customer-address", ADDRESSES, "country"),
            _entity(
                "products",
                "product",
                PRODUCTS,
                "manufacturer",
                "categories",
                web=_ADMIN + "product/detail/{id}",
            ),
            _entity(
                "orders",
                "order",
                ORDERS,
                "orderCustomer",
                "currency",
                "salesChannel",
                "tags",
                _STATE,
                web=_ADMIN + "order/detail/{id}",
            ),
            _entity("order_line_items", "order-line-item", ORDER_LINE_ITEMS),
            _entity("transactions", "order-transaction", TRANSACTIONS, "paymentMethod", _STATE),
            _entity(
                "refunds",
                "order-transaction-capture-refund",
                REFUNDS,
                "transactionCapture.transaction",
                _STATE,
            ),
            _entity("deliveries", "order-delivery", DELIVERIES, "shippingMethod", _STATE),
            _entity(
                "state_history",
                "state-machine-history",
                STATE_HISTORY,
                "stateMachine",
                "fromStateMachineState",
                "toStateMachineState",
            ),
            _entity("newsletter_recipients", "newsletter-recipient", NEWSLETTER_RECIPIENTS, "tags"),
        )
    },
    auth=Auth(
        needs=("client_id", "client_secret"),
        header=lambda secrets: {"Authorization": f"Bearer {secrets['token']}"},
        token=_token,
    ),
    api_version="6.7",
    supported_until=None,
    rates={
        "default": Rate(600, timedelta(minutes=1)),
        "token": Rate(10, timedelta(minutes=1)),  # a minute and address on Shopware's own cloud
    },
    # Plain JSON instead of JSON:API; variants inherit name and price of their product.
    headers={"Accept": "application/json", "sw-inheritance": "1"},
    error_in=_error,
)
