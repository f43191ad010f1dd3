"""The Python steps between dbt's stages as assets: who is who, and whom to keep and to grow.

Reads what dbt prepared, calls insight/, writes the frames back into schema `insight` of the build file. The methods
belong to insight/, which knows neither files nor Dagster.
"""

from collections.abc import Iterator

import dagster as dg

from insight.tables import SCHEMAS
from orchestration import progress
from orchestration.run import Run
from orchestration.run_resource import RunResource

IDENTITY = ("identity", "identity_edge")
SCORES = tuple(t for t in SCHEMAS if t not in IDENTITY)
INPUTS = {
    "identity": [["identity", "int_identity__record"]],
    "scores": [["journey", f"int_score__{name}"] for name in ("order_line", "account", "product", "signal")],
}
DESCRIPTIONS = {
    "identity": "Which source record is which account or person, by which rule and with what confidence.",
    "identity_edge": "Every pair of records that was joined, suggested or held apart, with its evidence.",
    "retention_score": "Risk that an account places no order within the horizon, and the reasons that add up to it.",
    "account_value": "What an account orders, what of it is at risk, and what it is still expected to bring.",
    "recommendation": "Products that an account does not have, best first, and what it has that speaks for them.",
    "upsell_gap": "Categories of which an account buys less than it did, or than accounts of its segment and size do.",
    "whitespace": "Categories that most accounts of its segment buy and an account does not.",
    "replenishment": "Products that an account buys regularly and that are due again.",
    "score_run": "Parameters, counts, fallback level and input hash of each scoring.",
    "score_quality": "Past scores against what happened afterwards.",
}


def specs(tables: tuple[str, ...], inputs: list[list[str]]) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            ["insight", table],
            deps=inputs,
            group_name="insight",
            kinds={"python", "duckdb"},
            owners=["team:analytics"],
            description=DESCRIPTIONS[table],
            skippable=True,
            metadata={
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(c, t) for c, t in SCHEMAS[table].items()])
            },
        )
        for table in tables
    ]


@dg.multi_asset(name="identity", specs=specs(IDENTITY, INPUTS["identity"]))
def identity(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[dg.MaterializeResult[None]]:
    from insight.pipeline import resolve_identity

    with RunResource.step(run):
        progress.current().say("resolving who is who")
        records = run.work.read("identity.int_identity__record")
        resolved, edges = resolve_identity(records, run.work.overrides())
        run.work.write_insight({"identity": resolved, "identity_edge": edges})
    for table, frame in (("identity", resolved), ("identity_edge", edges)):
        yield dg.MaterializeResult(asset_key=["insight", table], metadata={"dagster/row_count": frame.height})


@dg.multi_asset(name="scores", specs=specs(SCORES, INPUTS["scores"]))
def scores(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[dg.MaterializeResult[None]]:
    from insight.pipeline import score_all

    with RunResource.step(run):
        progress.current().say("scoring whom to keep and whom to grow")
        frames = score_all(
            order_lines=run.work.read("journey.int_score__order_line"),
            accounts=run.work.read("journey.int_score__account"),
            products=run.work.read("journey.int_score__product"),
            signals=run.work.read("journey.int_score__signal"),
            signal_points=run.work.read("steward.retention_signal"),
            as_of=run.work.as_of_date(),
        )
        run.work.write_insight(frames)
    for table in SCORES:
        height = frames[table].height if table in frames else 0
        yield dg.MaterializeResult(asset_key=["insight", table], metadata={"dagster/row_count": height})


def assets() -> list[dg.AssetsDefinition]:
    return [identity, scores]
