"""`wegpunkt quarantine replay`: refused records against the present contracts, from the text that was kept."""

from __future__ import annotations

import uuid

import polars as pl

from connectors import VENDORS
from connectors.contract import Raw, typed
from orchestration.reports import ledger_of
from orchestration.settings import Settings
from warehouse import replay as warehouse_replay
from warehouse import run_lock


def parse(vendor: str, stream: str, text: str) -> tuple[pl.DataFrame, list[object]]:
    """One kept record as its stream declares it now."""
    import orjson

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return pl.DataFrame(), []
    frame, rejects = typed(VENDORS[vendor].streams[stream], [Raw(value, text)])
    return frame, list(rejects)


def replay(settings: Settings, vendor: str | None) -> str:
    ledger = ledger_of(settings)
    with run_lock(settings.data):
        run_id = uuid.uuid4().hex
        ledger.start_run(run_id)
        done = warehouse_replay(ledger, settings.data, run_id, parse, by="command line", vendor=vendor)  # type: ignore[arg-type]
        ledger.finish_run(run_id, exit_code=0)
    return f"{done.replayed} landed, {done.superseded} overtaken by newer versions, {done.still_refused} still refused; build them with `wegpunkt run`"
