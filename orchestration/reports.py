"""What the command line says of the state of things: documents for machines, lines for people. Changes nothing but
what a steward decides (waivers, discarded records), and those go to the audit log.
"""

from __future__ import annotations

import difflib
from collections import deque
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from connectors import VENDORS
from orchestration.settings import ConfigError, Settings
from warehouse import Build, Issues, Ledger, Publisher, Quarantine
from warehouse import doctor as warehouse_doctor
from warehouse import verify as warehouse_verify

Document = dict[str, Any]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def ledger_of(settings: Settings) -> Ledger:
    """The ledger of a data folder that exists.

    Raises:
        ConfigError: nothing ever ran here.
    """
    if settings.ledger_url.startswith("sqlite") and not settings.data.exists():
        raise ConfigError(f"{settings.data} does not exist: nothing ran here yet; start with `wegpunkt run`")
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    return ledger


def status(settings: Settings) -> tuple[Document, list[str]]:
    ledger = ledger_of(settings)
    runs = ledger.runs(5)
    generations = Publisher(settings.data, ledger).generations()
    streams = ledger.stream_runs(runs[0]["run_id"]) if runs else []
    document = {"runs": runs, "generations": generations[:3], "streams": streams}
    lines = ["last runs"]
    for r in runs:
        code = "" if r["exit_code"] is None else f"exit {r['exit_code']}"
        lines.append(f"  {r['started_at']:%Y-%m-%d %H:%M:%S}  {r['status']:<9} {code:<8} {r['run_id']}")
    if generations:
        newest = generations[0]
        lines.append(f"published {newest['generation']} at {newest['published_at']:%Y-%m-%d %H:%M:%S} UTC")
        lines.append(f"  data as of {newest['data_as_of']}")
    else:
        lines.append("nothing is published yet")
    unfinished = [s for s in streams if s["status"] != "complete"]
    lines += [f"  {s['vendor']}.{s['stream']}: {s['status']}" for s in unfinished]
    return document, lines


def verify(settings: Settings) -> tuple[Document, list[str], bool]:
    return _findings(warehouse_verify(settings.data, ledger_of(settings)), "every file is what it was")


def doctor(settings: Settings) -> tuple[Document, list[str], bool]:
    return _findings(warehouse_doctor(settings.data, ledger_of(settings)), "nothing is wrong")


def _findings(found: list[Any], good: str) -> tuple[Document, list[str], bool]:
    document = {"findings": [vars(f) for f in found]}
    lines = [f"{f.severity}: {f.what}; {f.repair}" for f in found] or [good]
    return document, lines, not any(f.severity == "error" for f in found)


def quarantine(settings: Settings) -> tuple[Document, list[str]]:
    rows = Quarantine(ledger_of(settings), settings.data).list()
    for row in rows:
        row["url"] = _url(settings, row["vendor"], row["instance"], row["stream"], row["record_id"])
    lines = [
        f"{r['quarantine_id'][:12]}  {r['vendor']}.{r['stream']} {r['record_id'] or '?'}: {r['reason_code']},"
        f" {r['message']}{'  ' + r['url'] if r['url'] else ''}"
        for r in rows
    ]
    return {"quarantine": rows}, lines or ["nothing is refused"]


def _url(settings: Settings, vendor: str, instance: str, stream: str, record_id: str | None) -> str | None:
    source = next((s for s in settings.sources if s.vendor == vendor and s.instance == instance), None)
    if source is None or record_id is None or vendor not in VENDORS or stream not in VENDORS[vendor].streams:
        return None
    return VENDORS[vendor].record_url(stream, record_id, {"base_url": source.base_url, **source.options})


def _full_id(store: Quarantine, short: str) -> str:
    """The whole id for the first characters of one."""
    found = [r["quarantine_id"] for r in store.list(status=None) if r["quarantine_id"].startswith(short)]
    if len(found) != 1:
        raise ConfigError(f"{len(found)} refused records begin with {short!r}; see `wegpunkt quarantine list`")
    return str(found[0])


