"""HubSpot, dated API 2026-09: what a journey needs of a portal, and how HubSpot tells what changed.

Backfill by list (no cap), increments by search (10,000 hits at most, so the search is anchored anew before that), the archive
by a pass of its own because archiving moves no date, losers of merges from the winner's `hs_merged_object_ids`, labels
of associations and the history of stages by batches of the objects that changed. Credentials are a Service Key or OAuth
token with read scopes. Option `portal_id` makes links into HubSpot's pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.spec import (
    Auth,
    Call,
    Children,
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

VERSION = "2026-09"
SEARCH_CAP = 10_000
LIST_PAGE, SEARCH_PAGE = 100, 200
LOOKBACK = timedelta(minutes=15)  # the search index lags behind the objects

WEB = {
    "companies": "0-2",
    "contacts": "0-1",
    "deals": "0-3",
    "tickets": "0-5",
    "products": "0-7",
    "line_items": "0-8",
}


def _property(name: str, kind: str = "text", pii: bool = False, column: str | None = None) -> Column:
    return Column(column or name, kind, f"properties.{name}", pii=pii)  # type: ignore[arg-type]


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(_property(n) for n in names)


def _pii(*names: str) -> tuple[Column, ...]:
    return tuple(_property(n, pii=True) for n in names)


_CREATED = Column("created_at", "instant", "createdAt")
_OWNER = _property("hubspot_owner_id")
_MERGED = _property("hs_merged_object_ids")
_WHEN = _property("hs_timestamp", "instant")

COLUMNS: dict[str, tuple[Column, ...]] = {
    "companies": (
        *_texts("name", "domain", "website", "vat_id", "customer_number", "type", "lifecyclestage", "industry"),
        *_pii("phone", "address"),
        *_texts("zip", "city", "country", "hs_parent_company_id", "exit_reason"),
        _property("numberofemployees", "integer"),
        _property("annualrevenue", "decimal"),
        _OWNER,
        _MERGED,
        _CREATED,
    ),
    "contacts": (
        *_pii("email", "firstname", "lastname", "phone", "address"),
        *_texts("jobtitle", "zip", "city", "country", "company", "associatedcompanyid", "lifecyclestage"),
        *_texts("hs_buying_role", "hs_persona", "hs_seniority", "hs_language", "hs_legal_basis"),
        *_texts("hs_analytics_source", "hs_analytics_source_data_1", "hs_analytics_source_data_2"),
        _property("hs_email_optout", "boolean"),
        _OWNER,
        _MERGED,
        _CREATED,
    ),
    "deals": (
        *_texts("dealname", "pipeline", "dealstage", "deal_currency_code", "dealtype", "closed_lost_reason"),
        _property("amount", "decimal"),
        _property("closedate", "instant"),
        _property("hs_is_closed", "boolean"),
        _property("hs_is_closed_won", "boolean"),
        _property("hs_is_closed_lost", "boolean"),
        _OWNER,
        _MERGED,
        _CREATED,
    ),
    "tickets": (
        _property("subject", pii=True),
        *_texts("hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "hs_ticket_category"),
        _property("closed_date", "instant"),
        _property("first_agent_reply_date", "instant"),
        _OWNER,
        _MERGED,
        _CREATED,
    ),
    "line_items": (
        *_texts("name", "hs_product_id", "hs_sku", "hs_line_item_currency_code"),
        _property("quantity", "decimal"),
        _property("price", "decimal"),
        _property("amount", "decimal"),
        _CREATED,
    ),
    "products": (
        *_texts("name", "hs_sku", "hs_product_type"),
        _property("price", "decimal"),
        _property("hs_cost_of_goods_sold", "decimal"),
        _CREATED,
    ),
    "calls": (
        _WHEN,
        _property("hs_call_title", pii=True),
        *_texts("hs_call_direction", "hs_call_disposition", "hs_call_status"),
        _property("hs_call_duration", "integer"),
        _OWNER,
        _CREATED,
    ),
    "emails": (
        _WHEN,
        _property("hs_email_subject", pii=True),
        *_texts("hs_email_direction", "hs_email_status"),
        _OWNER,
        _CREATED,
    ),
    "meetings": (
        _WHEN,
        _property("hs_meeting_title", pii=True),
        *_texts("hs_meeting_outcome", "hs_activity_type"),
        _property("hs_meeting_start_time", "instant"),
        _property("hs_meeting_end_time", "instant"),
        _OWNER,
        _CREATED,
    ),
    "notes": (_WHEN, _OWNER, _CREATED),
    "tasks": (
        _WHEN,
        _property("hs_task_subject", pii=True),
        *_texts("hs_task_status", "hs_task_type"),
        _property("hs_task_completion_date", "instant"),
        _OWNER,
        _CREATED,
    ),
    "feedback_submissions": (
        *_texts("hs_survey_type", "hs_survey_name", "hs_value", "hs_contact_id", "hs_ingestion_id"),
        _property("hs_content", pii=True),
        _property("hs_submission_timestamp", "instant"),
        _CREATED,
    ),
}
MODIFIED = {"contacts": "lastmodifieddate"}
"""Every object but the contact calls the date of its last change `hs_lastmodifieddate`."""


def _names(kind: str) -> list[str]:
    wanted = [c.path.split(".", 1)[1] for c in COLUMNS[kind] if c.path.startswith("properties.")]
    return [*wanted, MODIFIED.get(kind, "hs_lastmodifieddate")]


def _listing(kind: str, archived: bool = False) -> Pass:
    """Every object in the order of its id; `after` is HubSpot's own mark."""

    def call(window: Window, position: Position) -> Call:
        query: dict[str, Any] = {"limit": window.size, "properties": ",".join(_names(kind))}
        if archived:
            query["archived"] = "true"
        return Call(f"/crm/objects/{VERSION}/{kind}", {**query, **position})

    return Pass(call, "results", Paginator(_after), LIST_PAGE)


