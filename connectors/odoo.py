"""Odoo over JSON-RPC: the models a customer journey needs, and which of their fields.

What belongs here is what Odoo calls things and how it answers: `false` for empty, `[id, name]` for a reference, whole
seconds for instants that the database keeps in microseconds. Merging partners deletes the losers and re-points their
orders without moving `write_date`, and what is unlinked leaves no trace: so every run reads each model whole, and the
landing tells what changed. Where that is too much, the option `reconcile_hours` spaces the whole passes out and
`write_date` serves between them. Requests, pages, cursors and types belong to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.spec import (
    Auth,
    AuthError,
    Call,
    Column,
    ColumnType,
    ConfigError,
    Cursor,
    Page,
    Paginator,
    Pass,
    Position,
    Rate,
    ScopeError,
    SourceError,
    Stream,
    Vendor,
    Window,
)

PAGE_SIZE = 1000
# write_date is when the writing transaction began: an import of an hour commits rows that are an hour old.
LOOKBACK = timedelta(hours=1)

_CREATED = (
    Column("created_at", "instant", "create_date"),
    Column("written_at", "instant", "write_date"),
)


def _reference(name: str, label: str | None = None, field: str | None = None) -> tuple[Column, ...]:
    """A many2one field: Odoo sends `[id, display name]`, or false."""
    path = field or name
    columns = (Column(name, "text", f"{path}.0"),)
    return (*columns, Column(label, "text", f"{path}.1")) if label else columns


def _same(kind: ColumnType, *names: str) -> tuple[Column, ...]:
    """Fields of one type that keep their name."""
    return tuple(Column(name, kind, name) for name in names)


_UTM = (
    *_reference("campaign_id", "campaign_name"),
    *_reference("medium_id", "medium_name"),
    *_reference("source_id", "source_name"),
)

PARTNERS = (
    Column("name", "text", "name", pii=True),
    Column("is_company", "boolean", "is_company", required=True),
    *_reference("parent_id"),
    *_reference("commercial_partner_id"),
    *_same("text", "type", "ref", "vat"),
    Column("email", "text", "email", pii=True),
    Column("phone", "text", "phone", pii=True),
    Column("mobile", "text", "mobile", pii=True),
    Column("website", "text", "website"),
    Column("street", "text", "street", pii=True),
    Column("street2", "text", "street2", pii=True),
    *_same("text", "zip", "city"),
    *_reference("country_id", "country_name"),
    *_same("text", "function", "lang"),
    *_same("integer", "customer_rank", "supplier_rank"),
    *_reference("user_id"),
    *_reference("team_id", "team_name"),
    *_reference("industry_id", "industry_name"),
    Column("category_ids", "json", "category_id"),
    Column("is_blacklisted", "boolean", "is_blacklisted"),
    Column("message_bounce", "integer", "message_bounce"),
    Column("active", "boolean", "active", required=True),
    *_CREATED,
)

LEADS = (
    *_same("text", "name", "type"),
    *_reference("partner_id"),
    Column("partner_name", "text", "partner_name"),
    Column("contact_name", "text", "contact_name", pii=True),
    Column("email_from", "text", "email_from", pii=True),
    Column("phone", "text", "phone", pii=True),
    Column("mobile", "text", "mobile", pii=True),
    *_same("text", "website", "function"),
    Column("street", "text", "street", pii=True),
    *_same("text", "zip", "city"),
    *_reference("country_id", "country_name"),
    *_reference("user_id"),
    *_reference("team_id", "team_name"),
    *_reference("stage_id", "stage_name"),
    *_same("decimal", "probability", "expected_revenue"),
    Column("priority", "text", "priority"),
    *_UTM,
    Column("referred", "text", "referred", pii=True),
    *_reference("lost_reason_id", "lost_reason_name", "lost_reason"),
    *_same("instant", "date_open", "date_closed", "date_conversion", "date_last_stage_update"),
    Column("date_deadline", "date", "date_deadline"),
    Column("active", "boolean", "active", required=True),
    *_CREATED,
)

STAGES = (
    Column("name", "text", "name", required=True),
    Column("sequence", "integer", "sequence"),
    *_same("boolean", "is_won", "fold"),
    *_reference("team_id"),
    *_CREATED,
)

SALE_ORDERS = (
    Column("name", "text", "name", required=True),
    Column("state", "text", "state", required=True),
    *_reference("partner_id"),
    *_reference("partner_invoice_id"),
    *_reference("partner_shipping_id"),
    Column("date_order", "instant", "date_order"),
    *_same("decimal", "amount_untaxed", "amount_tax", "amount_total"),
    *_reference("currency_id", "currency_code"),
    Column("currency_rate", "decimal", "currency_rate"),
    *_reference("user_id"),
    *_reference("team_id", "team_name"),
    *_reference("opportunity_id"),
    *_same("text", "origin", "client_order_ref"),
    *_UTM,
    Column("tag_ids", "json", "tag_ids"),
    Column("invoice_status", "text", "invoice_status"),
    Column("validity_date", "date", "validity_date"),
    *_same("instant", "commitment_date", "signed_on"),
    *_reference("website_id"),
    Column("cart_recovery_email_sent", "boolean", "cart_recovery_email_sent"),
    *_CREATED,
)

SALE_ORDER_LINES = (
    *_reference("order_id"),
    *_reference("order_partner_id"),
    *_reference("product_id", "product_name"),
    *_same("text", "name", "display_type"),
    Column("sequence", "integer", "sequence"),
    *_same(
        "decimal",
        "product_uom_qty",
        "qty_delivered",
        "qty_invoiced",
        "price_unit",
        "discount",
        "price_subtotal",
        "price_tax",
        "price_total",
    ),
    *_reference("currency_id", "currency_code"),
    Column("state", "text", "state"),
    Column("is_downpayment", "boolean", "is_downpayment"),
    *_CREATED,
)

INVOICES = (
    Column("name", "text", "name"),
    Column("move_type", "text", "move_type", required=True),
    Column("state", "text", "state", required=True),
    Column("payment_state", "text", "payment_state"),
    *_reference("partner_id"),
    *_reference("commercial_partner_id"),
    *_same("date", "invoice_date", "invoice_date_due"),
    *_same(
        "decimal", "amount_untaxed", "amount_total", "amount_residual", "amount_total_signed", "amount_residual_signed"
    ),
    *_reference("currency_id", "currency_code"),
    Column("invoice_origin", "text", "invoice_origin"),
    *_reference("reversed_entry_id"),
    Column("ref", "text", "ref"),
    *_reference("invoice_user_id"),
    *_reference("team_id"),
    *_UTM,
    *_CREATED,
)

MAILINGS = (
    *_same("text", "subject", "state", "mailing_type"),
    *_UTM,
    *_reference("user_id"),
    Column("sent_at", "instant", "sent_date"),
    Column("scheduled_at", "instant", "schedule_date"),
    Column("active", "boolean", "active"),
    *_CREATED,
)

MAILING_TRACES = (
    Column("trace_type", "text", "trace_type"),
    *_reference("mass_mailing_id", "mass_mailing_name"),
    *_reference("campaign_id", "campaign_name"),
    *_same("text", "model", "res_id"),
    Column("email", "text", "email", pii=True),
    *_same("text", "state", "failure_type"),
    Column("scheduled_at", "instant", "scheduled"),
    Column("sent_at", "instant", "sent"),
    Column("opened_at", "instant", "opened"),
    Column("clicked_at", "instant", "clicked"),
    Column("replied_at", "instant", "replied"),
    Column("bounced_at", "instant", "bounced"),
    Column("failed_at", "instant", "exception"),
    Column("ignored_at", "instant", "ignored"),
    *_CREATED,
)

RATINGS = (
    Column("rating", "decimal", "rating"),
    Column("rating_text", "text", "rating_text"),
    Column("feedback", "text", "feedback", pii=True),
    Column("consumed", "boolean", "consumed"),
    *_reference("partner_id"),
    *_reference("rated_partner_id"),
    *_same("text", "res_model", "res_id", "res_name", "parent_res_model", "parent_res_id"),
    Column("is_internal", "boolean", "is_internal"),
    *_CREATED,
)

SURVEY_RESPONSES = (
    *_reference("survey_id", "survey_name"),
    Column("state", "text", "state"),
    *_reference("partner_id"),
    Column("email", "text", "email", pii=True),
    Column("test_entry", "boolean", "test_entry"),
    Column("started_at", "instant", "start_datetime"),
    *_same("decimal", "scoring_percentage", "scoring_total"),
    Column("scoring_success", "boolean", "scoring_success"),
    *_CREATED,
)

SURVEY_ANSWERS = (
    *_reference("user_input_id"),
    *_reference("survey_id", "survey_name"),
    *_reference("question_id", "question_name"),
    Column("answer_type", "text", "answer_type"),
    Column("skipped", "boolean", "skipped"),
    Column("value_numerical_box", "decimal", "value_numerical_box"),
    Column("value_char_box", "text", "value_char_box", pii=True),
    Column("value_text_box", "text", "value_text_box", pii=True),
    Column("value_date", "date", "value_date"),
    Column("value_datetime", "instant", "value_datetime"),
    *_reference("suggested_answer_id", "suggested_answer_name"),
    *_reference("matrix_row_id", "matrix_row_name"),
    Column("answer_score", "decimal", "answer_score"),
    Column("answer_is_correct", "boolean", "answer_is_correct"),
    *_CREATED,
)

MESSAGES = (
    *_same("text", "model", "res_id", "message_type"),
    *_reference("subtype_id", "subtype_name"),
    Column("subject", "text", "subject", pii=True),
    Column("sent_at", "instant", "date"),
    Column("email_from", "text", "email_from", pii=True),
    *_reference("author_id"),
    *_reference("parent_id"),
    *_reference("mail_activity_type_id", "mail_activity_type_name"),
    Column("is_internal", "boolean", "is_internal"),
    *_CREATED,
)

ACTIVITIES = (
    *_same("text", "res_model", "res_id"),
    *_reference("activity_type_id", "activity_type_name"),
    Column("summary", "text", "summary", pii=True),
    Column("date_deadline", "date", "date_deadline"),
    *_reference("user_id"),
    *_reference("request_partner_id"),
    Column("automated", "boolean", "automated"),
    *_CREATED,
)

PRODUCTS = (
    *_same("text", "name", "default_code", "barcode", "type"),
    *_reference("categ_id", "categ_name"),
    *_reference("product_tmpl_id"),
    *_same("decimal", "lst_price", "standard_price"),
    *_reference("currency_id", "currency_code"),
    *_reference("uom_id", "uom_name"),
    *_same("boolean", "sale_ok", "active"),
    *_CREATED,
)

USERS = (
    Column("name", "text", "name", pii=True),
    Column("login", "text", "login", pii=True),
    Column("email", "text", "email", pii=True),
    *_reference("partner_id"),
    *_reference("sale_team_id", "sale_team_name"),
    *_same("boolean", "share", "active"),
    *_CREATED,
)


def _fields(columns: tuple[Column, ...], settings: Mapping[str, Any]) -> list[str]:
    """The declared fields and those that the source's options add, without those that its Odoo lacks."""
    names = dict.fromkeys(("id", "write_date", *(c.path.split(".")[0] for c in columns)))
    names |= dict.fromkeys(settings.get("extra_fields", ()))
    return [n for n in names if n not in settings.get("missing_fields", ())]


