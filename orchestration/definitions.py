"""The table of contents of the pipeline: what Dagster loads."""

from __future__ import annotations

import dagster as dg

from orchestration import gates, jobs, models, publishing, scores, sources
from orchestration.run_resource import RunResource

defs = dg.Definitions(
    assets=[*sources.assets(), *models.assets(), *scores.assets(), publishing.build()],
    asset_checks=gates.checks(),
    jobs=[jobs.refresh],
    schedules=[jobs.hourly],
    resources={"run": RunResource()},
    executor=dg.in_process_executor,
)
