"""Shop and support desk of a company that lives on: increments and one reconciliation equal a fresh full read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import VENDORS, Connector, connect
from sandbox.server import SECRETS, Sandbox, serve

Rows = dict[str, dict[str, Any]]
AUTH = {
    "shopware": {"client_id": SECRETS["SHOPWARE_CLIENT_ID"], "client_secret": SECRETS["SHOPWARE_CLIENT_SECRET"]},
    "zendesk": {"token": SECRETS["ZENDESK_TOKEN"]},
}


@pytest.fixture
def company() -> Iterator[Sandbox]:
    with serve(seed=3, accounts=25) as sandbox:
        yield sandbox


def reader(company: Sandbox, vendor: str) -> Connector:
    return connect(
        vendor,
        base_url=company.base_url(vendor),
        auth=AUTH[vendor],
        page_size=100,
        allow_insecure_loopback=True,
        options={"rates": dict.fromkeys(VENDORS[vendor].rates, 100_000)},
    )


def pass_over(connector: Connector, stream: str, landed: Rows, cursor: str | None, reconcile: bool) -> str | None:
    for batch in connector.read(stream, cursor=cursor, reconcile=reconcile):
        assert [r.reason_code for r in batch.rejects] == []
        landed.update({r["record_id"]: r for r in batch.frame.to_dicts()})
        if batch.present_ids is not None:
            for gone in landed.keys() - set(batch.present_ids):
                del landed[gone]
        cursor = batch.cursor if batch.complete else cursor
    return cursor


@pytest.mark.parametrize("vendor", ["shopware", "zendesk"])
def test_increments_and_a_reconciliation_equal_a_fresh_read(company: Sandbox, vendor: str) -> None:
    connector = reader(company, vendor)
    landed: dict[str, Rows] = {stream: {} for stream in VENDORS[vendor].streams}
    cursors: dict[str, str | None] = dict.fromkeys(landed)
    for days in (0, 12, 3):
        if days:
            company.advance(days)
        for stream, rows in landed.items():
            cursors[stream] = pass_over(connector, stream, rows, cursors[stream], reconcile=days == 3)
    for stream, rows in landed.items():
        fresh: Rows = {}
        pass_over(connector, stream, fresh, None, reconcile=False)
        assert fresh, f"the company shows nothing in {stream}"
        assert rows.keys() == fresh.keys(), stream
        changed = [key for key, row in fresh.items() if rows[key] != row]
        assert not changed, (stream, changed[:3])
