"""What a HubSpot portal says of itself: properties of each object, pipelines, owners, types of associations.

Standard names and numbers as HubSpot documents them; a handful of properties are the portal's own. No records here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.crm import PIPELINE, STAGES, TICKET_STAGES, instant
from sandbox.records import Owner

Row = dict[str, Any]

# name:type, where the type is s string, e enumeration, n number, d datetime, a date, b bool.
_COMMON = "hs_object_id:n hubspot_owner_id:e hs_merged_object_ids:e hs_all_owner_ids:e hs_created_by_user_id:n"
_STANDARD = {
    "companies": "name:s domain:s website:s phone:s address:s address2:s zip:s city:s state:s country:s industry:e "
    "numberofemployees:n annualrevenue:n type:e lifecyclestage:e hs_lead_status:e hs_parent_company_id:n description:s "
    "hs_analytics_source:e hs_analytics_source_data_1:s createdate:d hs_lastmodifieddate:d closedate:d "
    "notes_last_contacted:d num_associated_contacts:n",
    "contacts": "email:s firstname:s lastname:s phone:s mobilephone:s jobtitle:s company:s address:s zip:s city:s "
    "country:s salutation:s lifecyclestage:e hs_lead_status:e hs_buying_role:e hs_persona:e hs_seniority:e "
    "hs_language:e associatedcompanyid:n hs_email_optout:b hs_email_bounce:n hs_legal_basis:e hs_analytics_source:e "
    "hs_analytics_source_data_1:s recent_conversion_event_name:s recent_conversion_date:d "
    "first_conversion_event_name:s first_conversion_date:d num_conversion_events:n createdate:d lastmodifieddate:d",
    "deals": "dealname:s pipeline:e dealstage:e amount:n deal_currency_code:e closedate:d hs_is_closed:b "
    "hs_is_closed_won:b hs_is_closed_lost:b dealtype:e closed_lost_reason:s closed_won_reason:s description:s "
    "num_associated_contacts:n hs_deal_stage_probability:n createdate:d hs_lastmodifieddate:d "
    + " ".join(f"hs_v2_date_entered_{stage}:d" for stage, _, _ in STAGES),
    "tickets": "subject:s content:s hs_pipeline:e hs_pipeline_stage:e hs_ticket_priority:e hs_ticket_category:e "
    "source_type:e closed_date:d first_agent_reply_date:d createdate:d hs_lastmodifieddate:d",
    "line_items": "name:s hs_sku:s hs_product_id:n quantity:n price:n amount:n discount:n "
    "hs_line_item_currency_code:e createdate:d hs_lastmodifieddate:d",
    "products": "name:s hs_sku:s price:n hs_cost_of_goods_sold:n hs_product_type:e description:s createdate:d "
    "hs_lastmodifieddate:d",
    "calls": "hs_timestamp:d hs_call_title:s hs_call_body:s hs_call_direction:e hs_call_disposition:e hs_call_status:e "
    "hs_call_duration:n hs_createdate:d hs_lastmodifieddate:d",
    "emails": "hs_timestamp:d hs_email_subject:s hs_email_direction:e hs_email_status:e hs_email_text:s "
    "hs_createdate:d hs_lastmodifieddate:d",
    "meetings": "hs_timestamp:d hs_meeting_title:s hs_meeting_body:s hs_meeting_outcome:e hs_meeting_start_time:d "
    "hs_meeting_end_time:d hs_activity_type:e hs_createdate:d hs_lastmodifieddate:d",
    "notes": "hs_timestamp:d hs_note_body:s hs_createdate:d hs_lastmodifieddate:d",
    "tasks": "hs_timestamp:d hs_task_subject:s hs_task_body:s hs_task_status:e hs_task_type:e hs_task_priority:e "
    "hs_task_completion_date:d hs_createdate:d hs_lastmodifieddate:d",
    "feedback_submissions": "hs_survey_type:e hs_survey_name:s hs_survey_channel:e hs_value:n hs_response_group:e "
    "hs_content:s hs_submission_timestamp:d hs_contact_id:n hs_ingestion_id:s hs_createdate:d hs_lastmodifieddate:d",
}
_OWN = {
    "companies": "vat_id:s customer_number:s exit_reason:e exit_date:a contract_type:e contract_end_date:a "
    "referred_by_company_id:s"
}
_TYPES = {
    "s": ("string", "text"),
    "e": ("enumeration", "select"),
    "n": ("number", "number"),
    "d": ("datetime", "date"),
    "a": ("date", "date"),
    "b": ("bool", "booleancheckbox"),
}


def _parsed(text: str) -> dict[str, str]:
    return {name: _TYPES[kind][0] for name, _, kind in (part.partition(":") for part in text.split())}


TYPES: dict[str, dict[str, str]] = {
    kind: _parsed(f"{text} {_COMMON} {_OWN.get(kind, '')}") for kind, text in _STANDARD.items()
}
_OWN_NAMES = {kind: set(_parsed(text)) for kind, text in _OWN.items()}

# Given without being asked for; the record's own three are always added.
DEFAULTS = {
    "companies": ("name", "domain"),
    "contacts": ("firstname", "lastname", "email"),
    "deals": ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "hs_ticket_category"),
    "products": ("name", "price", "description"),
    "line_items": ("quantity", "amount", "price"),
}
SINGULAR = {
    "companies": "company",
    "contacts": "contact",
    "deals": "deal",
    "tickets": "ticket",
    "line_items": "line_item",
    "products": "product",
    "calls": "call",
    "emails": "email",
    "meetings": "meeting_event",
    "notes": "note",
    "tasks": "task",
    "feedback_submissions": "feedback_submission",
}
NUMBERED = {
    "0-1": "contacts",
    "0-2": "companies",
    "0-3": "deals",
    "0-5": "tickets",
    "0-7": "products",
    "0-8": "line_items",
    "0-19": "feedback_submissions",
    "0-27": "tasks",
    "0-46": "notes",
    "0-47": "meetings",
    "0-48": "calls",
    "0-49": "emails",
}
# From, to: number of the plain association, and of the primary one where there is one.
ASSOCIATIONS: dict[tuple[str, str], tuple[int, int | None]] = {
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("deals", "contacts"): (3, None),
    ("contacts", "deals"): (4, None),
    ("companies", "companies"): (450, None),
    ("contacts", "contacts"): (449, None),
    ("tickets", "companies"): (339, 26),
    ("companies", "tickets"): (340, 25),
    ("tickets", "contacts"): (16, None),
    ("contacts", "tickets"): (15, None),
    ("deals", "line_items"): (19, None),
    ("line_items", "deals"): (20, None),
    ("feedback_submissions", "contacts"): (98, None),
    ("contacts", "feedback_submissions"): (97, None),
    ("feedback_submissions", "companies"): (219, None),
    ("companies", "feedback_submissions"): (220, None),
} | {
    pair: (number, None)
    for base, kind in ((181, "calls"), (185, "emails"), (187, "meetings"), (189, "notes"), (191, "tasks"))
    for pair, number in (
        (("companies", kind), base),
        ((kind, "companies"), base + 1),
        (("contacts", kind), base + 12),
        ((kind, "contacts"), base + 13),
        (("deals", kind), base + 24),
        ((kind, "deals"), base + 25),
    )
}
PARENT, CHILD = 14, 13  # from a child to its parent, from a parent to its child
OWN_LABELS = {"Entscheider": 36}  # labels that this portal defined, with the number they got


def association_types(origin: str, target: str, label: str | None) -> list[Row]:
    """How one association is written: labelled ones carry the plain type beside the label."""
    plain, primary = ASSOCIATIONS.get((origin, target), (0, None))
    found: list[Row] = []
    if label == "Primary" and primary is not None:
        found.append({"category": "HUBSPOT_DEFINED", "typeId": primary, "label": "Primary"})
    elif label in ("Parent Company", "Child Company"):
        number = PARENT if label == "Parent Company" else CHILD
        return [{"category": "HUBSPOT_DEFINED", "typeId": number, "label": label}]
    elif label in OWN_LABELS:
        found.append({"category": "USER_DEFINED", "typeId": OWN_LABELS[label], "label": label})
    return [*found, {"category": "HUBSPOT_DEFINED", "typeId": plain, "label": None}]


def properties(kind: str, since: datetime) -> list[Row]:
    """The definitions of an object's properties."""
    own = _OWN_NAMES.get(kind, set())
    field_of = {value[0]: value[1] for value in _TYPES.values()}
    return [
        {
            "updatedAt": instant(since),
            "createdAt": instant(since),
            "name": name,
            "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
            "type": type_,
            "fieldType": field_of[type_],
            "description": "",
            "groupName": f"{SINGULAR[kind]}information".replace("_", ""),
            "options": [],
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": name == "hubspot_owner_id",
            "archived": False,
            "hasUniqueValue": name in ("hs_object_id", "email") and kind == "contacts",
            "hidden": False,
            "hubspotDefined": name not in own,
            "modificationMetadata": {
                "archivable": name in own,
                "readOnlyDefinition": name not in own,
                "readOnlyValue": False,
            },
            "formField": kind in ("contacts", "companies"),
        }
        for name, type_ in sorted(TYPES[kind].items())
    ]


