"""The doors between packages: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"connectors", "warehouse", "insight", "expectations", "orchestration", "sandbox", "benchmarks"}
ALLOWED: dict[str, set[str]] = {
    "connectors": set(),
    "warehouse": set(),
    "insight": set(),
    "expectations": set(),
    "sandbox": set(),
    "orchestration": OURS - {"benchmarks"},
}


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_package_imports_only_what_its_door_allows(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files, f"{package}/ holds no Python file"
    for file in files:
        names = imported(file)
        assert not (names & OURS) - ALLOWED[package] - {package}, f"{file.relative_to(ROOT)} opens a closed door"
        if package != "orchestration":
            assert "dagster" not in names, f"{file.relative_to(ROOT)} imports Dagster"
