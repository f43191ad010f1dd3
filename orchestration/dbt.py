"""Runs dbt in this process and reads its manifest.

One process parses once (a tenth of a second instead of seconds for every further call), so the three selections of a
run go through one runner. dbt is imported when it is first needed: a run with nothing new never pays for it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from orchestration.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "dbt_project"
STAGES = ("staging", "journey", "marts")


class DbtError(Exception):
    """A model or a test failed: names it, quotes the engine's first line, and says how to look closer."""

    exit_code = 60


class TestsFailed(Exception):
    """Tests of published tables failed; the generation that is out stays out."""

    exit_code = 20


@dataclass(frozen=True)
class NodeResult:
    """One node of an invocation. `failures` counts the rows that a test found."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    failures: int
    message: str
    seconds: float


@dataclass
class Dbt:
    """dbt for one data folder. `seeds` is the folder of defaults with the steward's own CSVs laid over them."""

    settings: Settings
    target: Path
    seeds: Path
    _runner: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Dbt:
        folder = settings.data / "warehouse" / "dbt"
        return cls(settings, folder / "target", folder / "seeds")

    def environment(self) -> dict[str, str]:
        return {
            "WEGPUNKT_BUILD": str(self.settings.build_file),
            "WEGPUNKT_MARTS": str(self.settings.marts_file),
            "WEGPUNKT_MEMORY_LIMIT": self.settings.memory_limit,
            # dbt takes paths relative to its project only.
            "WEGPUNKT_SEEDS": os.path.relpath(self.seeds, PROJECT),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }

    def build(
        self,
        stage: str,
        on_node: Callable[[str], None] = lambda _: None,
        anew: bool = True,
    ) -> list[NodeResult]:
        """Seeds, models and tests of one stage, in dependency order.

        Args:
            anew: everything is made from nothing. Otherwise seeds and views stand as this code made them, and incremental
                tables keep their rows.

        Raises:
            DbtError: a model or seed could not be built.
            TestsFailed: a test with severity error found rows, or a table would hold nulls that its contract refuses.
        """
        # Unit tests judge the code, not the data: the tests of this repository run them.
        arguments = [
            "build",
            "--select",
            f"tag:{stage}",
            "--exclude-resource-type",
            "unit_test",
            *(["--full-refresh"] if anew else ["--exclude", "resource_type:seed", "config.materialized:view"]),
        ]
        results = self._invoke(arguments, on_node)
        broken = [r for r in results if r.status in ("error", "runtime error") and r.resource_type != "test"]
        nulls = [r for r in broken if "NOT NULL constraint failed" in r.message]
        if nulls:
            column = nulls[0].message.rsplit(":", 1)[-1].strip()
            raise TestsFailed(f"{nulls[0].name} would hold rows without {column}, which the contract of it refuses")
        if broken:
            first = broken[0]
            raise DbtError(
                f"{first.resource_type} {first.name} could not be built: {_first_line(first.message)};"
                f" its SQL lies under {self.target / 'compiled'}"
            )
        failed = [r for r in results if r.resource_type in ("test", "unit_test") and r.status in ("fail", "error")]
        if failed:
            names = ", ".join(f"{r.name} ({r.failures} rows)" for r in failed[:5])
            more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
            raise TestsFailed(f"{len(failed)} tests failed in stage {stage}: {names}{more}")
        return results

    def unit_tests(self) -> list[NodeResult]:
        """The project's unit tests, on the tables of an earlier build: they judge the code, not the data."""
        return self._invoke(["test", "--select", "test_type:unit"], lambda _: None)

    def _invoke(self, arguments: Sequence[str], on_node: Callable[[str], None]) -> list[NodeResult]:
        from dbt.cli.main import dbtRunner

        if self._runner is None:
            self._runner = dbtRunner(callbacks=[])
        self._runner.callbacks = [lambda event: _announce(event, on_node)]
        self.target.mkdir(parents=True, exist_ok=True)
        os.environ.update(self.environment())
        common = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(self.target)]
        # Nobody reads the manifest and the results that dbt would write after every call.
        quiet = ["--quiet", "--log-level-file", "none", "--no-use-colors", "--no-write-json"]
        outcome = self._runner.invoke([*quiet, *arguments, *common])
        _close_connections()
        if outcome.exception is not None:
            raise DbtError(f"dbt {arguments[0]} stopped: {_first_line(str(outcome.exception))}") from None
        return [_node(r) for r in getattr(outcome.result, "results", ())]


def _announce(event: Any, on_node: Callable[[str], None]) -> None:
    if event.info.name == "LogModelResult":
        on_node(event.data.node_info.node_name)


def _close_connections() -> None:
    """Gives the DuckDB files back: one process must not hold them with dbt's configuration while we open them with ours."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def _node(result: Any) -> NodeResult:
    node = result.node
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=str(node.resource_type.value),
        status=str(result.status.value if hasattr(result.status, "value") else result.status),
        failures=int(result.failures or 0),
        message=str(result.message or ""),
        seconds=float(result.execution_time or 0),
    )


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # dbt's first line only repeats the model's name and path.
    return " ".join(lines[1:3]) if len(lines) > 1 and "Error in" in lines[0] else " ".join(lines[:1])


@cache
def manifest() -> Mapping[str, Any]:
    """The parsed project, once a process; parsed anew when a file of it is newer."""
    file = PROJECT / "target" / "manifest.json"
    newest = max(f.stat().st_mtime for f in _project_files())
    if not file.exists() or file.stat().st_mtime < newest:
        _parse_project(file)
    content: Mapping[str, Any] = orjson.loads(file.read_bytes())
    return content


def _parse_project(file: Path) -> None:
    from dbt.cli.main import dbtRunner

    os.environ.pop("WEGPUNKT_SEEDS", None)
    os.environ.setdefault("WEGPUNKT_BUILD", str(file.parent / "none.duckdb"))
    os.environ.setdefault("WEGPUNKT_MARTS", str(file.parent / "none_marts.duckdb"))
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    place = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(file.parent)]
    outcome = dbtRunner().invoke(["--quiet", "--log-level-file", "none", "parse", *place])
    if not outcome.success:
        raise DbtError(f"the dbt project does not parse: {_first_line(str(outcome.exception))}") from None


def _project_files() -> list[Path]:
    skip = {"target", "logs"}
    return [f for f in sorted(PROJECT.rglob("*")) if f.is_file() and not skip & set(f.relative_to(PROJECT).parts)]


def lay_seeds(settings: Settings, target: Path) -> list[str]:
    """Copies the default CSVs to `target` and the steward's `config/*.csv` over them; says which were replaced."""
    target.mkdir(parents=True, exist_ok=True)
    own = settings.file.parent / "config"
    replaced = []
    for default in sorted(f for f in (PROJECT / "seeds").iterdir() if f.suffix in (".csv", ".yml")):
        mine = own / default.name
        steward = default.suffix == ".csv" and mine.is_file()
        if steward:
            replaced.append(default.name)
        content = (mine if steward else default).read_bytes()
        copy = target / default.name
        if not copy.exists() or copy.read_bytes() != content:  # an untouched file keeps dbt's partial parse warm
            copy.write_bytes(content)
    return replaced


def code_hash(settings: Settings) -> str:
    """What besides data decides the published rows: models, seeds, suites, scores and the steward's CSVs."""
    digest = hashlib.sha256()
    own = settings.file.parent / "config"
    files = [
        *_project_files(),
        *sorted((ROOT / "insight").glob("*.py")),
        *sorted((ROOT / "expectations").rglob("*.yml")),
        *(sorted(own.glob("*.csv")) if own.is_dir() else ()),
    ]
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:32]