def pipelines(kind: str, since: datetime) -> list[Row]:
    at = instant(since)
    if kind == "deals":
        stages = [
            (stage, label, {"isClosed": str(stage.startswith("closed")).lower(), "probability": probability})
            for stage, label, probability in STAGES
        ]
        number, label = PIPELINE, "Vertriebspipeline"
    else:
        stages = [
            (stage, label, {"ticketState": "CLOSED" if stage == "4" else "OPEN", "isClosed": str(stage == "4").lower()})
            for stage, label in TICKET_STAGES
        ]
        number, label = "0", "Support-Pipeline"
    return [
        {
            "label": label,
            "displayOrder": 0,
            "id": number,
            "stages": [
                {
                    "label": name,
                    "displayOrder": order,
                    "metadata": metadata,
                    "id": stage,
                    "createdAt": at,
                    "updatedAt": at,
                    "archived": False,
                    "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                }
                for order, (stage, name, metadata) in enumerate(stages)
            ],
            "createdAt": at,
            "updatedAt": at,
            "archived": False,
        }
    ]


def owner(who: Owner, teams: list[str], archived: bool) -> Row:
    return {
        "id": str(who.id),
        "email": who.email,
        "type": "PERSON",
        "firstName": who.first_name,
        "lastName": who.last_name,
        "userId": who.user_id,
        "userIdIncludingInactive": who.user_id,
        "createdAt": instant(who.created_at),
        "updatedAt": instant(who.updated_at),
        "archived": archived,
        "teams": [{"id": str(700 + teams.index(who.team)), "name": who.team, "primary": True}],
    }