def quarantine_show(settings: Settings, quarantine_id: str) -> tuple[Document, list[str]]:
    store = Quarantine(ledger_of(settings), settings.data)
    row = store.show(_full_id(store, quarantine_id), by="command line")
    return row, [f"{key}: {value}" for key, value in row.items() if value is not None]


def quarantine_discard(settings: Settings, quarantine_id: str, reason: str, by: str) -> str:
    store = Quarantine(ledger_of(settings), settings.data)
    store.discard([_full_id(store, quarantine_id)], by=by, reason=reason)
    return f"{quarantine_id} stays out: {reason}"


def quality(settings: Settings) -> tuple[Document, list[str]]:
    issues = Issues(ledger_of(settings)).list("open")
    lines: list[str] = []
    for issue in issues:
        # A waiver ends at midnight after its last day; people are told the day.
        last = issue["waived_until"] and issue["waived_until"] - timedelta(microseconds=1)
        waived = f" (waived until {last:%Y-%m-%d})" if last else ""
        lines.append(f"{issue['severity']}: {issue['rule_id']}: {issue['title']}{waived}")
        keys = issue["keys"] if isinstance(issue["keys"], list) else []
        lines += [f"    {k['key']}{'  ' + k['url'] if k.get('url') else ''}" for k in keys[:20]]
    return {"issues": issues}, lines or ["no rule fails"]


def waive(settings: Settings, rule: str, reason: str, by: str, until: str) -> str:
    try:
        end = date.fromisoformat(until)
    except ValueError:
        raise ConfigError(f"--until {until!r} is no date; write YYYY-MM-DD") from None
    Issues(ledger_of(settings)).waive(rule, reason=reason, by=by, until=end)
    return f"{rule} may fail until {end}: {reason}"


def unwaive(settings: Settings, rule: str, by: str) -> str:
    Issues(ledger_of(settings)).unwaive(rule, by=by)
    return f"{rule} counts again"


# --- who is who --------------------------------------------------------------------------------------------------------

Record = tuple[str, str, str]
Edge = tuple[Any, ...]
Keys = dict[tuple[str, str, str, str], str]


def _record(text: str) -> Record:
    place, _, record_id = text.partition(":")
    vendor, _, instance = place.partition("/")
    if not vendor or not record_id:
        raise ConfigError(f"{text!r} names no record; write vendor:id, as in hubspot:1234")
    return vendor, instance or "default", record_id


def identity_explain(settings: Settings, a: str, b: str) -> tuple[Document, list[str]]:
    """The shortest path of evidence between two records, or what holds them apart."""
    first, second = _record(a), _record(b)
    if not settings.build_file.exists():
        raise ConfigError(f"{settings.build_file} does not exist; run `wegpunkt run` first")
    edges, keys = _who_is_who(settings)
    types = [t for t in ("account", "contact") if (*first, t) in keys and (*second, t) in keys]
    if not types:
        raise ConfigError(f"{a} and {b} are not both known as accounts or as people; see `wegpunkt status`")
    kind = types[0]
    same = keys[(*first, kind)] == keys[(*second, kind)]
    path = _path([e for e in edges if e[9] == kind and e[8] == "merged"], first, second) if same else []
    against = _against(edges, keys, kind, first, second)
    verdict = f"{a} and {b} are {'one' if same else 'two'} {kind}{'' if same else 's'}"
    steps = [f"  {_name(e[0:3])} = {_name(e[3:6])}: {e[6]} ({e[7]})" for e in path]
    doubts = [f"  {_name(e[0:3])} and {_name(e[3:6])}: {e[8]} by {e[6]} ({e[7]})" for e in against]
    if not same and not against:
        doubts = ["  nothing was found that speaks for or against it"]
    document = {
        "same": same,
        "entity_type": kind,
        "path": [{"a": _name(e[0:3]), "b": _name(e[3:6]), "rule_id": e[6], "evidence": e[7]} for e in path],
        "against": [
            {"a": _name(e[0:3]), "b": _name(e[3:6]), "decision": e[8], "rule_id": e[6], "evidence": e[7]}
            for e in against
        ],
    }
    return document, [verdict, *steps, *doubts]


