"""A simulated company in this process and a folder that the pipeline fills from it, once for all tests here.

Only what several modules need stands here: the company, the run, and reading what it left. What must hold is said in
the tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlalchemy as sa

from orchestration import demo, settings
from orchestration.execute import Ended, execute
from sandbox.server import SECRETS, Sandbox, serve
from warehouse import Ledger

RECORD = ["entity_type", "source_system", "source_instance", "source_record_id"]


@dataclass
class Company:
    """A folder with its configuration, the company behind it, and how the first run ended."""

    sandbox: Sandbox
    config: Path
    first: Ended

    @property
    def data(self) -> Path:
        return settings.load(self.config).data

    @property
    def published(self) -> Path:
        return settings.load(self.config).published_file

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of the published file."""
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def ledger(self, table: sa.Table) -> list[dict[str, object]]:
        return [dict(row) for row in Ledger(settings.load(self.config).ledger_url).rows(sa.select(table))]

    def known_records(self) -> pl.DataFrame:
        """The source records that were resolved, and to which entity."""
        with duckdb.connect(str(settings.load(self.config).build_file), read_only=True) as connection:
            return connection.execute(f"select {', '.join(RECORD)}, entity_key from insight.identity").pl()

    def identities(self) -> pl.DataFrame:
        """Each true record with who it is and who we think it is; records that we did not find stand alone."""
        alone = pl.concat_str(RECORD, separator="|")
        return (
            self.sandbox.truth("identity")
            .join(self.known_records(), on=RECORD, how="left")
            .with_columns(pl.col("entity_key").fill_null(alone))
        )

    def owners(self) -> pl.DataFrame:
        """The true account for which each of our accounts stands: that of most records, by id where two have as many."""
        return (
            self.identities()
            .filter(pl.col("entity_type") == "account")
            .group_by("entity_key", "true_id")
            .len()
            .sort("len", "true_id", descending=[True, False])
            .unique("entity_key", keep="first", maintain_order=True)
            .select("entity_key", "true_id")
        )

    def generation(self) -> object:
        return self.query("select generation from publish_info")[0][0]


@pytest.fixture(scope="session")
def plain_environment() -> Iterator[None]:
    """Dagster without a home, and the sandbox's own secrets, for the time of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", settings.CONFIG_VARIABLE, "PYTHONDONTWRITEBYTECODE"):
            # Set first, so that what a run sets for itself is put back as well.
            patch.setenv(name, "")
            patch.delenv(name)
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        yield


def company(folder: Path, seed: int, accounts: int) -> Iterator[Company]:
    """Serves a company and runs the pipeline once."""
    folder.mkdir(parents=True, exist_ok=True)
    with serve(seed=seed, accounts=accounts) as sandbox:
        config = demo.prepare(folder, sandbox.url)
        yield Company(sandbox, config, execute(config))


@pytest.fixture(scope="session")
def small(plain_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Sixty accounts, run once."""
    yield from company(tmp_path_factory.mktemp("company"), seed=3, accounts=60)


ROOT = Path(__file__).resolve().parents[2]


def subprocess_environment() -> dict[str, str]:
    """What a `wegpunkt` of its own needs: this checkout and the secrets."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", settings.CONFIG_VARIABLE)}
    return {**kept, **SECRETS, "PYTHONPATH": str(ROOT)}
