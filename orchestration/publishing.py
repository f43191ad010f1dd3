"""The last asset: one new generation, published whole or not at all."""

from collections.abc import Iterator

import dagster as dg

from orchestration import models, progress
from orchestration.run import Run
from orchestration.run_resource import RunResource


class SourcesFailed(Exception):
    """The generation was published without the newest data of a source; the run must not look green."""

    exit_code = 30


def build() -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="publish",
        specs=[
            dg.AssetSpec(
                ["published", "marts"],
                deps=models.published_keys(),
                group_name="published",
                kinds={"duckdb", "parquet"},
                owners=["team:data-engineering"],
                description="The published generation: published/marts.duckdb and the same tables as Parquet.",
                skippable=True,
            )
        ],
    )
    def publish(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[dg.MaterializeResult[None]]:
        with RunResource.step(run):
            progress.current().say("publishing")
            generation, rows = run.work.publish()
            run.published = generation
        yield dg.MaterializeResult(
            asset_key=["published", "marts"],
            metadata={"generation": generation, "dagster/row_count": sum(rows.values()), "tables": len(rows)},
        )
        if run.failures:
            failed = ", ".join(sorted({f"{f.source}.{f.stream}" for f in run.failures}))
            raise dg.Failure(f"published, but without the newest data of {failed}", allow_retries=False)

    return publish
