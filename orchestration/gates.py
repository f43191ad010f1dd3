"""The quality gate as asset checks: Great Expectations suites on what was landed and on what would be published.

Each table with a suite has two checks, `gx_critical` (blocking) and `gx_warning`; their names stay the same when a
steward edits a rule. Findings become issues in the ledger, with the failing records' keys and links into the vendor's
own pages. A waived rule still fails visibly, but does not block.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from connectors import VENDORS
from expectations import Outcome, Report, Suite, load_suites, validate
from orchestration import models, progress
from orchestration.run import Run
from orchestration.run_resource import RunResource


class Blocked(Exception):
    """The gate found something critical: names the worst, and says that the old generation stays."""

    exit_code = 20


def raw_suites(known: Mapping[str, Suite]) -> dict[str, Suite]:
    """Suites of raw tables, by `<vendor>__<stream>`."""
    raw = {f"{v.name}__{s}" for v in VENDORS.values() for s in v.streams}
    return {table: suite for table, suite in known.items() if table in raw}


def mart_suites(known: Mapping[str, Suite], stage: str) -> dict[str, Suite]:
    """Suites of the published tables that a dbt stage builds."""
    built = models.nodes(stage)
    return {table: suite for table, suite in known.items() if models.is_published(table) and table in built}


def evaluate(run: Run, suites: dict[str, Suite], raw: bool) -> dict[str, Report]:
    """Validates each table that has something to validate and files what was found as issues.

    A raw table is validated where this run changed it; a published table always.
    """
    reports: dict[str, Report] = {}
    for table, suite in suites.items():
        frame = run.work.raw_frame(table, suite.columns) if raw else run.work.mart_frame(table, suite.columns)
        if frame is None:
            continue
        report = validate(suite, frame)
        reports[table] = report
        run.work.file_issues(report, suite, _urls(run, table, report, frame) if raw else {})
    return reports


def _urls(run: Run, table: str, report: Report, frame: pl.DataFrame) -> dict[str, str]:
    """Deep links of failing raw records, where the vendor has a page for them and its address is configured."""
    vendor_name, stream = table.split("__", 1)
    sources = (s for s in run.settings.sources if s.vendor == vendor_name)
    options = next(({"base_url": s.base_url, **s.options} for s in sources), {})
    links = {}
    for key in {k for o in report.failed() for k in o.keys}:
        url = VENDORS[vendor_name].record_url(stream, key, options)
        if url:
            links[key] = url
    return links


def results(
    table: str, key: dg.AssetKey, report: Report | None, waived: set[str], still_open: set[str]
) -> Iterator[dg.AssetCheckResult]:
    """The two checks of a table.

    A table that this run did not change, or that has no row yet, was not evaluated: what was open before stays open, and
    the metadata says that nothing was looked at.
    """
    for name, critical in (("gx_critical", True), ("gx_warning", False)):
        failed = [o for o in report.failed() if (o.severity == "critical") == critical] if report else []
        evaluated = report is not None and bool(report.outcomes)
        passed = not [o for o in failed if o.rule_id not in waived] if evaluated else name not in still_open
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=passed,
            severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
            metadata={
                "evaluated": evaluated,
                "rows": report.rows if report else 0,
                "rules": len(report.outcomes) if report else 0,
                "failures": dg.MetadataValue.md(markdown(failed, waived) if evaluated else "not evaluated in this run"),
            },
        )


def markdown(failed: Sequence[Outcome], waived: set[str]) -> str:
    if not failed:
        return "none"
    lines = ["| rule | severity | rows | first keys |", "|---|---|--:|---|"]
    for o in failed:
        state = f"{o.severity} (waived)" if o.rule_id in waived else o.severity
        lines.append(f"| {o.rule_id} | {state} | {o.failing} | {', '.join(o.keys[:5])} |")
    return "\n".join(lines)


def build(name: str, suites: dict[str, Suite], keys: Mapping[str, dg.AssetKey], raw: bool) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(check, asset=keys[table], blocking=check == "gx_critical", description=description)
        for table in suites
        for check, description in (
            ("gx_critical", "Rules whose failure keeps the old generation published."),
            ("gx_warning", "Rules whose failure a steward should look at."),
        )
    ]

    @dg.multi_asset_check(name=name, specs=specs)
    def gate(context: dg.AssetCheckExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[dg.AssetCheckResult]:
        with RunResource.step(run):
            progress.current().say(f"checking {len(suites)} tables")
            reports = evaluate(run, suites, raw)
            waived = run.work.waived()
            still_open = run.work.open_checks()
        for table in suites:
            yield from results(table, keys[table], reports.get(table), waived, still_open.get(table, set()))
        with RunResource.step(run):
            blocking = [o for r in reports.values() for o in r.failed("critical") if o.rule_id not in waived]
            run.warnings += sum(1 for r in reports.values() for o in r.failed() if o.severity != "critical")
            if blocking:
                more = f" and {len(blocking) - 1} more" if len(blocking) > 1 else ""
                raise Blocked(
                    f"{blocking[0].message}{more}; the published generation stays, `wegpunkt quality list` shows the rows"
                )

    return gate


def checks() -> list[dg.AssetChecksDefinition]:
    """One gate before each stage that must not work on bad data: landed before staging, journey before marts, marts before publishing."""
    known = load_suites()
    raw = raw_suites(known)
    keys = {key.path[-1]: key for key in models.published_keys()}
    return [
        build("gate_landed", raw, {table: dg.AssetKey(table.split("__", 1)) for table in raw}, raw=True),
        *(build(f"gate_{stage}", mart_suites(known, stage), keys, raw=False) for stage in ("journey", "marts")),
    ]
