"""Brevo's API over HTTP, held against its published specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml

from sandbox.server import SECRETS, Sandbox, serve

KEY = {"api-key": SECRETS["BREVO_API_KEY"]}


def get(sandbox: Sandbox, path: str, status: int = 200, **query: Any) -> Any:
    answer = requests.get(f"{sandbox.base_url('brevo')}/v3{path}", params=query, headers=KEY, timeout=20)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_wrong_key_and_none_are_unauthorized(sandbox: Sandbox) -> None:
    url = sandbox.base_url("brevo") + "/v3/contacts"
    for headers in ({}, {"api-key": "wrong"}, {"Authorization": "Bearer " + KEY["api-key"]}):
        answer = requests.get(url, headers=headers, timeout=10)
        assert answer.status_code == 401 and answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_of_contacts_are_all_contacts_once(sandbox: Sandbox, sort: str) -> None:
    count, seen, offset = get(sandbox, "/contacts", limit=1)["count"], [], 0
    while page := get(sandbox, "/contacts", limit=17, offset=offset, sort=sort)["contacts"]:
        seen += [c["id"] for c in page]
        offset += 17
    assert len(seen) == count and seen == sorted(set(seen), reverse=sort == "desc")


def test_modified_since_includes_its_own_instant(sandbox: Sandbox) -> None:
    everyone = get(sandbox, "/contacts", limit=1000)["contacts"]
    middle = sorted(c["modifiedAt"] for c in everyone)[len(everyone) // 2]
    found = get(sandbox, "/contacts", limit=1000, modifiedSince=middle)
    assert {c["id"] for c in found["contacts"]} == {c["id"] for c in everyone if c["modifiedAt"] >= middle}
    assert found["count"] == len(found["contacts"])


def test_lists_know_their_members_and_nobody_who_left(sandbox: Sandbox) -> None:
    for entry in get(sandbox, "/contacts/lists", limit=50)["lists"]:
        members = get(sandbox, f"/contacts/lists/{entry['id']}/contacts", limit=500)
        assert members["count"] == entry["uniqueSubscribers"]
        assert all(entry["id"] in c["listIds"] for c in members["contacts"])
    get(sandbox, "/contacts/lists/999/contacts", 404)


def test_what_a_contact_did_adds_up_to_its_campaigns_statistics(sandbox: Sandbox) -> None:
    latest = get(sandbox, "/emailCampaigns", limit=1)["campaigns"][0]
    opened = 0  # of contacts that are still there; statistics go on counting who was deleted since
    for contact in get(sandbox, "/contacts", limit=1000)["contacts"]:
        stats = get(sandbox, f"/contacts/{contact['id']}/campaignStats")
        opened += sum(e["campaignId"] == latest["id"] for e in stats.get("opened", []))
    assert 0 < opened <= latest["statistics"]["globalStats"]["viewed"] <= opened + 3


def test_a_blacklisted_contact_is_one_who_left_or_bounced(sandbox: Sandbox) -> None:
    store = sandbox.company.store
    left = {c.id for c in store.newsletter_contacts if (c.opted_out_at or c.hard_bounced_at) and not c.deleted_at}
    shown = get(sandbox, "/contacts", limit=1000)["contacts"]
    assert {c["id"] for c in shown if c["emailBlacklisted"]} == left


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/contacts", {"limit": 1001}),
        ("/contacts", {"limit": 0}),
        ("/contacts", {"limit": "x"}),
        ("/contacts", {"sort": "up"}),
        ("/contacts", {"modifiedSince": "yesterday"}),
        ("/contacts/1/campaignStats", {"startDate": "2026-01-01"}),
        ("/contacts/1/campaignStats", {"startDate": "2026-01-01", "endDate": "2026-06-01"}),
        ("/smtp/statistics/events", {"days": 91}),
        ("/emailCampaigns", {"limit": 101}),
    ],
)
def test_a_question_out_of_range_is_refused(sandbox: Sandbox, path: str, query: dict[str, Any]) -> None:
    refusal = get(sandbox, path, 400, **query)
    assert set(refusal) == {"code", "message"}


def test_unlisted_endpoints_allow_a_hundred_requests_an_hour_and_say_when_it_ends() -> None:
    with serve(seed=2, accounts=5, rate_limits="documented", only="brevo") as running:
        statuses = []
        with requests.Session() as session:
            for _ in range(101):
                answer = session.get(running.url + "/v3/emailCampaigns?limit=1", headers=KEY, timeout=10)
                statuses.append(answer.status_code)
        assert statuses == [200] * 100 + [429]
        assert answer.headers["x-sib-ratelimit-limit"] == "100" and answer.headers["x-sib-ratelimit-remaining"] == "0"
        assert 3500 < int(answer.headers["x-sib-ratelimit-reset"]) <= 3600 and "Retry-After" not in answer.headers
        assert requests.get(running.url + "/v3/contacts?limit=1", headers=KEY, timeout=10).ok


def test_every_answer_fits_the_published_specification(sandbox: Sandbox, shared: Path) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    spec = yaml.load((shared / "vendors/openapi/brevo/brevo.yaml").read_text(encoding="utf-8"), loader)
    someone = sandbox.company.store.campaign_events[-1].contact_id
    asked = {
        "/account": "/account",
        "/contacts": "/contacts",
        "/contacts/lists": "/contacts/lists",
        "/contacts/folders": "/contacts/folders",
        "/contacts/attributes": "/contacts/attributes",
        "/contacts/lists/{listId}/contacts": "/contacts/lists/1/contacts",
        "/contacts/{identifier}/campaignStats": f"/contacts/{someone}/campaignStats",
        "/companies": "/companies",
        "/emailCampaigns": "/emailCampaigns",
        "/smtp/statistics/events": "/smtp/statistics/events",
    }
    for documented, path in asked.items():
        content = spec["paths"][documented]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        schema = {**content, "components": spec["components"]}
        wrong = [e.message[:200] for e in jsonschema.Draft202012Validator(schema).iter_errors(get(sandbox, path))]
        assert not wrong, f"{documented}: {wrong[:5]}"