def _who_is_who(settings: Settings) -> tuple[list[Edge], Keys]:
    """All edges, and the entity of each record, as the last run found them."""
    build = Build(settings.data, ledger_of(settings), {})
    try:
        with build.connect(read_only=True) as connection:
            edges = connection.execute(
                "select a_system, a_instance, a_record_id, b_system, b_instance, b_record_id, rule_id, evidence,"
                " decision, entity_type from insight.identity_edge"
            ).fetchall()
            known = connection.execute(
                "select source_system, source_instance, source_record_id, entity_type, entity_key from insight.identity"
            ).fetchall()
    except duckdb.CatalogException:
        raise ConfigError("who is who was not worked out yet: run `wegpunkt run` first") from None
    return edges, {(row[0], row[1], row[2], row[3]): row[4] for row in known}


def _against(edges: list[Edge], keys: Keys, kind: str, first: Record, second: Record) -> list[Edge]:
    """What was suggested or vetoed between the two. Where they are two entities, any of their records may hold them
    apart, not only these two."""
    wanted = {keys[(*first, kind)], keys[(*second, kind)]}
    found = []
    for e in edges:
        if e[9] != kind or e[8] == "merged":
            continue
        direct = {tuple(e[0:3]), tuple(e[3:6])} == {first, second}
        between = {keys.get((e[0], e[1], e[2], kind)), keys.get((e[3], e[4], e[5], kind))} == wanted
        if direct or (len(wanted) == 2 and between):
            found.append(e)
    return found


def _name(record: Any) -> str:
    vendor, instance, record_id = record
    return f"{vendor}:{record_id}" if instance == "default" else f"{vendor}/{instance}:{record_id}"


def _path(edges: list[Edge], first: Record, second: Record) -> list[Edge]:
    beside: dict[Record, list[tuple[Record, Edge]]] = {}
    for e in edges:
        x, y = (e[0], e[1], e[2]), (e[3], e[4], e[5])
        beside.setdefault(x, []).append((y, e))
        beside.setdefault(y, []).append((x, e))
    came: dict[Record, tuple[Record, Edge]] = {}
    queue, seen = deque([first]), {first}
    while queue:
        here = queue.popleft()
        if here == second:
            break
        for there, e in beside.get(here, []):
            if there not in seen:
                seen.add(there)
                came[there] = (here, e)
                queue.append(there)
    steps = []
    here = second
    while here in came:
        here, e = came[here]
        steps.append(e)
    return steps[::-1]


# --- export ------------------------------------------------------------------------------------------------------------


def export(settings: Settings, table: str, kind: str, to: Path) -> str:
    """Writes a published table as CSV or Parquet. A text cell of a CSV that a spreadsheet would take for a formula gets
    an apostrophe in front; numbers stay numbers."""
    if kind not in ("csv", "parquet"):
        raise ConfigError(f"--format {kind!r} is not known; write csv or parquet")
    if not settings.published_file.exists():
        raise ConfigError(f"{settings.published_file} does not exist; run `wegpunkt run` first")
    if not to.absolute().parent.is_dir():
        raise ConfigError(f"--to {to}: there is no folder {to.absolute().parent}; create it first")
    with duckdb.connect(str(settings.published_file), read_only=True) as connection:
        tables = [r[0] for r in connection.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        if table not in tables:
            near = difflib.get_close_matches(table, tables, n=1)
            raise ConfigError(
                f"there is no table {table!r}; {'did you mean ' + near[0] if near else 'see ' + ', '.join(tables)}"
            )
        frame = connection.execute(f'select * from "{table}"').pl()
    if kind == "parquet":
        frame.write_parquet(to)
    else:
        import polars as pl

        texts = [c for c, t in frame.schema.items() if t == pl.String]
        risky = [
            pl.when(pl.col(c).str.slice(0, 1).is_in(FORMULA)).then("'" + pl.col(c)).otherwise(pl.col(c)).alias(c)
            for c in texts
        ]
        frame.with_columns(risky).write_csv(to)
    return f"wrote {frame.height:,} rows to {to}"
