"""Every raw stream and every published table has a suite."""

from __future__ import annotations

import polars as pl

from connectors import VENDORS
from expectations import load_suites, validate
from orchestration import dbt, models


def test_every_raw_stream_has_a_suite() -> None:
    streams = {f"{v.name}__{s}" for v in VENDORS.values() for s in v.streams}
    assert streams - set(load_suites()) == set()


def test_every_published_table_has_a_suite() -> None:
    published = {n for stage in dbt.STAGES for n in models.nodes(stage) if models.is_published(n)}
    assert published - set(load_suites()) == set()


def test_every_suite_belongs_to_a_table() -> None:
    streams = {f"{v.name}__{s}" for v in VENDORS.values() for s in v.streams}
    published = {n for stage in dbt.STAGES for n in models.nodes(stage) if models.is_published(n)}
    assert set(load_suites()) - streams - published == set()


def test_a_score_that_lost_to_its_baseline_is_a_warning() -> None:
    rows = {"score_quality_key": ["a", "b"], "auc": [0.6, 0.7], "published_as": ["model", "baseline"]}
    report = validate(load_suites()["mart_score_quality"], pl.DataFrame(rows))
    assert [(o.severity, o.keys) for o in report.failed()] == [("warning", ("b",))]
    assert not report.blocks
