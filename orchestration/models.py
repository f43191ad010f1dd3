"""dbt models as assets: three multi-assets, one a stage, described by the manifest.

Between them stand the Python steps of scores.py and the gates of gates.py. A run that landed nothing new and whose
code, rules and seeds are those of the published generation skips all of this without importing dbt.
"""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration import dbt, progress
from orchestration.run import Run
from orchestration.run_resource import RunResource

PUBLISHED = ("dim_", "fct_", "bridge_", "mart_")
PYTHON_TABLES = "insight"


def is_published(name: str) -> bool:
    return name.startswith(PUBLISHED)


def nodes(stage: str) -> dict[str, Mapping[str, Any]]:
    """The models and seeds of a stage, by asset name."""
    return {
        node["name"]: node
        for node in dbt.manifest()["nodes"].values()
        if node["resource_type"] in ("model", "seed") and stage in node["tags"]
    }


def asset_key(node: Mapping[str, Any]) -> list[str]:
    """Sources keep the key under which connectors and scores publish them; models lie under the folder they stand in."""
    if node["resource_type"] == "source":
        if node["source_name"] == "raw":
            return str(node["name"]).split("__", 1)
        return [node["source_name"], node["name"]]
    return [_group(node), node["name"]]


def _group(node: Mapping[str, Any]) -> str:
    return "steward" if node["resource_type"] == "seed" else str(node["fqn"][1])


def published_keys() -> list[dg.AssetKey]:
    return [dg.AssetKey(asset_key(n)) for s in dbt.STAGES for n in nodes(s).values() if is_published(n["name"])]


def spec(node: Mapping[str, Any], project: Mapping[str, Any]) -> dg.AssetSpec:
    everything = {**project["nodes"], **project["sources"]}
    upstream = [everything[u] for u in node["depends_on"].get("nodes", ()) if u in everything]
    deps = [asset_key(u) for u in upstream if u.get("source_name") != "ops"]
    columns = [
        dg.TableColumn(c["name"], c.get("data_type") or "string", c.get("description") or "")
        for c in node["columns"].values()
    ]
    return dg.AssetSpec(
        asset_key(node),
        deps=deps,
        group_name=_group(node),
        kinds={"dbt", "duckdb"} if node["resource_type"] == "model" else {"csv"},
        owners=["team:data-steward" if node["resource_type"] == "seed" else "team:analytics"],
        description=node["description"] or f"{node['resource_type'].capitalize()} {node['name']}.",
        skippable=True,
        metadata={"dagster/column_schema": dg.TableSchema(columns)} if columns else {},
    )


def build(stage: str) -> dg.AssetsDefinition:
    project = dbt.manifest()
    by_id = {node["unique_id"]: node for node in nodes(stage).values()}
    order = TopologicalSorter(
        {i: [d for d in n["depends_on"].get("nodes", ()) if d in by_id] for i, n in by_id.items()}
    )
    keys = {i: asset_key(by_id[i]) for i in order.static_order()}  # Dagster refuses results in another order
    specs = [spec(node, project) for node in nodes(stage).values()]

    @dg.multi_asset(name=f"dbt_{stage}", specs=specs)
    def models(context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]) -> Iterator[dg.MaterializeResult[None]]:
        with RunResource.step(run):
            if stage == "staging" and not run.work.prepare(run.as_of):
                progress.current().say("nothing new: the published generation is current")
                return
            # Neither incremental tables nor views may keep what other code made.
            anew = run.request.full or not run.work.stands
            results = run.dbt.build(stage, on_node=lambda name: progress.current().say(f"built {name}"), anew=anew)
            if anew and stage == dbt.STAGES[-1]:
                run.work.note_made()
            rows = run.work.row_counts([n.name for n in results if n.resource_type != "test"])
        built = {n.unique_id: n for n in results}
        # Views and seeds that stand are current, too: without a result for them Dagster would skip what reads them.
        for unique_id, key in keys.items():
            node = built.get(unique_id)
            metadata: dict[str, Any] = {"seconds": round(node.seconds, 2)} if node else {"unchanged": True}
            if node and node.name in rows:
                metadata["dagster/row_count"] = rows[node.name]
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return models


def assets() -> list[dg.AssetsDefinition]:
    return [build(stage) for stage in dbt.STAGES]