def _model(
    name: str,
    model: str,
    columns: tuple[Column, ...],
    *,
    entity: str,
    domain: tuple[tuple[str, str, Any], ...] = (),
    filtered_late: bool = False,
    deleted: Callable[[Mapping[str, Any]], bool] = lambda record: False,
) -> Stream:
    """A model as a stream, read by ascending id: neither edits nor bulk writes of one instant disturb that order.

    `filtered_late`: the server takes what the user may not see out of a page after cutting it, so a short page is
    not the last one.
    """

    def call(window: Window, position: Position) -> Call:
        where: list[Any] = [list(term) for term in domain]
        if window.since is not None:
            where.append(["write_date", ">=", window.since.strftime("%Y-%m-%d %H:%M:%S")])
        where.append(["id", ">", position["after"]])
        keywords = {
            "fields": _fields(columns, window.settings),
            "limit": window.size,
            "order": "id",
            "context": {"active_test": False, "lang": "en_US", "bin_size": True},
        }
        return _execute([model, "search_read", [where], keywords])

    def following(page: Page, position: Position, window: Window) -> Position | None:
        found = page.document["result"]
        more = found if filtered_late else len(found) >= window.size
        return {"after": found[-1]["id"]} if more else None

    reading = Pass(call, "result", Paginator(following, first=lambda window: {"after": 0}), page_size=PAGE_SIZE)
    return Stream(
        name=name,
        entity=entity,
        columns=columns,
        increment=reading,
        # write_date orders no versions: a merge, a blacklisting or a renamed stage change what is read and leave it.
        # Without a time of its own, the version that was read last counts.
        cursor=Cursor(None, lookback=LOOKBACK),
        deletes="full_pass",
        reconcile_every=timedelta(0),
        false_is_null=True,
        deleted=deleted,
        web="{base_url}/web#id={id}&model=" + model + "&view_type=form",
    )


