"""Shopware's search language over plain records: filters, sorting, paging, associations, includes.

What belongs here is the meaning of a Criteria as the Admin API documents it, including SQL's three-valued
logic (a comparison with null is neither true nor false). Which entities exist and what they hold is
`sandbox.vendors.shopware`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

MAX_LIMIT = 500
COUNT_MODES = {"none": 0, "exact": 1, "next-pages": 2, "0": 0, "1": 1, "2": 2}

Record = dict[str, Any]


@dataclass(frozen=True)
class Association:
    """A way from one entity to another; `rows` gives the target's records of one source record."""

    target: str
    many: bool
    rows: Callable[[Record], list[Record]]


@dataclass
class Entity:
    """One entity: its API alias, its records, its ways to others."""

    name: str
    records: list[Record]
    fields: frozenset[str]
    associations: dict[str, Association] = field(default_factory=dict)


class CriteriaError(Exception):
    """A criteria that the API answers with 400: its error code and sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Found:
    """One page of a search."""

    records: list[Record]
    total: int


def search(entities: Mapping[str, Entity], entity: Entity, criteria: Mapping[str, Any]) -> Found:
    """The page of `entity` that a criteria asks for.

    Raises:
        CriteriaError: limit or page out of range, a field the entity does not have, a filter that is not one.
    """
    limit = whole(criteria.get("limit", MAX_LIMIT), "limit", "FRAMEWORK__INVALID_LIMIT_QUERY")
    page = whole(criteria.get("page", 1), "page", "FRAMEWORK__INVALID_PAGE_QUERY")
    if limit > MAX_LIMIT:
        raise CriteriaError(
            "FRAMEWORK__QUERY_LIMIT_EXCEEDED",
            f"The limit must be lower than or equal to MAX_LIMIT(={MAX_LIMIT}). Given: {limit}",
        )
    records: Iterable[Record] = entity.records
    ids = criteria.get("ids")
    if ids:
        wanted = set(ids if isinstance(ids, list) else str(ids).split("|"))
        records = (r for r in records if r["id"] in wanted)
    tests = [compiled(entities, entity, f) for f in listed(criteria.get("filter"), "filter")]
    tests += [compiled(entities, entity, f) for f in listed(criteria.get("post-filter"), "post-filter")]
    hits = [r for r in records if all(test(r) is True for test in tests)]
    hits = ordered(entities, entity, hits, listed(criteria.get("sort"), "sort"))
    mode = COUNT_MODES.get(str(criteria.get("total-count-mode", 0)), 0)
    start = (page - 1) * limit
    shown = hits[start : start + limit]
    if mode == 1:
        total = len(hits)
    elif mode == 2:  # rows from this page on, looked ahead no further than six pages and one row
        total = min(max(len(hits) - start, 0), limit * 6 + 1)
    else:
        total = len(shown)
    return Found(shown, total)


def whole(value: Any, name: str, code: str) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise CriteriaError(
            code, f"The {name} parameter must be a positive integer greater or equals than 1. Given: {value}"
        )
    return number


def listed(value: Any, name: str) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise CriteriaError("FRAMEWORK__INVALID_CRITERIA", f'The "{name}" parameter has to be a list of objects.')
    return value


Test = Callable[[Record], bool | None]


def compiled(entities: Mapping[str, Entity], entity: Entity, query: Mapping[str, Any]) -> Test:
    """A filter as a function that answers true, false or null."""
    kind = query.get("type")
    if kind in ("multi", "not", "and", "or", "nand", "nor"):
        operator = str(query.get("operator", "and" if kind in ("multi", "not") else kind)).lower()
        tests = [compiled(entities, entity, q) for q in listed(query.get("queries"), "queries")]
        joined = all_of(tests) if operator in ("and", "nand") else any_of(tests)
        negate = (kind in ("not", "nand", "nor")) != (kind == "multi" and operator in ("nand", "nor"))
        return negated(joined) if negate else joined
    name = query.get("field")
    if not isinstance(name, str) or not name:
        raise CriteriaError("FRAMEWORK__INVALID_FILTER_QUERY", f'Parameter "field" for {kind} filter is missing.')
    values = reader(entities, entity, name)
    if kind == "equals":
        if "value" not in query:
            raise CriteriaError("FRAMEWORK__INVALID_FILTER_QUERY", 'Parameter "value" for equals filter is missing.')
        wanted = query["value"]
        if wanted is None:
            return lambda r: all(v is None for v in values(r))
        return some(values, lambda v: same(v, wanted))
    if kind in ("equalsAny", "equalsAll"):
        given = query.get("value")
        options = given if isinstance(given, list) else str(given or "").split("|")
        if not options or options == [""]:
            raise CriteriaError("FRAMEWORK__INVALID_FILTER_QUERY", f'Parameter "value" for {kind} filter is missing.')
        if kind == "equalsAll":
            return lambda r: all(any(same(v, o) for v in values(r)) for o in options)
        return some(values, lambda v: any(same(v, o) for o in options))
    if kind == "range":
        return some(values, within(query.get("parameters"), name))
    if kind in ("contains", "prefix", "suffix"):
        text = str(query.get("value", "")).casefold()
        return some(values, lambda v: affix(str(v).casefold(), text, str(kind)))
    raise CriteriaError("FRAMEWORK__INVALID_FILTER_QUERY", f"The filter type {kind!r} is not supported.")


def within(bounds: Any, name: str) -> Callable[[Any], bool]:
    if not isinstance(bounds, dict) or not bounds or set(bounds) - {"gt", "gte", "lt", "lte"}:
        raise CriteriaError(
            "FRAMEWORK__INVALID_FILTER_QUERY",
            f'Parameter "parameters" for range filter on {name} is missing.',
        )

    def test(value: Any) -> bool:
        for operator, bound in bounds.items():
            left, right = comparable(value, bound)
            order = (left > right) - (left < right)
            if not {"gt": order > 0, "gte": order >= 0, "lt": order < 0, "lte": order <= 0}[operator]:
                return False
        return True

    return test


def affix(text: str, part: str, kind: str) -> bool:
    return {"contains": part in text, "prefix": text.startswith(part), "suffix": text.endswith(part)}[kind]


def some(values: Callable[[Record], list[Any]], test: Callable[[Any], bool]) -> Test:
    """True when one value passes, null when there is none to compare, as a left join has it."""

    def run(record: Record) -> bool | None:
        known = [v for v in values(record) if v is not None]
        return any(test(v) for v in known) if known else None

    return run


def all_of(tests: list[Test]) -> Test:
    def run(record: Record) -> bool | None:
        results = [t(record) for t in tests]
        return False if False in results else None if None in results else True

    return run


def any_of(tests: list[Test]) -> Test:
    def run(record: Record) -> bool | None:
        results = [t(record) for t in tests]
        return True if True in results else None if None in results else bool(not results)

    return run


def negated(test: Test) -> Test:
    def run(record: Record) -> bool | None:
        result = test(record)
        return None if result is None else not result

    return run


def reader(entities: Mapping[str, Entity], entity: Entity, name: str) -> Callable[[Record], list[Any]]:
    """Reads a dotted field; several values when the way leads over a to-many association."""
    steps = name.split(".")
    if steps[0] == entity.name and len(steps) > 1:
        steps = steps[1:]
    first, rest = steps[0], steps[1:]
    way = entity.associations.get(first)
    if way is not None and rest:
        target = entities[way.target]
        inner, rows = reader(entities, target, ".".join(rest)), way.rows
        return lambda r: [v for row in rows(r) for v in inner(row)] or [None]
    if first not in entity.fields:
        raise CriteriaError("FRAMEWORK__UNMAPPED_FIELD", f'Field "{name}" in entity "{entity.name}" was not found.')
    if rest:  # customFields.some_key and price.netPrice

        def dig(record: Record) -> list[Any]:
            value = record[first]
            for step in rest:
                value = value.get(step) if isinstance(value, dict) else None
            return [value]

        return dig
    return lambda r: [r[first]]


def same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return bool(value) == (wanted not in (False, 0, "0", "false", ""))
    left, right = comparable(value, wanted)
    return bool(left == right)


def comparable(value: Any, bound: Any) -> tuple[Any, Any]:
    """A stored value and a given one in a common type: numbers, instants, or text without case as MySQL."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value), float(bound)
        except (TypeError, ValueError):
            return float(value), 0.0
    left, right = str(value), str(bound)
    if len(left) > 9 and left[4:5] == "-" and left[10:11] in ("", "T", " "):
        a, b = instant(left), instant(right)
        if a is not None and b is not None:
            return a, b
    return left.casefold(), right.casefold()