def _after(page: Page, position: Position, window: Window) -> Position | None:
    following = ((page.document.get("paging") or {}).get("next") or {}).get("after")
    return {"after": following} if following else None


def _millis(text: str) -> int:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _search(kind: str, properties: list[str] | None = None) -> Pass:
    """Objects changed since the window's start, oldest change first.

    A position is where the search is anchored (`from`, and within that instant `above` an id) and `after` within it. Before
    the cap is reached the search is anchored at the last change seen; when one instant alone holds more than the cap, at
    the last id within it.
    """
    modified = MODIFIED.get(kind, "hs_lastmodifieddate")

    def first(window: Window) -> Position:
        since = window.since or datetime(1970, 1, 1)
        return {"from": int(since.replace(tzinfo=UTC).timestamp() * 1000)}

    def call(window: Window, position: Position) -> Call:
        if "above" in position:
            filters = [
                {"propertyName": modified, "operator": "EQ", "value": str(position["from"])},
                {"propertyName": "hs_object_id", "operator": "GT", "value": position["above"]},
            ]
            order = "hs_object_id"
        else:
            filters = [{"propertyName": modified, "operator": "GTE", "value": str(position["from"])}]
            order = modified
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": order, "direction": "ASCENDING"}],
            "properties": properties or _names(kind),
            "limit": window.size,
        }
        if "after" in position:
            body["after"] = position["after"]
        return Call(f"/crm/objects/{VERSION}/{kind}/search", body=body, route="search")

    def following(page: Page, position: Position, window: Window) -> Position | None:
        after = ((page.document.get("paging") or {}).get("next") or {}).get("after")
        records = [r for r in page.records if isinstance(r, dict)]
        anchor = {k: v for k, v in position.items() if k != "after"}
        if not records or not after:
            # Within one instant all ids are read: go on with the next millisecond.
            return {"from": anchor["from"] + 1} if "above" in anchor else None
        if int(after) + window.size <= SEARCH_CAP:
            return {**anchor, "after": after}
        last = records[-1]
        if "above" in anchor:
            return {"from": anchor["from"], "above": str(last["id"])}
        seen = _millis(last["properties"][modified])
        return {"from": seen} if seen > anchor["from"] else {"from": seen, "above": "0"}

    return Pass(call, "results", Paginator(following, first, anchors=("from", "above")), SEARCH_PAGE)


def _losers(record: Mapping[str, Any]) -> list[str]:
    text = (record.get("properties") or {}).get("hs_merged_object_ids")
    if not text:
        return []
    return [part for part in str(text).replace(",", ";").split(";") if part and part != str(record.get("id"))]


def _object(kind: str, entity: str) -> Stream:
    web = WEB.get(kind)
    return Stream(
        name=kind,
        entity=entity,
        columns=COLUMNS[kind],
        increment=_search(kind),
        backfill=_listing(kind),
        archive=_listing(kind, archived=True),
        cursor=Cursor(
            f"properties.{MODIFIED.get(kind, 'hs_lastmodifieddate')}", lookback=LOOKBACK, fallback="updatedAt"
        ),
        deletes="archived_pass",
        deleted=lambda record: record.get("archived") is True,
        merged=_losers,
        web="https://app.hubspot.com/contacts/{portal_id}/record/" + web + "/{id}" if web else None,
    )


