"""The data dictionary shows what the models say, and nothing of it as markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestration import dbt
from orchestration.dictionary import write


def test_page_has_published_tables_only_and_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def node(name: str, kind: str = "model") -> dict[str, Any]:
        column = {"name": "a<b", "data_type": "DECIMAL(18,2)", "description": "net & <script>alert(1)</script>"}
        return {"name": name, "resource_type": kind, "description": "One row a <thing>.", "columns": {"a": column}}

    nodes = [node("mart_x"), node("int_y"), node("dim_z", "test")]
    monkeypatch.setattr(dbt, "manifest", lambda: {"nodes": {n["name"]: n for n in nodes}})
    file = write(tmp_path / "docs")
    page = file.read_text(encoding="utf-8")
    assert file.name == "index.html" and 'id="mart_x"' in page
    assert "int_y" not in page and "dim_z" not in page and "<script" not in page
    assert "One row a &lt;thing&gt;." in page and "a&lt;b" in page and "DECIMAL(18,2)" in page
