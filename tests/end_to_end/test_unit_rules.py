"""The unit tests of dbt: what the models make of a few rows whose answer is known. They need the tables of one run."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from orchestration import settings
from orchestration.dbt import PROJECT, Dbt, lay_seeds
from tests.end_to_end.conftest import Company


def unit_files() -> str:
    return "\n".join(f.read_text() for f in sorted((PROJECT / "models").rglob("*unit_tests.yml")))


def test_the_models_do_what_their_unit_tests_say(small: Company, tmp_path: Path) -> None:
    chosen = settings.load(small.config)
    copy = replace(chosen, data=tmp_path)
    for file in (chosen.build_file, chosen.marts_file):
        target = tmp_path / file.relative_to(chosen.data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    dbt = Dbt.of(copy)
    lay_seeds(copy, dbt.seeds)
    results = [r for r in dbt.unit_tests() if r.resource_type == "unit_test"]
    assert len(results) == len(re.findall(r"^  - name: ", unit_files(), re.MULTILINE)) > 0
    assert [(r.name, r.message) for r in results if r.status != "pass"] == []