# --- associations ------------------------------------------------------------------------------------------------------

LINKS = {
    "contacts": ("companies",),
    "deals": ("companies", "contacts", "line_items"),
    "tickets": ("companies", "contacts"),
    "calls": ("companies", "contacts", "deals"),
    "emails": ("companies", "contacts", "deals"),
    "meetings": ("companies", "contacts", "deals"),
    "tasks": ("companies", "contacts", "deals"),
    "feedback_submissions": ("contacts",),
}


def _link(parent: str, other: str) -> Children:
    def call(ids: list[str], window: Window) -> Call:
        body = {"inputs": [{"id": i} for i in ids]}
        return Call(f"/crm/associations/{VERSION}/{parent}/{other}/batch/read", body=body)

    def split(document: Any, ids: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "from_type": parent,
                "from_id": str(result["from"]["id"]),
                "to_type": other,
                "to_id": str(target["toObjectId"]),
                "type_id": str(kind["typeId"]),
                "label": kind.get("label"),
            }
            for result in document["results"]
            for target in result["to"]
            for kind in target["associationTypes"]
        ]

    def more(document: Any, window: Window) -> Call | None:
        """An object with more links than fit into one answer says after which of them to go on."""
        left = [
            {"id": str(result["from"]["id"]), "after": str(result["paging"]["next"]["after"])}
            for result in document["results"]
            if ((result.get("paging") or {}).get("next") or {}).get("after")
        ]
        if not left:
            return None
        return Call(f"/crm/associations/{VERSION}/{parent}/{other}/batch/read", body={"inputs": left})

    return Children(parent, call, split, ids_per_call=1000, more=more)


ASSOCIATIONS = Stream(
    name="associations",
    entity="association",
    columns=(
        Column("from_type", "text", "from_type", required=True),
        Column("from_id", "text", "from_id", required=True),
        Column("to_type", "text", "to_type", required=True),
        Column("to_id", "text", "to_id", required=True),
        Column("type_id", "text", "type_id", required=True),
        Column("label", "text", "label"),
    ),
    key=("from_type", "from_id", "to_type", "to_id", "type_id"),
    children=tuple(_link(parent, other) for parent, others in LINKS.items() for other in others),
)


def _histories(ids: list[str], window: Window) -> Call:
    body = {"inputs": [{"id": i} for i in ids], "properties": ["dealstage"], "propertiesWithHistory": ["dealstage"]}
    return Call(f"/crm/objects/{VERSION}/deals/batch/read", body=body)


def _stages(document: Any, ids: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "deal_id": str(deal["id"]),
            "stage_id": entry["value"],
            "entered_at": entry["timestamp"],
            "source_type": entry.get("sourceType"),
        }
        for deal in document["results"]
        for entry in (deal.get("propertiesWithHistory") or {}).get("dealstage") or ()
        if entry.get("value")
    ]


STAGE_HISTORY = Stream(
    name="deal_stage_history",
    entity="stage_entry",
    columns=(
        Column("deal_id", "text", "deal_id", required=True),
        Column("stage_id", "text", "stage_id", required=True),
        Column("entered_at", "instant", "entered_at", required=True),
        Column("source_type", "text", "source_type"),
    ),
    key=("deal_id", "stage_id", "entered_at"),
    children=(Children("deals", _histories, _stages, ids_per_call=50),),  # HubSpot allows 50 with history
    cursor=Cursor("entered_at"),
)


# --- lists without increments --------------------------------------------------------------------------------------------


def _owners(archived: bool) -> Pass:
    def call(window: Window, position: Position) -> Call:
        query = {"limit": window.size, "archived": "true" if archived else "false", **position}
        return Call(f"/crm/owners/{VERSION}", query)

    return Pass(call, "results", Paginator(_after), LIST_PAGE)


OWNERS = Stream(
    name="owners",
    entity="owner",
    columns=(
        Column("email", "text", "email", pii=True),
        Column("first_name", "text", "firstName", pii=True),
        Column("last_name", "text", "lastName", pii=True),
        Column("user_id", "text", "userId"),
        Column("teams", "json", "teams"),
        Column("archived", "boolean", "archived"),
        _CREATED,
    ),
    increment=_owners(False),
    archive=_owners(True),
    cursor=Cursor("updatedAt"),
    deletes="archived_pass",
    deleted=lambda record: record.get("archived") is True,
)

PIPELINED = ("deals", "tickets")


