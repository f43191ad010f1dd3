"""Shopware's search language: what the documentation says a criteria finds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vendors.shopware_criteria import Association, CriteriaError, Entity, rendered, search


def shop() -> dict[str, Entity]:
    """Two groups; five customers, of whom three were never edited."""
    groups = [{"id": "g1", "name": "Fachhandel"}, {"id": "g2", "name": "Industrie"}]
    customers = [
        {
            "id": f"c{i}",
            "groupId": "g1" if i < 3 else "g2",
            "createdAt": f"2026-01-0{i}T10:00:00.000+00:00",
            "updatedAt": f"2026-02-0{i}T10:00:00.000+00:00" if i in (2, 4) else None,
            "orderCount": i,
            "company": "Müller GmbH" if i == 1 else f"Firma {i}",
            "active": i != 5,
            "customFields": {"crm_id": str(i)} if i == 3 else None,
        }
        for i in range(1, 6)
    ]
    by_group = {g["id"]: [c for c in customers if c["groupId"] == g["id"]] for g in groups}
    by_id = {str(g["id"]): g for g in groups}
    return {
        "customer": Entity(
            "customer",
            customers,
            frozenset(customers[0]),
            {"group": Association("customer_group", False, lambda c: [by_id[c["groupId"]]])},
        ),
        "customer_group": Entity(
            "customer_group",
            groups,
            frozenset(groups[0]),
            {"customers": Association("customer", True, lambda g: by_group[g["id"]])},
        ),
    }


def ids(criteria: dict[str, Any]) -> list[str]:
    entities = shop()
    return [r["id"] for r in search(entities, entities["customer"], criteria).records]


def test_a_range_never_matches_null_and_neither_does_its_negation() -> None:
    newer = {"type": "range", "field": "updatedAt", "parameters": {"gte": "2026-02-03"}}
    assert ids({"filter": [newer]}) == ["c4"]
    assert ids({"filter": [{"type": "not", "queries": [newer]}]}) == ["c2"]


def test_never_edited_records_are_found_by_null_and_their_creation() -> None:
    changed = {
        "type": "multi",
        "operator": "or",
        "queries": [
            {"type": "range", "field": "updatedAt", "parameters": {"gte": "2026-02-03T00:00:00.000+00:00"}},
            {
                "type": "multi",
                "operator": "and",
                "queries": [
                    {"type": "equals", "field": "updatedAt", "value": None},
                    {
                        "type": "range",
                        "field": "createdAt",
                        "parameters": {"gt": "2026-01-01T10:00:00+00:00"},
                    },
                ],
            },
        ],
    }
    assert ids({"filter": [changed]}) == ["c3", "c4", "c5"]


def test_instants_compare_as_instants_whatever_their_spelling() -> None:
    for text in ("2026-01-02 10:00:00", "2026-01-02T11:00:00+01:00", "2026-01-02T10:00:00Z"):
        found = ids({"filter": [{"type": "range", "field": "createdAt", "parameters": {"gte": text, "lte": text}}]})
        assert found == ["c2"], text


def test_filters_reach_over_associations_and_into_custom_fields() -> None:
    assert ids({"filter": [{"type": "equals", "field": "customer.group.name", "value": "Industrie"}]}) == [
        "c3",
        "c4",
        "c5",
    ]
    assert ids({"filter": [{"type": "equals", "field": "customFields.crm_id", "value": "3"}]}) == ["c3"]
    assert ids({"filter": [{"type": "equalsAny", "field": "id", "value": ["c1", "c5"]}]}) == ["c1", "c5"]
    assert ids({"filter": [{"type": "equalsAny", "field": "id", "value": "c1|c5"}]}) == ["c1", "c5"]
    assert ids({"filter": [{"type": "contains", "field": "company", "value": "müller"}]}) == ["c1"]
    assert ids({"filter": [{"type": "equals", "field": "active", "value": False}]}) == ["c5"]


def test_sorting_puts_null_first_when_ascending() -> None:
    assert ids({"sort": [{"field": "updatedAt"}, {"field": "id", "order": "DESC"}]}) == [
        "c5",
        "c3",
        "c1",
        "c2",
        "c4",
    ]


@pytest.mark.parametrize(
    ("mode", "total"), [(None, 2), (0, 2), ("none", 2), (1, 5), ("exact", 5), (2, 3), ("next-pages", 3)]
)
def test_the_total_means_what_its_mode_says(mode: object, total: int) -> None:
    entities = shop()
    found = search(entities, entities["customer"], {"limit": 2, "page": 2, "total-count-mode": mode})
    assert (len(found.records), found.total) == (2, total)


@pytest.mark.parametrize(
    "criteria",
    [
        {"limit": 501},
        {"limit": 0},
        {"page": 0},
        {"filter": [{"type": "equals", "field": "nothing", "value": 1}]},
        {"filter": [{"type": "range", "field": "createdAt", "parameters": {"after": "x"}}]},
        {"filter": [{"type": "unknown", "field": "id", "value": 1}]},
        {"filter": {"type": "equals"}},
        {"sort": [{"order": "ASC"}]},
    ],
)
def test_a_wrong_criteria_is_refused(criteria: dict[str, Any]) -> None:
    with pytest.raises(CriteriaError):
        ids(criteria)


def test_associations_show_only_when_asked_for_and_includes_cut_fields() -> None:
    entities = shop()
    group = entities["customer_group"].records[0]
    plain = rendered(entities, entities["customer_group"], group, {}, None)
    assert plain["customers"] is None and plain["apiAlias"] == "customer_group"
    asked = {
        "associations": {
            "customers": {
                "sort": [{"field": "id", "order": "DESC"}],
                "limit": 1,
                "associations": {"group": {}},
            }
        }
    }
    full = rendered(entities, entities["customer_group"], group, asked, {"customer": ["id", "group"]})
    assert [c["id"] for c in full["customers"]] == ["c2"]
    assert set(full["customers"][0]) == {"id", "group", "apiAlias"}
    assert full["customers"][0]["group"]["name"] == "Fachhandel"


@given(st.integers(1, 7), st.sampled_from(["ASC", "DESC"]))
def test_pages_together_are_the_whole_sorted_once(limit: int, order: str) -> None:
    sort = [{"field": "createdAt", "order": order}]
    pages = [ids({"limit": limit, "page": page, "sort": sort}) for page in range(1, 7)]
    assert [i for page in pages for i in page] == ids({"sort": sort})
