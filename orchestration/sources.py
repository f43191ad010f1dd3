"""Vendor streams as assets: one multi-asset a vendor pulls what is new of all its configured accounts and lands it.

A stream that fails does not stop the others: it is recorded, shown as a failed check, and the run ends with code 30.
How a vendor is read belongs to connectors/, how a page is kept to warehouse/.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from connectors import VENDORS, SourceError, Vendor, connect
from orchestration import progress
from orchestration.run import Exit, Run, SourceFailure
from orchestration.run_resource import RunResource
from orchestration.settings import ConfigError, Source
from warehouse import Landing

FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2))
OWNER = "team:data-engineering"


def read_stream(run: Run, landing: Landing, source: Source, connector: Any, stream: str) -> dict[str, Any]:
    """Pulls one stream from its cursor, or from inside an interrupted pass, and lands it page by page."""
    name = f"{source.vendor}.{stream}" if source.instance == "default" else f"{source.name}.{stream}"
    cursor, resume = landing.state(source.vendor, source.instance, stream)
    if run.request.full:
        cursor = resume = None
    records = pages = requests = refused = 0
    waited = 0.0
    try:
        for batch in connector.read(
            stream, cursor=cursor, resume=resume, since=run.request.since, full=run.request.full
        ):
            landing.write(source.vendor, source.instance, batch)
            records += batch.received
            refused += len(batch.rejects)
            pages, requests, waited = pages + batch.pages, requests + batch.requests, waited + batch.waited_seconds
            if batch.server_time is not None and (run.as_of is None or batch.server_time > run.as_of):
                run.as_of = batch.server_time
            progress.current().stream(name, records, pages, waited)
    finally:
        # Also after a failure: what came before it is kept, and the next run goes on behind it.
        counts = landing.finish_stream(source.vendor, source.instance, stream)
    changed = counts.new + counts.superseded + counts.tombstoned
    run.received += records
    run.changed += changed
    progress.current().finished(name, records, changed, refused)
    return {
        "dagster/row_count": changed,
        "received": records,
        "new": counts.new,
        "unchanged": counts.unchanged,
        "superseded": counts.superseded,
        "quarantined": counts.quarantined,
        "tombstoned": counts.tombstoned,
        "pages": pages,
        "requests": requests,
        "seconds_throttled": round(waited, 1),
    }


def read_source(run: Run, source: Source, streams: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All wanted streams of one account; what fails is recorded on the run, never swallowed."""
    landing = Landing(run.ledger, run.settings.data, run.run_id, full=run.request.full)
    connector = connect(
        source.vendor,
        instance=source.instance,
        base_url=source.base_url,
        auth=source.secrets(),
        page_size=source.page_size,
        lookback=source.lookback,
        allow_insecure_loopback=source.allow_insecure_loopback,
        options=source.options,
    )
    for stream in streams:
        try:
            yield stream, read_stream(run, landing, source, connector, stream)
        except SourceError as error:
            if getattr(error, "exit_code", None) == Exit.CONFIG:
                raise ConfigError(str(error)) from None
            run.failures.append(SourceFailure(source.name, stream, str(error)))
            progress.current().say(f"{source.name}.{stream}: {error}")
            yield stream, {"failed": str(error)}


def spec(vendor: Vendor, stream: str) -> dg.AssetSpec:
    declared = vendor.streams[stream]
    columns = [
        dg.TableColumn(c.name, c.type, constraints=dg.TableColumnConstraints(nullable=not c.required))
        for c in declared.columns
    ]
    return dg.AssetSpec(
        [vendor.name, stream],
        group_name=vendor.name,
        kinds={vendor.name, "parquet"},
        owners=[OWNER],
        description=f"Every version of {vendor.name}'s {stream} as the vendor sent it, with typed columns.",
        tags={"kind": vendor.kind, **({"pii": "true"} if any(c.pii for c in declared.columns) else {})},
        freshness_policy=FRESH,
        metadata={"dagster/column_schema": dg.TableSchema(columns)},
    )


def build(vendor: Vendor) -> dg.AssetsDefinition:
    @dg.multi_asset(name=f"extract_{vendor.name}", specs=[spec(vendor, s) for s in vendor.streams], can_subset=True)
    def extract(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[dg.MaterializeResult[None]]:
        wanted = {key.path[-1] for key in context.selected_asset_keys}
        found: dict[str, dict[str, Any]] = {}
        with RunResource.step(run):
            for source in run.sources(vendor.name):
                streams = [s for s in vendor.streams if s in wanted and (not source.streams or s in source.streams)]
                for stream, metadata in read_source(run, source, streams):
                    found[stream] = metadata
        for stream in sorted(wanted):
            yield dg.MaterializeResult(asset_key=[vendor.name, stream], metadata=found.get(stream, {}))

    return extract


def assets() -> list[dg.AssetsDefinition]:
    return [build(vendor) for vendor in VENDORS.values()]
