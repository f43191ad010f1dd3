"""Runs one suite of Great Expectations against one frame and says what failed, by record key.

A suite is data: a table, the column that names a row, how few rows are too few, and expectations with a severity each.
Great Expectations passes an empty suite and an empty frame; here both count against the table, and a rule that breaks
while it is evaluated counts as failed at its own severity. Values never leave this module: only keys and counts do,
because results are shown to people and stored.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
SUITES = Path(__file__).parent / "suites"
KEYS_KEPT = 1_000
"""Failing keys kept of one rule: enough to work through, bounded so that one broken column cannot fill the ledger."""


class SuiteError(ValueError):
    """A suite file is not well-formed: says which file, which rule and what is expected."""

    exit_code = 50


@dataclass(frozen=True)
class Expectation:
    """One rule: `type` is Great Expectations' own name in snake case, `arguments` go to it unchanged."""

    rule_id: str
    type: str
    severity: Severity
    arguments: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        named = (self.arguments.get(k) for k in ("column", "column_A", "column_B"))
        return tuple(n for n in named if isinstance(n, str)) + tuple(self.arguments.get("column_list", ()))


@dataclass(frozen=True)
class Suite:
    """The rules of one table. `key` names the column that identifies a row; `min_rows` below which the table fails."""

    table: str
    key: str
    min_rows: int
    expectations: tuple[Expectation, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a frame for this suite must have, the key first: read these and no others."""
        wanted = [self.key, *(c for e in self.expectations for c in e.columns)]
        return tuple(dict.fromkeys(wanted))


@dataclass(frozen=True)
class Outcome:
    """What one rule found. `keys` are the failing rows' keys (at most KEYS_KEPT), `failing` their true number."""

    rule_id: str
    type: str
    column: str
    severity: Severity
    success: bool
    failing: int
    keys: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class Report:
    """All outcomes of one table, and whether any rule was evaluated at all."""

    table: str
    rows: int
    outcomes: tuple[Outcome, ...] = field(default=())

    def failed(self, severity: Severity | None = None) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if not o.success and severity in (None, o.severity))

    @property
    def blocks(self) -> bool:
        return bool(self.failed("critical"))


# libyaml's loader reads the suites ten times faster, where PyYAML was built with it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_suites(folder: Path = SUITES) -> dict[str, Suite]:
    """Every suite under `folder`, by table name.

    Raises:
        SuiteError: a file that is not a mapping of tables, an unknown key or severity, a table without rules or named twice.
    """
    suites: dict[str, Suite] = {}
    for file in sorted(folder.rglob("*.yml")):
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)
        if not isinstance(content, dict):
            raise SuiteError(
                f"{file.name}: expected a mapping from table to suite; write `table_name:` at the left margin"
            )
        for table, body in content.items():
            if table in suites:
                raise SuiteError(f"{file.name}: table {table} already has a suite; keep one")
            suites[table] = _suite(file.name, table, body)
    return suites


def _suite(file: str, table: str, body: Any) -> Suite:
    known = {"key", "min_rows", "rules"}
    if not isinstance(body, dict) or set(body) - known or not body.get("key"):
        raise SuiteError(f"{file}: suite {table} needs `key` and `rules`, may have `min_rows`, and nothing else")
    rules = tuple(_expectations(file, table, body.get("rules") or ()))
    if not rules:
        raise SuiteError(f"{file}: suite {table} has no rule; an empty suite would pass on anything")
    key = body["key"]
    # Without a key that is there and unique, no finding could be led back to its row: every suite checks that.
    implied = tuple(
        Expectation(f"{table}.{key}.{rule}", f"expect_column_values_to_{rule}", "critical", {"column": key})
        for rule in ("not_be_null", "be_unique")
    )
    return Suite(table=table, key=key, min_rows=int(body.get("min_rows", 1)), expectations=(*implied, *rules))


def _expectations(file: str, table: str, rules: Any) -> Iterator[Expectation]:
    seen: set[str] = set()
    for rule in rules:
        if not isinstance(rule, dict) or "type" not in rule or rule.get("severity") not in SEVERITIES:
            raise SuiteError(
                f"{file}: a rule of {table} needs `type` and `severity` (critical, warning or info): {rule}"
            )
        arguments = {k: v for k, v in rule.items() if k not in ("type", "severity", "id")}
        where = arguments.get("column") or arguments.get("column_A") or "table"
        rule_id = rule.get("id") or f"{table}.{where}.{rule['type'].removeprefix('expect_')}"
        if rule_id in seen:
            raise SuiteError(f"{file}: two rules of {table} are called {rule_id}; give one an `id`")
        seen.add(rule_id)
        yield Expectation(rule_id=rule_id, type=rule["type"], severity=rule["severity"], arguments=arguments)