@lru_cache(maxsize=200_000)
def instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def ordered(
    entities: Mapping[str, Entity], entity: Entity, records: list[Record], sorts: list[Mapping[str, Any]]
) -> list[Record]:
    """Sorted as MySQL does: nulls first when ascending; stable on what was not asked for."""
    for sort in reversed(sorts):
        name = sort.get("field")
        if not isinstance(name, str):
            raise CriteriaError("FRAMEWORK__INVALID_SORT_QUERY", 'The "field" of a sorting is missing.')
        values = reader(entities, entity, name)
        down = str(sort.get("order", "ASC")).upper() == "DESC"

        def key(record: Record, values: Callable[[Record], list[Any]] = values) -> tuple[bool, Any]:
            value = values(record)[0]
            return value is not None, value.casefold() if isinstance(value, str) else value or 0

        records = sorted(records, key=key, reverse=down)
    return records


def rendered(
    entities: Mapping[str, Entity], entity: Entity, record: Record, criteria: Mapping[str, Any], includes: Any
) -> Record:
    """A record as JSON shows it: associations null unless asked for, fields cut to `includes`."""
    asked = criteria.get("associations") or {}
    shown: Record = {**record, **dict.fromkeys(entity.associations)}
    for name, inner in asked.items() if isinstance(asked, dict) else ():
        way = entity.associations.get(name)
        if way is None:
            continue  # the API passes over associations it does not know
        target, inner = entities[way.target], inner if isinstance(inner, dict) else {}
        rows = way.rows(record)
        if inner.get("filter") or inner.get("sort"):
            tests = [compiled(entities, target, f) for f in listed(inner.get("filter"), "filter")]
            rows = [r for r in rows if all(t(r) is True for t in tests)]
            rows = ordered(entities, target, rows, listed(inner.get("sort"), "sort"))
        if isinstance(inner.get("limit"), int):
            rows = rows[: inner["limit"]]
        inside = [rendered(entities, target, r, inner, includes) for r in rows]
        shown[name] = inside if way.many else (inside[0] if inside else None)
    wanted = includes.get(entity.name) if isinstance(includes, dict) else None
    if isinstance(wanted, list):
        return {**{k: v for k, v in shown.items() if k in wanted}, "apiAlias": entity.name}
    return {**shown, "extensions": [], "_uniqueIdentifier": record["id"], "apiAlias": entity.name}
