"""`make docs`: every published table with its grain, columns, types and meanings, as one HTML page from dbt's manifest."""

from __future__ import annotations

from html import escape
from pathlib import Path

from orchestration import dbt, models

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#f6f6f6}code{background:#f2f2f2;padding:0 .2rem}nav a{margin-right:.8rem}"
)


def write(folder: Path) -> Path:
    """Writes `index.html` into `folder` and returns its path."""
    nodes = sorted(
        (
            n
            for n in dbt.manifest()["nodes"].values()
            if n["resource_type"] == "model" and models.is_published(n["name"])
        ),
        key=lambda n: n["name"],
    )
    links = "".join(f'<a href="#{n["name"]}">{n["name"]}</a> ' for n in nodes)
    body = []
    for node in nodes:
        rows = "".join(
            f"<tr><td><code>{escape(c['name'])}</code></td><td>{escape(c.get('data_type') or '')}</td>"
            f"<td>{escape(c.get('description') or '')}</td></tr>"
            for c in node["columns"].values()
        )
        body.append(
            f'<h2 id="{node["name"]}">{node["name"]}</h2><p>{escape(node["description"])}</p>'
            f"<table><tr><th>column</th><th>type</th><th>meaning</th></tr>{rows}</table>"
        )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Wegpunkt: published tables</title><style>{STYLE}</style>'
        f"<h1>Published tables</h1><nav>{links}</nav>{''.join(body)}</html>"
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "index.html"
    file.write_text(page, encoding="utf-8")
    return file
