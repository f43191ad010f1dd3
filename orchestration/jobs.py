"""One job that does everything, and the schedule that runs it hourly once somebody switches it on."""

from __future__ import annotations

import dagster as dg

# In process: one file has one writer, and a process per asset would cost two CPU seconds each.
refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="What `wegpunkt run` does: read all sources, build, check, score and publish one generation.",
)
hourly = dg.ScheduleDefinition(job=refresh, cron_schedule="0 * * * *", execution_timezone="Europe/Berlin")
