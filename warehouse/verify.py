"""Proof that what is stored is what was written, and a doctor that names what is wrong and the safe repair.

Both only look. `verify` reads every byte; `doctor` is quick.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import sqlalchemy as sa

from warehouse import duck, tables
from warehouse.cursors import RESUME_LIFE
from warehouse.errors import IntegrityError, LockHeld, StorageError
from warehouse.files import TEMPORARY, sha256_of
from warehouse.ledger import Ledger
from warehouse.lock import run_lock
from warehouse.parts import check_part, parts_of
from warehouse.publish import MANIFEST, Publisher

LITTLE_SPACE = 1 << 30


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. `severity` is error or warning."""

    severity: str
    what: str
    repair: str


def verify(data_dir: Path, ledger: Ledger) -> list[Finding]:
    """Checks every landed and published file against its SHA-256, every count, and the audit trail."""
    data_dir = Path(data_dir)
    findings = []
    for part in parts_of(ledger):
        try:
            check_part(data_dir, part, content=True)
        except (IntegrityError, StorageError) as error:
            repair = (
                f"restore the file from a backup, or read {part.key} anew: move the file and its neighbours aside and "
                f"run `wegpunkt run --full --source {part.key.vendor}`"
            )
            findings.append(Finding("error", str(error).split(":")[0], repair))
    findings += _published(data_dir, ledger)
    try:
        ledger.verify_audit()
    except IntegrityError as error:
        findings.append(Finding("error", str(error), "compare the ledger with a backup"))
    return findings + _counts(ledger)


def _published(data_dir: Path, ledger: Ledger) -> list[Finding]:
    findings = []
    publisher = Publisher(data_dir, ledger)
    newest = publisher.generations()
    if newest and newest[0]["sha256"]:
        if not publisher.file.exists():
            findings.append(Finding("error", f"{publisher.file} is missing", "publish again: `wegpunkt run`"))
        elif sha256_of(publisher.file) != newest[0]["sha256"]:
            what = f"{publisher.file} has other bytes than were published"
            findings.append(Finding("error", what, "publish again: `wegpunkt run`; open it read-only"))
    checked: dict[tuple[int, int], str] = {}
    for row in newest:
        folder = data_dir / "published" / row["generation"]
        if not folder.is_dir():
            continue
        if not (folder / MANIFEST).exists():
            findings.append(Finding("error", f"{folder} has no {MANIFEST}", "delete the folder"))
            continue
        for entry in json.loads((folder / MANIFEST).read_bytes())["tables"].values():
            path = folder / entry["file"]
            if not path.exists():
                findings.append(Finding("error", f"{path} is missing", "publish again: `wegpunkt run`"))
                continue
            status = path.stat()
            # Unchanged tables are links to one file: read it once.
            inode = (status.st_dev, status.st_ino)
            if inode not in checked:
                checked[inode] = sha256_of(path)
            if checked[inode] != entry["sha256"]:
                what = f"{path} has other bytes than were published"
                findings.append(Finding("error", what, "delete this generation's folder, then `wegpunkt run`"))
    return findings


def _counts(ledger: Ledger) -> list[Finding]:
    """The conservation law, over every stream run there ever was."""
    table = tables.stream_run
    accounted = table.c.new + table.c.unchanged + table.c.superseded + table.c.quarantined
    broken = ledger.rows(sa.select(table).where(table.c.received != accounted))
    return [
        Finding(
            "error",
            f"run {row['run_id']} received {row['received']} records of {row['vendor']}.{row['stream']} but does not "
            "account for all of them",
            f"`wegpunkt run --full --source {row['vendor']}`",
        )
        for row in broken
    ]