def validate(suite: Suite, frame: pl.DataFrame) -> Report:
    """Evaluates `suite` against `frame` (at least the columns of `suite.columns`, one row a record).

    A frame shorter than `min_rows` fails critically without evaluating anything. With `min_rows: 0` an empty frame
    yields a report without outcomes: neither passed nor failed, and shown as such.
    """
    if frame.height < suite.min_rows:
        message = f"{suite.table} has {frame.height} rows, at least {suite.min_rows} are expected"
        volume = Outcome(f"{suite.table}.volume", "row_count", "table", "critical", False, 1, (), message)
        return Report(suite.table, frame.height, (volume,))
    if frame.height == 0:
        return Report(suite.table, 0)
    missing = [c for c in suite.columns if c not in frame.columns]
    if missing:
        message = f"{suite.table} lacks the columns {', '.join(missing)} that its rules name"
        return Report(
            suite.table,
            frame.height,
            (Outcome(f"{suite.table}.columns", "columns", ", ".join(missing), "critical", False, 1, (), message),),
        )
    results = _evaluate(suite, frame)
    outcomes = tuple(_outcome(suite, e, results.get(e.rule_id)) for e in suite.expectations)
    return Report(suite.table, frame.height, outcomes)


@cache
def _context() -> Any:
    """One ephemeral Great Expectations context a process; imported here because the import costs seconds."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _evaluate(suite: Suite, frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    context = _context()
    # Great Expectations refuses polars, and Arrow-backed pandas needs half the memory of the numpy-backed kind.
    table = frame.select(suite.columns).to_pandas(use_pyarrow_extension_array=True)
    source = context.data_sources.add_or_update_pandas("frames")
    asset = source.add_dataframe_asset(suite.table)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": table})
    rules = gx.ExpectationSuite(name=suite.table)
    for e in suite.expectations:
        try:
            implementation = get_expectation_impl(e.type)
            rules.add_expectation(implementation(**e.arguments, severity=e.severity, meta={"rule_id": e.rule_id}))
        except (ValueError, TypeError, gx.exceptions.GreatExpectationsError):
            raise SuiteError(
                f"rule {e.rule_id} is not one that Great Expectations knows with these arguments:"
                f" {e.type} {dict(e.arguments)}; mend it in the suite of {suite.table}"
            ) from None
    wanted = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": [suite.key],
        "return_unexpected_index_query": False,
    }
    found = batch.validate(rules, result_format=wanted)
    return {r.expectation_config.meta["rule_id"]: r.to_json_dict() for r in found.results}


def _raised(info: Mapping[str, Any]) -> bool:
    """Whether a rule raised: Great Expectations says so at the top, or below the name of the metric that failed."""
    nested = (v.get("raised_exception") for v in info.values() if isinstance(v, dict))
    return bool(info.get("raised_exception")) or any(nested)


def _outcome(suite: Suite, e: Expectation, result: dict[str, Any] | None) -> Outcome:
    column = ", ".join(e.columns) or "table"
    if result is None or _raised(result.get("exception_info", {})):
        message = f"{e.rule_id} could not be evaluated; the rule or the column's type is wrong"
        return Outcome(e.rule_id, e.type, column, e.severity, False, 0, (), message)
    if result["success"]:
        return Outcome(e.rule_id, e.type, column, e.severity, True, 0)
    detail = result.get("result", {})
    rows = detail.get("unexpected_index_list") or []
    keys = tuple(sorted({str(r[suite.key]) for r in rows if r.get(suite.key) is not None}))
    failing = int(detail.get("unexpected_count") or len(rows) or 1)
    rule = e.type.removeprefix("expect_").replace("_", " ")
    message = f"{suite.table}: {failing} rows fail '{rule}' on {column}"
    return Outcome(e.rule_id, e.type, column, e.severity, False, failing, keys[:KEYS_KEPT], message)
