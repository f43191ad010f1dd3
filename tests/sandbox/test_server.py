"""The sandbox's socket: the company's clock, steps in time, truth, inbox, and what its command prints."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import tomllib
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import polars as pl
import pytest
import requests

from sandbox import inbox
from sandbox.company import Company
from sandbox.server import SECRETS, VENDORS, Sandbox, serve

ROOT = Path(__file__).resolve().parents[2]
KEY = {"api-key": SECRETS["BREVO_API_KEY"]}


def test_every_answer_carries_the_companys_own_time(sandbox: Sandbox) -> None:
    for path in ("/brevo/v3/contacts?limit=1", "/_sandbox/config", "/nothing"):
        answer = requests.get(sandbox.url + path, headers=KEY, timeout=10)
        assert parsedate_to_datetime(answer.headers["Date"]).replace(tzinfo=None) == sandbox.company.now


def test_an_address_that_is_none_says_which_there_are(sandbox: Sandbox) -> None:
    answer = requests.get(sandbox.url + "/salesforce/x", timeout=10)
    assert answer.status_code == 404 and "/shopware" in answer.json()["error"]


def test_answers_are_compressed_only_when_asked_for(sandbox: Sandbox) -> None:
    url = sandbox.url + "/brevo/v3/contacts?limit=50"
    plain = requests.get(url, headers={**KEY, "Accept-Encoding": "identity"}, timeout=10)
    packed = requests.get(url, headers={**KEY, "Accept-Encoding": "gzip"}, timeout=10)
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert plain.json() == packed.json()
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])


def test_a_connection_serves_many_requests(sandbox: Sandbox) -> None:
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(sandbox.url + "/_sandbox/now", timeout=10).raw.version == 11


def test_time_passes_in_whole_steps_while_others_read() -> None:
    with serve(seed=3, accounts=30) as running:
        before, seen, stop = running.company.now, set(), threading.Event()

        def read() -> None:
            with requests.Session() as session:
                while not stop.is_set():
                    seen.add(
                        session.get(running.url + "/brevo/v3/contacts?limit=1", headers=KEY, timeout=20).headers["Date"]
                    )

        reader = threading.Thread(target=read)
        reader.start()
        answer = requests.post(running.url + "/_sandbox/advance", json={"days": 30}, timeout=60)
        stop.set()
        reader.join(20)
        assert answer.json()["now"] == (before + timedelta(days=30)).isoformat()
        assert {parsedate_to_datetime(d).replace(tzinfo=None) for d in seen} <= {before, before + timedelta(days=30)}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"days": 0}', b'{"days": "30"}', b'{"days": true}', b"[]", b"x"])
def test_a_step_that_is_none_is_refused(sandbox: Sandbox, body: bytes) -> None:
    answer = requests.post(sandbox.url + "/_sandbox/advance", data=body, timeout=10)
    assert answer.status_code == 400 and "days" in answer.json()["error"]
    assert requests.get(sandbox.url + "/_sandbox/advance", timeout=10).status_code == 405


def test_the_configuration_names_every_source_and_no_secret(sandbox: Sandbox) -> None:
    text = requests.get(sandbox.url + "/_sandbox/config", timeout=10).text
    sources = tomllib.loads(text)["source"]
    assert [s["vendor"] for s in sources] == [*VENDORS, "files"]
    for source in sources[:-1]:
        assert source["base_url"] == f"{sandbox.url}/{source['vendor']}"
        assert all(ref.removeprefix("env:") in SECRETS for ref in source["auth"].values())
    assert not any(secret in text for secret in SECRETS.values())


def test_truth_speaks_of_records_by_the_ids_that_vendors_show(sandbox: Sandbox) -> None:
    content = requests.get(sandbox.url + "/_sandbox/truth/identity.parquet", timeout=20).content
    identity = pl.read_parquet(io.BytesIO(content))
    contacts = requests.get(sandbox.url + "/brevo/v3/contacts?limit=1000", headers=KEY, timeout=20).json()["contacts"]
    told = identity.filter(pl.col("source_system") == "brevo", pl.col("entity_type") == "contact")["source_record_id"]
    assert set(told) <= {str(c["id"]) for c in contacts} and len(told)
    shop = identity.filter(pl.col("source_system") == "shopware")["source_record_id"]
    assert shop.str.contains("^[0-9a-f]{32}$").all()
    assert requests.get(sandbox.url + "/_sandbox/truth/nothing.parquet", timeout=10).status_code == 404


def test_inbox_files_come_month_by_month_and_never_change(tmp_path: Path) -> None:
    company = Company(seed=5, accounts=60)
    before = inbox.files(company)
    company.advance(62)
    after = inbox.files(company)
    assert before.items() <= after.items() and len(after) > len(before)
    assert {p.name for p in inbox.write(company, tmp_path)} == set(after)


def test_inbox_files_are_as_their_senders_make_them(sandbox: Sandbox) -> None:
    names = requests.get(sandbox.url + "/_sandbox/inbox/", timeout=10).json()
    got = {n.split("_")[0]: requests.get(f"{sandbox.url}/_sandbox/inbox/{n}", timeout=10).content for n in names}
    fair = got["messe"].decode("utf-8-sig").splitlines()
    assert fair[0].startswith("Messe;Besuchsdatum;Firma") and fair[1].split(";")[1].count(".") == 2
    assert "," in got["werbekosten"].decode("utf-8-sig").splitlines()[1].split(";")[-1]
    webinar = pl.read_excel(io.BytesIO(got["webinar"]), engine="calamine")
    assert webinar["Beginn (UTC)"].dtype.is_temporal() and set(webinar["Teilgenommen"]) <= {"ja", "nein"}
    assert pl.read_parquet(io.BytesIO(got["firmenregister"])).height > 0
    assert requests.get(sandbox.url + "/_sandbox/inbox/nothing.csv", timeout=10).status_code == 404


def test_the_command_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "sandbox", "serve", "--accounts", "20", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stdout is not None
    url = process.stdout.readline().split()[1]
    assert requests.get(url + "/_sandbox/now", timeout=10).ok
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_the_command_prints_configuration_and_secrets() -> None:
    def printed(*words: str) -> str:
        command = [sys.executable, "-m", "sandbox", "config", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "http://127.0.0.1:9999/zendesk" in printed("--port", "9999")
    assert dict(line.split("=", 1) for line in printed("--env").splitlines()) == SECRETS
