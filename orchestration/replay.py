"""`wegpunkt quarantine replay`: refused records against the present contracts, from the text that was kept."""

from __future__ import annotations

import uuid

import polars as pl

from connectors import VENDORS, Reject, UnexpectedContent
from connectors.contract import typed
from connectors.decoding import decode
from orchestration.reports import ledger_of
from orchestration.settings import ConfigError, Settings
from warehouse import WarehouseError, run_lock
from warehouse import replay as warehouse_replay


def parse(vendor: str, stream: str, text: str) -> tuple[pl.DataFrame, list[Reject]]:
    """One kept record as its stream declares it now, read by the decoder that reads a vendor's page.

    A lenient decoder would let through what the strict one refused: doubled keys, broken text, numbers too large.
    """
    declared = VENDORS[vendor].streams.get(stream) if vendor in VENDORS else None
    if declared is None:
        return pl.DataFrame(), []  # no longer read: nothing says what it should look like
    body = f"[{text}]".encode("utf-8", "surrogateescape")
    try:
        _, raws = decode(body, f"{vendor}.{stream}", "")
    except UnexpectedContent:
        return pl.DataFrame(), []
    return typed(declared, raws) if len(raws) == 1 else (pl.DataFrame(), [])


def replay(settings: Settings, vendor: str | None) -> str:
    """Lands what passes now; what a newer version has overtaken is closed without replacing it.

    Raises:
        ConfigError: there is no such vendor.
        warehouse.LockHeld: a run is at work.
    """
    if vendor is not None and vendor not in VENDORS:
        raise ConfigError(f"--source {vendor!r} is no vendor; write one of {', '.join(VENDORS)}")
    ledger = ledger_of(settings)
    with run_lock(settings.data):
        run_id = uuid.uuid4().hex
        ledger.start_run(run_id)
        code = 1
        try:
            done = warehouse_replay(ledger, settings.data, run_id, parse, by="command line", vendor=vendor)
            code = 0
        except WarehouseError as error:
            code = error.exit_code
            raise
        finally:
            ledger.finish_run(run_id, exit_code=code)
    return (
        f"{done.replayed} landed, {done.superseded} overtaken by newer versions, {done.still_refused} still refused;"
        " build them with `wegpunkt run`"
    )
