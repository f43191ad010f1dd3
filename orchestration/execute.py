"""Starts the same job that the Dagster UI starts, in this process, and says how it ended."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from connectors import VENDORS
from orchestration import dbt, settings
from orchestration.definitions import defs
from orchestration.run import Exit, Run
from orchestration.run_resource import ENDED

STEPS = ("extract", "build", "publish")


def selection(until: str) -> dg.AssetSelection:
    """The assets up to a step."""
    if until == "extract":
        return dg.AssetSelection.groups(*VENDORS)
    return dg.AssetSelection.all() - dg.AssetSelection.assets(["published", "marts"])


@dataclass(frozen=True)
class Ended:
    """How a run ended: the exit code, one sentence, and the numbers that a person or a machine wants."""

    code: Exit
    sentence: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "exit_code": int(self.code),
            "outcome": self.code.name.lower(),
            "message": self.sentence,
            **self.numbers,
        }

    def lines(self) -> list[str]:
        return [self.sentence]


def execute(
    config: Path, sources: list[str] | None = None, full: bool = False, since: str | None = None, until: str = "publish"
) -> Ended:
    """Runs the pipeline with the instance of `DAGSTER_HOME`, or an ephemeral one where that is not set."""
    if until not in STEPS:
        raise settings.ConfigError(f"--until {until!r} is not a step; write one of {', '.join(STEPS)}")
    os.environ[settings.CONFIG_VARIABLE] = str(config)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    # With nothing new there is nothing to gate and nothing to publish; Dagster would warn of a gate that said nothing.
    logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
    instance = _instance()
    job = defs.resolve_implicit_global_asset_job_def() if until != "publish" else defs.resolve_job_def("refresh")
    selected = None if until == "publish" else list(selection(until).resolve(defs.resolve_asset_graph()))
    wish = {"sources": sources or [], "full": full, "since": since, "until": until}
    result = job.execute_in_process(
        instance=instance,
        run_config={
            "resources": {"run": {"config": wish}},
            # Our own reporter speaks to people; Dagster keeps its events in its own database.
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        asset_selection=selected,
        raise_on_error=False,
    )
    ended = ENDED.pop(result.run_id.replace("-", ""), None)
    if ended is None:
        raise dbt.DbtError("the run ended before it began; run again with --debug")
    if isinstance(ended, Exception):
        code = getattr(ended, "exit_code", None)
        if code is None:
            raise ended
        return Ended(Exit(code), str(ended))
    if not result.success and ended.error is None and not ended.failures:
        # A fault of ours outside of what a step watches over: it must not look like a run with nothing to do.
        failed = (e.step_failure_data.error for e in result.all_events if e.is_step_failure)
        error = next((e.cause or e for e in failed if e is not None), None)
        reason = error.message.strip() if error is not None else "no step says why"
        ended.error = dbt.DbtError(f"the run failed, nothing was published: {reason}")
        ended.ledger.finish_run(ended.run_id, exit_code=int(ended.exit), as_of=ended.as_of)
    return conclude(ended)


def _instance() -> dg.DagsterInstance:
    home = os.environ.get("DAGSTER_HOME")
    return dg.DagsterInstance.get() if home and Path(home, "dagster.yaml").is_file() else dg.DagsterInstance.ephemeral()


def conclude(run: Run) -> Ended:
    numbers: dict[str, Any] = {
        "run_id": run.run_id,
        "received": run.received,
        "changed": run.changed,
        "generation": run.published,
        "as_of": run.as_of,
        "warnings": run.warnings,
        "failures": [vars(f) for f in run.failures],
    }
    if run.error is not None:
        if not hasattr(run.error, "exit_code"):
            raise run.error
        return Ended(run.exit, str(run.error), numbers)
    if run.failures:
        first = run.failures[0]
        return Ended(run.exit, f"{first.source}.{first.stream}: {first.message}", numbers)
    if run.published is None:
        return Ended(
            run.exit, f"nothing published: {run.received:,} records received, {run.changed:,} of them new", numbers
        )
    warned = f", {run.warnings} warnings: see `wegpunkt quality list`" if run.warnings else ""
    return Ended(run.exit, f"published generation {run.published}: {run.changed:,} new records{warned}", numbers)