def _pipelines(window: Window, position: Position) -> Call:
    return Call(f"/crm/pipelines/{VERSION}/{PIPELINED[position.get('number', 0)]}")


def _next_kind(page: Page, position: Position, window: Window) -> Position | None:
    number = position.get("number", 0) + 1
    return {"number": number} if number < len(PIPELINED) else None


def _by_stage(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    """One record a stage: a stage's id is unique only with its pipeline."""
    rows = []
    for stage in pipeline.get("stages") or ():
        metadata = stage.get("metadata") or {}
        probability = metadata.get("probability")
        closed = str(metadata.get("isClosed", "")).lower() == "true" or metadata.get("ticketState") == "CLOSED"
        rows.append(
            {
                "pipeline_id": pipeline["id"],
                "pipeline_label": pipeline.get("label"),
                "stage_id": stage["id"],
                "stage_label": stage.get("label"),
                "object_type": "tickets" if "ticketState" in metadata else "deals",
                "display_order": stage.get("displayOrder"),
                "is_closed": closed,
                "is_won": closed and probability is not None and float(probability) == 1.0,
                "probability": probability,
                "updatedAt": stage.get("updatedAt"),
                "archived": bool(stage.get("archived")),
            }
        )
    return rows


PIPELINES = Stream(
    name="pipelines",
    entity="stage",
    columns=(
        Column("pipeline_id", "text", "pipeline_id", required=True),
        Column("pipeline_label", "text", "pipeline_label"),
        Column("stage_id", "text", "stage_id", required=True),
        Column("stage_label", "text", "stage_label"),
        Column("object_type", "text", "object_type"),
        Column("display_order", "integer", "display_order"),
        Column("is_closed", "boolean", "is_closed"),
        Column("is_won", "boolean", "is_won"),
        Column("probability", "decimal", "probability"),
    ),
    key=("pipeline_id", "stage_id"),
    increment=Pass(_pipelines, "results", Paginator(_next_kind)),
    cursor=Cursor("updatedAt"),
    deletes="full_pass",
    reconcile_every=timedelta(0),
    explode=_by_stage,
    deleted=lambda record: record.get("archived") is True,
)


def _marketing(window: Window, position: Position) -> Call:
    query: dict[str, Any] = {"limit": window.size, "includeStats": "true", "sort": "updatedAt", **position}
    if window.since is not None:
        query["updatedAfter"] = window.since.isoformat(timespec="milliseconds") + "Z"
    return Call(f"/marketing/emails/{VERSION}", query)


MARKETING_EMAILS = Stream(
    name="marketing_emails",
    entity="marketing_email",
    columns=(
        Column("name", "text", "name"),
        Column("subject", "text", "subject"),
        Column("state", "text", "state"),
        Column("type", "text", "type"),
        Column("campaign_id", "text", "campaign"),
        Column("published_at", "instant", "publishDate"),
        Column("stats", "json", "stats"),
        _CREATED,
    ),
    increment=Pass(_marketing, "results", Paginator(_after), LIST_PAGE),
    cursor=Cursor("updatedAt", lookback=LOOKBACK),
    deleted=lambda record: record.get("archived") is True,
)

ENTITIES = {
    "companies": "company",
    "contacts": "contact",
    "deals": "deal",
    "tickets": "ticket",
    "line_items": "line_item",
    "products": "product",
    "calls": "call",
    "emails": "email",
    "meetings": "meeting",
    "notes": "note",
    "tasks": "task",
    "feedback_submissions": "feedback_submission",
}
_STREAMS = (
    OWNERS,
    PIPELINES,
    *(_object(kind, entity) for kind, entity in ENTITIES.items()),
    STAGE_HISTORY,
    ASSOCIATIONS,
    MARKETING_EMAILS,
)


def _error(document: Any) -> str | None:
    """HubSpot sends batches with status 200 or 207 although some of them failed."""
    if isinstance(document, dict) and document.get("status") == "error":
        return str(document.get("message") or document.get("category") or "error")
    return None


VENDOR = Vendor(
    name="hubspot",
    kind="crm",
    streams={s.name: s for s in _STREAMS},
    auth=Auth(needs=("token",), header=lambda secrets: {"Authorization": f"Bearer {secrets['token']}"}),
    api_version=VERSION,
    supported_until=date(2028, 3, 1),
    rates={
        "default": Rate(100, timedelta(seconds=10), "X-HubSpot-RateLimit-Remaining"),
        "search": Rate(5, timedelta(seconds=1)),
    },
    error_in=_error,
)
