"""HubSpot's search language: filters within a group all hold, one group is enough, sorted by one property.

Values are compared by the property's type: numbers as numbers, instants whether written as milliseconds or as text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sandbox.records import CrmObject

MAX_GROUPS, MAX_FILTERS, MAX_ALL = 5, 6, 18
ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
}
Filter = Callable[[CrmObject], bool]


class SearchError(ValueError):
    """A question that the search refuses."""


@lru_cache(maxsize=200_000)
def comparable(text: str, kind: str) -> float | str | None:
    """A value in a form that can be compared within its type; None where it is not of that type."""
    if kind in ("datetime", "date"):
        if text.lstrip("-").isdigit():
            return float(text)
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000, 3)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return None
    return text.lower()


def matching(rows: list[CrmObject], types: dict[str, str], given: dict[str, Any]) -> list[CrmObject]:
    """The rows that a search finds, in its order; without a sort by creation."""
    groups = given.get("filterGroups") or []
    if not isinstance(groups, list) or len(groups) > MAX_GROUPS:
        raise SearchError(f"filterGroups must be a list of at most {MAX_GROUPS} groups")
    tests: list[list[Filter]] = []
    for group in groups:
        filters = group.get("filters") if isinstance(group, dict) else None
        if not isinstance(filters, list) or len(filters) > MAX_FILTERS:
            raise SearchError(f"a filter group must have a list of at most {MAX_FILTERS} filters")
        tests.append([test_of(f, types) for f in filters])
    if sum(len(t) for t in tests) > MAX_ALL:
        raise SearchError(f"a search must have at most {MAX_ALL} filters")
    found = [r for r in rows if not tests or any(all(t(r) for t in group) for group in tests)]
    words = given.get("query")
    if words:
        found = [r for r in found if any(str(words).lower() in value.lower() for value in r.properties.values())]
    return in_order(found, types, given.get("sorts") or [])


def in_order(rows: list[CrmObject], types: dict[str, str], sorts: list[Any]) -> list[CrmObject]:
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise SearchError("only one sort is supported")
    rows = sorted(rows, key=lambda r: r.id)
    if not sorts:
        return rows
    sort = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": str(sorts[0])}
    name = sort.get("propertyName", "")
    if name.startswith("-"):
        sort = {"propertyName": name[1:], "direction": "DESCENDING"}
        name = name[1:]
    direction = sort.get("direction", "ASCENDING")
    if name not in types or direction not in ("ASCENDING", "DESCENDING"):
        raise SearchError(f"cannot sort by {name} {direction}")
    kind = types[name]

    def key(row: CrmObject) -> tuple[bool, float | str]:
        value = comparable(row.properties[name], kind) if name in row.properties else None
        return (value is None, "" if value is None and kind not in ("number", "datetime", "date") else value or 0.0)

    return sorted(rows, key=key, reverse=direction == "DESCENDING")


def test_of(given: Any, types: dict[str, str]) -> Filter:
    """One filter as a test of a row."""
    if not isinstance(given, dict):
        raise SearchError("a filter must be an object")
    name, operator = given.get("propertyName"), given.get("operator")
    if name not in types:
        raise SearchError(f"there is no property {name}")
    kind = types[name]

    def value_of(row: CrmObject) -> float | str | None:
        text = row.properties.get(name)
        return None if text is None else comparable(text, kind)

    def wanted(key: str = "value") -> float | str:
        if given.get(key) is None:
            raise SearchError(f"operator {operator} on {name} requires {key}")
        value = comparable(str(given[key]), kind)
        if value is None:
            raise SearchError(f"{given[key]} is not a valid {kind} for {name}")
        return value

    if operator in ORDERED:
        against, compare = wanted(), ORDERED[operator]
        return lambda row: (value := value_of(row)) is not None and compare(value, against)
    if operator in ("EQ", "NEQ"):
        same, equal = wanted(), operator == "EQ"
        return lambda row: (value_of(row) == same) is equal
    if operator == "BETWEEN":
        low, high = wanted(), wanted("highValue")
        return lambda row: (value := value_of(row)) is not None and low <= value <= high  # type: ignore[operator]
    if operator in ("IN", "NOT_IN"):
        many = given.get("values")
        if not isinstance(many, list) or not many:
            raise SearchError(f"operator {operator} on {name} requires values")
        among, inside = {comparable(str(v), kind) for v in many}, operator == "IN"
        return lambda row: (value_of(row) in among) is inside
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        has = operator == "HAS_PROPERTY"
        return lambda row: (name in row.properties) is has
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        part, holds = str(given.get("value", "")).strip("*").lower(), operator == "CONTAINS_TOKEN"
        return lambda row: (part in row.properties.get(name, "").lower()) is holds
    raise SearchError(f"unknown operator {operator}")
