"""Zendesk Support: incremental exports of tickets, users and organisations, and the lists around them.

What belongs here is what Zendesk calls things: cursor exports that end only at `end_of_stream`, `generated_timestamp` beside
`updated_at`, deletion as a status. Requests, pages, cursors and types belong to the engine.
"""

from __future__ import annotations

from connectors.spec import Column

_CREATED = Column("created_at", "instant", "created_at")

TICKETS = (
    Column("external_id", "text", "external_id"),
    Column("type", "text", "type"),
    Column("subject", "text", "subject", pii=True),
    Column("priority", "text", "priority"),
    Column("status", "text", "status", required=True),
    Column("via_channel", "text", "via.channel"),
    Column("requester_id", "text", "requester_id"),
    Column("submitter_id", "text", "submitter_id"),
    Column("assignee_id", "text", "assignee_id"),
    Column("organization_id", "text", "organization_id"),
    Column("group_id", "text", "group_id"),
    Column("brand_id", "text", "brand_id"),
    Column("ticket_form_id", "text", "ticket_form_id"),
    Column("problem_id", "text", "problem_id"),
    Column("has_incidents", "boolean", "has_incidents"),
    Column("is_public", "boolean", "is_public"),
    Column("due_at", "instant", "due_at"),
    Column("tags", "json", "tags"),
    Column("custom_fields", "json", "custom_fields"),
    Column("satisfaction_score", "text", "satisfaction_rating.score"),
    Column("satisfaction_reason", "text", "satisfaction_rating.reason"),
    Column("ticket_updated_at", "instant", "updated_at"),
    _CREATED,
)

USERS = (
    Column("external_id", "text", "external_id"),
    Column("name", "text", "name", pii=True),
    Column("email", "text", "email", pii=True),
    Column("phone", "text", "phone", pii=True),
    Column("role", "text", "role"),
    Column("organization_id", "text", "organization_id"),
    Column("active", "boolean", "active"),
    Column("suspended", "boolean", "suspended"),
    Column("verified", "boolean", "verified"),
    Column("locale", "text", "locale"),
    Column("tags", "json", "tags"),
    Column("user_fields", "json", "user_fields"),
    Column("last_login_at", "instant", "last_login_at"),
    _CREATED,
)

ORGANIZATIONS = (
    Column("external_id", "text", "external_id"),
    Column("name", "text", "name"),
    Column("domain_names", "json", "domain_names"),
    Column("group_id", "text", "group_id"),
    Column("tags", "json", "tags"),
    Column("crm_company_id", "text", "organization_fields.hubspot_company_id"),
    Column("organization_fields", "json", "organization_fields"),
    _CREATED,
)

TICKET_EVENTS = (
    Column("ticket_id", "text", "ticket_id", required=True),
    Column("updater_id", "text", "updater_id"),
    Column("event_type", "text", "event_type"),
    Column("via", "text", "via"),
    Column("child_events", "json", "child_events"),
    _CREATED,
)

TICKET_METRIC_EVENTS = (
    Column("ticket_id", "text", "ticket_id", required=True),
    Column("metric", "text", "metric"),
    Column("instance_id", "integer", "instance_id"),
    Column("type", "text", "type"),
    Column("occurred_at", "instant", "time"),
    Column("status_calendar_minutes", "decimal", "status.calendar"),
    Column("status_business_minutes", "decimal", "status.business"),
    Column("sla", "json", "sla"),
)

SATISFACTION_RATINGS = (
    Column("ticket_id", "text", "ticket_id"),
    Column("requester_id", "text", "requester_id"),
    Column("assignee_id", "text", "assignee_id"),
    Column("group_id", "text", "group_id"),
    Column("score", "text", "score", required=True),
    Column("reason", "text", "reason"),
    Column("comment", "text", "comment", pii=True),
    _CREATED,
)

TICKET_FIELDS = (
    Column("type", "text", "type"),
    Column("title", "text", "title"),
    Column("active", "boolean", "active"),
    Column("required", "boolean", "required"),
    Column("position", "integer", "position"),
    Column("custom_field_options", "json", "custom_field_options"),
    _CREATED,
)

GROUPS = (
    Column("name", "text", "name"),
    Column("description", "text", "description"),
    Column("is_default", "boolean", "default"),
    _CREATED,
)