def _execute(arguments: list[Any]) -> Call:
    """A model method; database, user number and password are put in front when the call is signed."""
    params = {"service": "object", "method": "execute_kw", "args": arguments}
    return Call("/jsonrpc", body={"jsonrpc": "2.0", "method": "call", "id": 1, "params": params})


def _login(secrets: Mapping[str, str]) -> Call:
    arguments = [secrets["database"], secrets["user"], secrets["password"]]
    params = {"service": "common", "method": "login", "args": arguments}
    return Call("/jsonrpc", body={"jsonrpc": "2.0", "method": "call", "id": 1, "params": params})


def _signed(call: Call, secrets: Mapping[str, str], token: Any) -> Call:
    body = dict(call.body or {})
    params = dict(body["params"])
    params["args"] = [secrets["database"], token, secrets["password"], *params["args"]]
    return replace(call, body={**body, "params": params})


def _error(document: Any) -> str | SourceError | None:
    """Errors come with status 200. The name of Odoo's exception says what kind; its text may hold values."""
    error = document.get("error") if isinstance(document, dict) else None
    if error is None:
        return None
    data = error.get("data") or {}
    name, text = str(data.get("name", "")), str(data.get("message", ""))
    if name.endswith("AccessDenied"):
        return AuthError("Odoo refuses the user or password; check auth.user and auth.password.")
    if name.endswith("AccessError"):
        return ScopeError("Odoo lets this user not read the model; give the user the access right.")
    if "doesn't exist" in text:
        return ScopeError("Odoo does not know the model; install its app or leave the stream out.")
    if name.endswith("OperationalError"):
        return ConfigError("Odoo cannot open the database; check auth.database.")
    if "Invalid field" in text:
        return ConfigError("This Odoo lacks a field that the stream asks for; name it in options.missing_fields.")
    return f"Odoo answered with {name or 'an error without a name'}"


