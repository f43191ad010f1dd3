"""Odoo against a real server: everything lands, and edits, archiving, merges and deletions are followed.

Runs when WEGPUNKT_ODOO_URL, _DATABASE, _USER and _PASSWORD name an Odoo server that may be written to (a throwaway
one: records are created, merged and deleted). Truth is asked for over plain JSON-RPC, with no code of the connector.
Each run makes its own records.
"""

from __future__ import annotations

import json
import os
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors import VENDORS, connect
from warehouse import Landing, Ledger, StreamRun

Row = dict[str, Any]

SETTINGS = {k: os.environ.get(f"WEGPUNKT_ODOO_{k}", "") for k in ("URL", "DATABASE", "USER", "PASSWORD")}
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not all(SETTINGS.values()),
        reason="needs an Odoo server: set WEGPUNKT_ODOO_URL, WEGPUNKT_ODOO_DATABASE, WEGPUNKT_ODOO_USER"
        " and WEGPUNKT_ODOO_PASSWORD",
    ),
]

TALKED_ABOUT = ["res.partner", "crm.lead", "sale.order", "account.move", "project.task", "helpdesk.ticket"]
# Stream -> model, the part of it that is read, and a field whose value is compared beside ids.
TRUTH: dict[str, tuple[str, list[Any], str, str]] = {
    "partners": ("res.partner", [], "name", "name"),
    "leads": ("crm.lead", [], "stage_id", "stage_id"),
    "stages": ("crm.stage", [], "name", "name"),
    "sale_orders": ("sale.order", [], "partner_id", "partner_id"),
    "sale_order_lines": ("sale.order.line", [], "order_id", "order_id"),
    "invoices": (
        "account.move",
        [("move_type", "in", ["out_invoice", "out_refund", "out_receipt"])],
        "partner_id",
        "partner_id",
    ),
    "mailings": ("mailing.mailing", [], "subject", "subject"),
    "mailing_traces": ("mailing.trace", [], "email", "email"),
    "ratings": ("rating.rating", [], "partner_id", "partner_id"),
    "survey_responses": ("survey.user_input", [], "partner_id", "partner_id"),
    "survey_answers": ("survey.user_input.line", [], "question_id", "question_id"),
    "messages": (
        "mail.message",
        [("model", "in", TALKED_ABOUT), ("message_type", "!=", "user_notification")],
        "author_id",
        "author_id",
    ),
    "activities": ("mail.activity", [], "user_id", "user_id"),
    "products": ("product.product", [], "default_code", "default_code"),
    "users": ("res.users", [], "login", "login"),
}


