"""What a person should see after a run: streams, phases, whom to keep, whom to grow, what was refused, where to go on.

Reads what was published, the ledger's counts and, for the names behind the contact keys, the people file; that look is
written into the audit log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.settings import Settings
from warehouse import Issues, Ledger, Quarantine

TOP = 5

PHASES = """
    select p.name_en, p.name_de, count(v.account_key) as accounts
    from dim_journey_phase p left join fct_journey_phase v on v.journey_phase_code = p.journey_phase_code and v.is_current
    where p.scheme_code = 'house_8' group by all order by min(p.phase_order)
"""
KEEP = f"""
    select account_name, churn_risk_score, value_at_risk_amount, reason_text_{{language}}_1, recommended_action_text_{{language}},
           target_contact_key, recommended_channel_code
    from mart_retention_target where is_selected order by priority_rank limit {TOP}
"""
GROW = f"""
    select account_name, coalesce(product_name, category_code), expected_value_amount,
           reason_text_{{language}}, growth_type_code, target_contact_key, recommended_channel_code
    from mart_growth_target where is_selected order by priority_rank limit {TOP}
"""
SUPPRESSED = """
    select suppression_text_{language}, count(*) from mart_retention_target where is_suppressed group by 1 order by 2 desc, 1
"""


@dataclass(frozen=True)
class Picture:
    """The figures of one generation."""

    generation: str
    streams: list[tuple[str, int, int, int]]
    phases: dict[str, int]
    keep: list[tuple[Any, ...]]
    grow: list[tuple[Any, ...]]
    suppressed: list[tuple[str, int]]
    refused: list[tuple[str, str, int]]
    issues: list[tuple[str, str, int]]
    rows: dict[str, int]
    people: dict[str, str] = field(default_factory=dict)
    file: Path = Path()

    def show(self, before: Picture | None, folder: Path) -> str:
        console = Console(width=118, highlight=False)
        with console.capture() as text:
            self._print(console, before, folder)
        return text.get()

    def _print(self, console: Console, before: Picture | None, folder: Path) -> None:
        table = Table("stream", "received", "new", "refused", title="Landed in this run", title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, received, new, refused in self.streams:
            table.add_row(name, f"{received:,}", f"{new:,}", f"{refused:,}" if refused else "")
        console.print(table)
        phases = Table(
            "phase",
            "accounts now",
            *(["before", "change"] if before else []),
            title="Where the accounts are",
            title_justify="left",
        )
        for name, count in self.phases.items():
            changed = []
            if before:
                was = before.phases.get(name, 0)
                changed = [f"{was:,}", f"{count - was:+,}" if count != was else "="]
            phases.add_row(name, f"{count:,}", *changed)
        console.print(phases)
        if before:
            grown = [
                f"{t} {n:,} ({n - before.rows.get(t, 0):+,})" for t, n in self.rows.items() if t.startswith("fct_")
            ]
            console.print("Facts: " + " · ".join(grown) + "\n")
        console.print("[bold]Whom to keep[/bold]: revenue of 90 days at risk, the reason, and whom to talk to")
        for n, (name, risk, amount, reason, action, contact, channel) in enumerate(self.keep, start=1):
            console.print(f" {n}. {name}: {amount:,.0f} EUR at risk, no order within 90 days with {risk} %")
            console.print(
                f"    {reason or 'No single strong reason.'} {action or ''} Talk to {self._who(contact, channel)}."
            )
        console.print("\n[bold]Whom to grow[/bold]: what to offer, what it is expected to bring, and why")
        for n, (name, offer, amount, reason, kind, contact, channel) in enumerate(self.grow, start=1):
            console.print(f" {n}. {name}: {offer} ({kind}), {amount or 0:,.0f} EUR expected")
            console.print(f"    {reason} Talk to {self._who(contact, channel)}.")
        if self.suppressed:
            console.print(
                "\n[bold]Not to be contacted now[/bold]: " + " · ".join(f"{n} × {text}" for text, n in self.suppressed)
            )
        if self.refused:
            console.print(
                "\n[bold]Refused records[/bold]: "
                + " · ".join(f"{n} × {code} in {stream}" for stream, code, n in self.refused)
            )
        if self.issues:
            console.print("\n[bold]Open issues[/bold]")
            for severity, title, _ in self.issues[:8]:
                console.print(f" - {severity}: {title}")
        console.print(
            f"\n[bold]Where to go on[/bold]\n"
            f" make dev                                      the Dagster UI: graph, checks, schedule\n"
            f" wegpunkt quality list --config {folder.name}/wegpunkt.toml      what failed, row by row\n"
            f" duckdb -readonly {_short(self.file)}   then: select * from mart_retention_target order by priority_rank;\n"
            f" make demo                                     again: thirty days later\n"
        )

    def _who(self, contact: str | None, channel: str | None) -> str:
        if contact is None:
            return "the account's owner first: nobody there may be contacted"
        return f"{self.people.get(contact, 'contact ' + contact[:8])} by {channel or 'a permitted channel'}"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def picture(settings: Settings) -> Picture:
    """Reads the published generation of a data folder."""
    ledger = Ledger(settings.ledger_url)
    language = settings.language
    with duckdb.connect(str(settings.published_file), read_only=True) as marts:
        info = marts.execute("select generation, run_id, row_counts from publish_info").fetchone()
        assert info is not None
        name = 1 if language == "de" else 0
        phases = {row[name]: row[2] for row in marts.execute(PHASES).fetchall()}
        keep = marts.execute(KEEP.format(language=language)).fetchall()
        grow = marts.execute(GROW.format(language=language)).fetchall()
        suppressed = marts.execute(SUPPRESSED.format(language=language)).fetchall()
    streams = [
        (f"{r['vendor']}.{r['stream']}", r["received"], r["new"] + r["tombstoned"], r["quarantined"])
        for r in ledger.stream_runs(info[1])
        if r["received"]
    ]
    contacts = [row[-2] for row in (*keep, *grow) if row[-2]]
    people = names(settings, ledger, contacts)
    refused = [
        (f"{r['vendor']}.{r['stream']}", r["reason_code"], r["rows"])
        for r in Quarantine(ledger, settings.data).counts()
    ]
    issues = [(i["severity"], i["title"], i["failing"]) for i in Issues(ledger).list("open")]
    rows = json.loads(info[2])
    return Picture(
        info[0], streams, phases, keep, grow, suppressed, refused, issues, rows, people, settings.published_file
    )


def names(settings: Settings, ledger: Ledger, contacts: list[str]) -> dict[str, str]:
    """Names behind contact keys, for whoever runs this; the look is audited by number, not by name."""
    file = settings.data / "published" / "people.duckdb"
    if not contacts or not file.exists():
        return {}
    ledger.audit("command line", "people.read", "published/people.duckdb", contacts=len(contacts))
    with duckdb.connect(str(file), read_only=True) as people:
        found = people.execute(
            "select contact_key, trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) from person"
            " where list_contains(?, contact_key)",
            [contacts],
        ).fetchall()
    return {key: name for key, name in found if name}