def _archived(record: Mapping[str, Any]) -> bool:
    return record.get("active") is False


_TALKED_ABOUT = ("res.partner", "crm.lead", "sale.order", "account.move", "project.task", "helpdesk.ticket")
_SALES = ("out_invoice", "out_refund", "out_receipt")

VENDOR = Vendor(
    name="odoo",
    kind="erp",
    streams={
        s.name: s
        for s in (
            _model("users", "res.users", USERS, entity="user"),
            _model("stages", "crm.stage", STAGES, entity="stage"),
            # An archived partner is out of use; an archived lead is a lost one, an archived product was sold.
            _model("partners", "res.partner", PARTNERS, entity="partner", deleted=_archived),
            _model("products", "product.product", PRODUCTS, entity="product"),
            _model("leads", "crm.lead", LEADS, entity="lead"),
            _model("sale_orders", "sale.order", SALE_ORDERS, entity="order"),
            _model("sale_order_lines", "sale.order.line", SALE_ORDER_LINES, entity="order_line"),
            _model(
                "invoices",
                "account.move",
                INVOICES,
                entity="invoice",
                domain=(("move_type", "in", list(_SALES)),),
            ),
            _model("mailings", "mailing.mailing", MAILINGS, entity="mailing"),
            _model("mailing_traces", "mailing.trace", MAILING_TRACES, entity="mailing_trace"),
            _model("ratings", "rating.rating", RATINGS, entity="rating"),
            _model("survey_responses", "survey.user_input", SURVEY_RESPONSES, entity="survey_response"),
            _model("survey_answers", "survey.user_input.line", SURVEY_ANSWERS, entity="survey_answer"),
            _model(
                "messages",
                "mail.message",
                MESSAGES,
                entity="message",
                domain=(("model", "in", list(_TALKED_ABOUT)), ("message_type", "!=", "user_notification")),
                filtered_late=True,
            ),
            _model("activities", "mail.activity", ACTIVITIES, entity="activity"),
        )
    },
    auth=Auth(
        needs=("database", "user", "password"),
        header=lambda secrets: {},
        token=_login,
        token_in="result",
        sign=_signed,
    ),
    api_version="14.0",
    supported_until=None,
    rates={"default": Rate(600, timedelta(minutes=1))},
    error_in=_error,
)