class Odoo:
    """A second, plain way into the server."""

    def __init__(self) -> None:
        self.uid = self._call("common", "login", SETTINGS["DATABASE"], SETTINGS["USER"], SETTINGS["PASSWORD"])
        assert self.uid, "the login was refused"

    def _call(self, service: str, method: str, *args: Any) -> Any:
        params = {"service": service, "method": method, "args": args}
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}).encode()
        request = urllib.request.Request(
            SETTINGS["URL"].rstrip("/") + "/jsonrpc", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        assert "error" not in answer, answer["error"]["data"]["message"]
        return answer["result"]

    def __call__(self, model: str, method: str, *args: Any, **kw: Any) -> Any:
        return self._call(
            "object",
            "execute_kw",
            SETTINGS["DATABASE"],
            self.uid,
            SETTINGS["PASSWORD"],
            model,
            method,
            list(args),
            kw,
        )

    def rows(self, stream: str) -> dict[str, tuple[Any, bool]]:
        """id -> (the compared value as text, whether the record is archived)."""
        model, domain, field, _ = TRUTH[stream]
        fields = [field, "active"] if stream == "partners" else [field]
        found = self(model, "search_read", domain, fields=fields, context={"active_test": False})
        return {str(r["id"]): (plain(r[field]), r.get("active") is False) for r in found}


def plain(value: Any) -> str | None:
    if value is False or value is None:
        return None
    return str(value[0]) if isinstance(value, list) else str(value)


class Lake:
    """A landing in a folder of its own, and one connector: what a scheduled run does with Odoo."""

    def __init__(self, folder: Path, page_size: int | None = None) -> None:
        self.folder = folder
        self.ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.ledger.migrate()
        self.connector = connect(
            "odoo",
            base_url=SETTINGS["URL"],
            auth={k.lower(): v for k, v in SETTINGS.items() if k != "URL"},
            page_size=page_size,
            allow_insecure_loopback=True,
        )

    def run(self) -> dict[str, StreamRun]:
        """One run over all streams: stream -> what the landing counted."""
        landing = Landing(self.ledger, self.folder, uuid.uuid4().hex)
        counts = {}
        for stream in VENDORS["odoo"].streams:
            cursor, resume = landing.state("odoo", "default", stream)
            for batch in self.connector.read(stream, cursor=cursor, resume=resume):
                landing.write("odoo", "default", batch)
            counts[stream] = landing.finish_stream("odoo", "default", stream)
        return counts

    def rows(self, stream: str) -> dict[str, Row]:
        """id -> the record as it was landed last, of every record ever seen."""
        parts = sorted((self.folder / "raw" / "odoo" / "default" / stream).glob("*.parquet"))
        return {r["record_id"]: r for part in parts for r in pl.read_parquet(part).iter_rows(named=True)}


def differences(odoo: Odoo, lake: Lake) -> dict[str, Any]:
    """What the landing says otherwise than the server, by stream."""
    wrong: dict[str, Any] = {}
    for stream in VENDORS["odoo"].streams:
        column = TRUTH[stream][3]
        truth = odoo.rows(stream)
        landed = lake.rows(stream)
        live = {i: r for i, r in landed.items() if not r["is_deleted"]}
        expected = {i: value for i, (value, archived) in truth.items() if not archived}
        found = {i: r[column] for i, r in live.items()}
        if found != expected:
            odd = sorted(found.items() ^ expected.items(), key=str)
            wrong[stream] = odd[:10]
    return wrong


@pytest.fixture
def odoo() -> Odoo:
    return Odoo()


def test_every_record_lands_once_and_a_second_run_finds_nothing_new(odoo: Odoo, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = lake.run()
    assert differences(odoo, lake) == {}
    assert {s: c.quarantined for s, c in first.items() if c.quarantined} == {}
    assert {s: c.new for s, c in first.items()} == {s: len(odoo.rows(s)) for s in TRUTH}
    second = lake.run()
    assert {s: c.new + c.superseded + c.tombstoned for s, c in second.items()} == dict.fromkeys(second, 0)
    assert {s: c.unchanged for s, c in second.items()} == {s: c.new for s, c in first.items()}


def test_small_pages_change_nothing(odoo: Odoo, tmp_path: Path) -> None:
    lake = Lake(tmp_path, page_size=7)
    streams = lake.run()
    # Messages that a user may not see are cut out of a page after it was counted; all others page exactly.
    assert differences(odoo, lake) == {}
    assert streams["partners"].pages >= len(odoo.rows("partners")) // 7


def test_converges_after_edits_archiving_merges_and_deletions(odoo: Odoo, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex[:8]
    company = odoo("res.partner", "create", {"name": f"Keeper {mark}", "is_company": True, "vat": "DE129273398"})
    twin = odoo("res.partner", "create", {"name": f"Twin {mark}", "is_company": True})
    archived = odoo("res.partner", "create", {"name": f"Archived {mark}"})
    doomed = odoo("res.partner", "create", {"name": f"Doomed {mark}"})
    lead = odoo("crm.lead", "create", {"name": f"Lead {mark}", "type": "opportunity", "partner_id": twin})
    gone = odoo("crm.lead", "create", {"name": f"Gone {mark}"})
    product = odoo("product.product", "search", [("sale_ok", "=", True)], limit=1)[0]
    line = (0, 0, {"product_id": product, "product_uom_qty": 3, "price_unit": 19.99})
    order = odoo("sale.order", "create", {"partner_id": twin, "order_line": [line]})

    lake = Lake(tmp_path)
    lake.run()
    assert differences(odoo, lake) == {}
    before = lake.rows("sale_orders")[str(order)]
    assert before["partner_id"] == str(twin)

    odoo("res.partner", "write", [company], {"name": f"Keeper renamed {mark}"})
    odoo("res.partner", "write", [archived], {"active": False})
    odoo("res.partner", "unlink", [doomed])
    odoo("crm.lead", "unlink", [gone])
    stages = odoo("crm.stage", "search", [("is_won", "=", True)], limit=1)
    odoo("crm.lead", "write", [lead], {"stage_id": stages[0]})
    merge(odoo, keep=company, lose=twin)
    fresh = odoo("res.partner", "create", {"name": f"Fresh {mark}"})
    assert odoo("sale.order", "read", [order], fields=["partner_id"])[0]["partner_id"][0] == company

    lake.run()
    assert differences(odoo, lake) == {}
    partners, orders, leads = lake.rows("partners"), lake.rows("sale_orders"), lake.rows("leads")
    assert orders[str(order)]["partner_id"] == str(company)
    assert orders[str(order)]["written_at"] == before["written_at"], "the merge moved no write_date"
    assert leads[str(lead)]["stage_id"] == str(stages[0])
    deleted = {n: partners[str(i)]["is_deleted"] for n, i in (("twin", twin), ("doomed", doomed), ("old", archived))}
    assert deleted == {"twin": True, "doomed": True, "old": True}
    assert leads[str(gone)]["is_deleted"] and not partners[str(fresh)]["is_deleted"]

    odoo("res.partner", "write", [archived], {"active": True})
    lake.run()
    assert differences(odoo, lake) == {}
    assert not lake.rows("partners")[str(archived)]["is_deleted"], "what is restored comes back"


def test_a_value_that_changes_back_without_a_date_changes_back_here_too(odoo: Odoo, tmp_path: Path) -> None:
    mail = f"optout-{uuid.uuid4().hex[:8]}@example.com"
    partner = odoo("res.partner", "create", {"name": "Opt-out", "email": mail})
    lake = Lake(tmp_path)
    seen = []
    for listed in (False, True, False, True):
        entries = odoo("mail.blacklist", "search", [("email", "=", mail)], context={"active_test": False})
        if entries:
            odoo("mail.blacklist", "write", entries, {"active": listed})
        elif listed:
            odoo("mail.blacklist", "create", {"email": mail})
        lake.run()
        seen.append(lake.rows("partners")[str(partner)]["is_blacklisted"])
    assert seen == [False, True, False, True]


def test_an_interrupted_pass_goes_on_and_the_next_one_finds_what_vanished(odoo: Odoo, tmp_path: Path) -> None:
    doomed = odoo("res.partner", "create", {"name": "Doomed"})
    lake = Lake(tmp_path, page_size=10)
    lake.run()
    landing = Landing(lake.ledger, tmp_path, uuid.uuid4().hex)
    cursor, _ = landing.state("odoo", "default", "partners")
    for number, batch in enumerate(lake.connector.read("partners", cursor=cursor)):
        landing.write("odoo", "default", batch)
        if number == 1:
            break
    landing.finish_stream("odoo", "default", "partners")
    odoo("res.partner", "unlink", [doomed])
    lake.run()
    lake.run()
    assert differences(odoo, lake) == {}
    assert lake.rows("partners")[str(doomed)]["is_deleted"]


def merge(odoo: Odoo, keep: int, lose: int) -> None:
    """The merge wizard of contacts: it deletes the loser and re-points what hung on it by plain SQL."""
    wizard = odoo(
        "base.partner.merge.automatic.wizard",
        "create",
        {"partner_ids": [(6, 0, [keep, lose])], "dst_partner_id": keep, "state": "selection"},
    )
    odoo("base.partner.merge.automatic.wizard", "action_merge", [wizard])