def doctor(data_dir: Path, ledger: Ledger) -> list[Finding]:
    """What is wrong now and how to put it right, without reading every byte."""
    data_dir = Path(data_dir)
    findings: list[Finding] = []
    try:
        with run_lock(data_dir):
            findings += _leftovers(data_dir, ledger)
    except LockHeld as held:
        findings.append(Finding("warning", str(held).split(":")[0], "wait; what follows may be its work in progress"))
    for part in parts_of(ledger):
        try:
            check_part(data_dir, part, content=False)
        except (IntegrityError, StorageError) as error:
            findings.append(Finding("error", str(error).split(":")[0], "restore it from a backup"))
    findings += _build_file(data_dir)
    findings += _publication(data_dir, ledger)
    findings += _permissions(data_dir)
    findings += _streams(ledger)
    free = shutil.disk_usage(data_dir).free
    if free < LITTLE_SPACE:
        findings.append(Finding("warning", f"{data_dir} has {free >> 20} MB left", "free space before the next run"))
    if any(d.metadata["Name"] == "urllib3-future" for d in metadata.distributions(name="urllib3-future")):
        what = "urllib3-future is installed and silently replaces urllib3"
        findings.append(Finding("warning", what, "uninstall it and install urllib3 again"))
    return findings


def _leftovers(data_dir: Path, ledger: Ledger) -> list[Finding]:
    findings = []
    dead = ledger.rows(sa.select(tables.run.c.run_id).where(tables.run.c.status == "running"))
    for row in dead:
        what = f"run {row['run_id']} is marked running, but nothing holds the lock"
        findings.append(Finding("warning", what, "nothing to do: the next run closes it"))
    for folder in ("raw", "published"):
        for parent, folders, names in os.walk(data_dir / folder):
            for name in (*folders, *names):
                if name.endswith(TEMPORARY):
                    what = f"{Path(parent) / name} was left unfinished"
                    findings.append(Finding("warning", what, "nothing to do: the next run removes it"))
    if (data_dir / "set_aside").is_dir():
        what = f"{data_dir / 'set_aside'} holds parts that the ledger does not know"
        findings.append(
            Finding("warning", what, "look whether the ledger was restored from an old backup; delete them then")
        )
    return findings


def _build_file(data_dir: Path) -> list[Finding]:
    path = data_dir / "warehouse" / "build.duckdb"
    findings = [
        Finding("warning", f"{damaged} is a damaged build file that was replaced", "delete it")
        for damaged in sorted(path.parent.glob("damaged-*")) if path.parent.is_dir()
    ]  # fmt: skip
    if path.exists():
        try:
            duck.connect(path, read_only=True).close()
        except duck.DamagedFile as damage:
            findings.append(
                Finding("error", str(damage), "nothing to do: the next run sets it aside and builds it anew")
            )
        except StorageError as error:
            findings.append(Finding("warning", str(error), "close the other program"))
    return findings


def _publication(data_dir: Path, ledger: Ledger) -> list[Finding]:
    publisher = Publisher(data_dir, ledger)
    known = publisher.generations()
    try:
        current = publisher.current()
    except StorageError as error:
        return [Finding("error", str(error), "publish again: `wegpunkt run`")]
    findings = []
    if current is None and known:
        findings.append(Finding("error", f"{publisher.file} is missing", "publish again: `wegpunkt run`"))
    elif current is not None and current["generation"] not in {row["generation"] for row in known}:
        what = f"generation {current['generation']} is published but not in the ledger"
        findings.append(Finding("warning", what, "nothing to do: the next run enters it"))
    if publisher.file.with_name("marts.duckdb.wal").exists():
        what = f"{publisher.file}.wal: somebody writes into the published file"
        findings.append(Finding("error", what, "close that program, delete the .wal, and open the file read-only"))
    return findings


def _permissions(data_dir: Path) -> list[Finding]:
    findings = []
    private = [data_dir, data_dir / "ledger.sqlite", data_dir / "raw", data_dir / "warehouse"]
    for path in private:
        if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            what = f"{path} can be read by others than its owner"
            findings.append(Finding("warning", what, f"`chmod {'700' if path.is_dir() else '600'} {path}`"))
    return findings


def _streams(ledger: Ledger) -> list[Finding]:
    table = tables.cursor
    stale = ledger.rows(
        sa.select(table).where(table.c.resume.is_not(None), table.c.resume_at < ledger.clock() - RESUME_LIFE)
    )
    return [
        Finding(
            "warning",
            f"the reading of {row['vendor']}.{row['stream']} was interrupted more than a day ago",
            "nothing to do: the next run starts again from its watermark",
        )
        for row in stale
    ]
