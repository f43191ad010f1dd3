"""Quality issues and waivers: what the gate found, whose it is, and what a steward decided about it.

An issue is one rule on one table. It opens when the rule fails, resolves by itself when the rule passes, and opens again
when it fails again. A waiver lets a failing rule not block for a while; it has a reason, a name and an end. Which rules
there are is the expectations' business.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from warehouse import tables
from warehouse.errors import DecisionError
from warehouse.ledger import Ledger, append_audit, upsert

LONGEST_WAIVER = timedelta(days=30)
KEYS_KEPT = 200
NEVER_WAIVED = re.compile(r"(^|[._])(conservation|integrity|unique_key|key|consent|suppress\w*|generation)($|[._])")
"""Rules whose breach makes the data wrong or unlawful rather than poor: keys, counts, consent."""
OPEN_STATES = ("open", "acknowledged")
Rows = list[dict[str, Any]]


class Found(Protocol):
    """What one rule found on one table."""

    @property
    def rule_id(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def success(self) -> bool: ...
    @property
    def failing(self) -> int: ...
    @property
    def keys(self) -> Sequence[str]: ...
    @property
    def message(self) -> str: ...


def issue_id_of(table: str, rule_id: str) -> str:
    return hashlib.sha256(f"{table}\x1f{rule_id}".encode()).hexdigest()[:16]


class Issues:
    """The issues and waivers of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def record(
        self,
        run_id: str,
        table: str,
        found: Iterable[Found],
        *,
        checked: int = 0,
        urls: Mapping[str, str] | None = None,
        owner: str | None = None,
    ) -> None:
        """Files what a run's rules found on a table: opens, refreshes, resolves or reopens their issues.

        Rules that were not evaluated keep their issue as it is. `urls` has links to failing records by key.
        """
        now, links = self.ledger.clock(), urls or {}
        with self.ledger.begin() as connection:
            states = {
                row.issue_id: row.status
                for row in connection.execute(
                    sa.select(tables.issue.c.issue_id, tables.issue.c.status).where(tables.issue.c.table_name == table)
                )
            }
            for outcome in found:
                issue_id = issue_id_of(table, outcome.rule_id)
                before = states.get(issue_id)
                if outcome.success:
                    if before in OPEN_STATES:
                        changes = {"status": "resolved", "resolved_at": now, "failing": 0, "keys": "[]"}
                        self._change(connection, issue_id, **changes)
                        self._event(connection, issue_id, now, "resolved", run_id, 0)
                    continue
                keys = [{"key": key, "url": links.get(key)} for key in outcome.keys[:KEYS_KEPT]]
                values = {
                    "issue_id": issue_id,
                    "rule_id": outcome.rule_id,
                    "table_name": table,
                    "severity": outcome.severity,
                    "title": outcome.message or outcome.rule_id,
                    "failing": outcome.failing,
                    "checked": checked,
                    "keys": json.dumps(keys),
                    "status": before if before in OPEN_STATES else "open",
                    "opened_at": now,
                    "last_seen_at": now,
                    "resolved_at": None,
                    "run_id": run_id,
                    **({"owner": owner} if owner else {}),
                }
                keep = ["opened_at"] if before in OPEN_STATES else []
                upsert(connection, tables.issue, values, keep=keep)
                kind = "seen" if before in OPEN_STATES else "opened" if before is None else "reopened"
                self._event(connection, issue_id, now, kind, run_id, outcome.failing)

    def list(self, status: str | None = "open", severity: str | None = None) -> Rows:
        """Issues, worst and newest first, with `waived_until` where a waiver is in force.

        `status` "open" includes acknowledged ones; None means all.
        """
        table = tables.issue
        statement = sa.select(table)
        if status == "open":
            statement = statement.where(table.c.status.in_(OPEN_STATES))
        elif status is not None:
            statement = statement.where(table.c.status == status)
        if severity is not None:
            statement = statement.where(table.c.severity == severity)
        waivers = {row["rule_id"]: row["until"] for row in self.waivers()}
        rows = self.ledger.rows(statement)
        rank = {"critical": 0, "warning": 1, "info": 2}
        rows.sort(key=lambda row: row["last_seen_at"], reverse=True)
        rows.sort(key=lambda row: rank.get(row["severity"], 3))
        return [{**r, "keys": json.loads(r["keys"]), "waived_until": waivers.get(r["rule_id"])} for r in rows]

    def history(self, issue_id: str) -> Rows:
        """What happened to an issue, oldest first."""
        table = tables.issue_event
        return self.ledger.rows(sa.select(table).where(table.c.issue_id == issue_id).order_by(table.c.event_id))

    def acknowledge(self, issue_id: str, *, by: str, note: str = "", owner: str | None = None) -> None:
        """Says that somebody looks after it; it still blocks, but is no news any more."""
        now = self.ledger.clock()
        with self.ledger.begin() as connection:
            changes: dict[str, Any] = {"status": "acknowledged", **({"owner": owner} if owner else {})}
            if not self._change(connection, issue_id, **changes):
                raise DecisionError(f"there is no issue {issue_id}; see `wegpunkt quality list`")
            self._event(connection, issue_id, now, "acknowledged", None, None, by, note)
            append_audit(connection, now, by, "issue.acknowledge", issue_id, {"note": note})

    def open_critical(self) -> int:
        """How many critical issues are open, waived or not: what `publish_info` tells readers."""
        return len(self.list("open", "critical"))

    # -- waivers

    def waive(self, rule_id: str, *, reason: str, by: str, until: date | datetime) -> dict[str, Any]:
        """Lets a rule not block until the end of the day `until`, or until that instant.

        Raises:
            DecisionError: no reason or name, an end that is past or further than 30 days away, or a rule that may not
                be waived.
        """
        now = self.ledger.clock()
        end = until if isinstance(until, datetime) else datetime.combine(until + timedelta(days=1), time())
        if not reason.strip() or not by.strip():
            raise DecisionError(f"a waiver of {rule_id} needs a reason and a name: give --reason and --by")
        if end <= now:
            raise DecisionError(f"a waiver of {rule_id} cannot end in the past ({until}): give a later --until")
        # Thirty whole days, whatever the hour of the decision.
        if end > now + LONGEST_WAIVER and end.date() > (now + LONGEST_WAIVER).date() + timedelta(days=1):
            raise DecisionError(f"a waiver of {rule_id} may last 30 days at most: give an earlier --until than {until}")
        if end > now + LONGEST_WAIVER:
            end = now + LONGEST_WAIVER
        if NEVER_WAIVED.search(rule_id):
            raise DecisionError(f"{rule_id} cannot be waived: correct the records it names, or the rule itself")
        with self.ledger.begin() as connection:
            self._end(connection, rule_id, now, by)
            values = {"rule_id": rule_id, "reason": reason, "by": by, "created_at": now, "until": end}
            connection.execute(sa.insert(tables.waiver).values(**values))
            append_audit(connection, now, by, "waiver.add", rule_id, {"reason": reason, "until": end})
            self._note(connection, rule_id, now, "waived", by, f"until {end:%Y-%m-%d %H:%M} UTC: {reason}")
        return values

    def unwaive(self, rule_id: str, *, by: str) -> None:
        """Ends a waiver now."""
        now = self.ledger.clock()
        with self.ledger.begin() as connection:
            if not self._end(connection, rule_id, now, by):
                raise DecisionError(f"no waiver of {rule_id} is in force; see `wegpunkt quality list`")
            append_audit(connection, now, by, "waiver.remove", rule_id, {})
            self._note(connection, rule_id, now, "unwaived", by, "")

    def waivers(self) -> Rows:
        """The waivers in force."""
        table, now = tables.waiver, self.ledger.clock()
        in_force = sa.select(table).where(table.c.removed_at.is_(None), table.c.until > now)
        return self.ledger.rows(in_force.order_by(table.c.waiver_id))

    def waived(self) -> set[str]:
        """The rules that do not block now."""
        return {row["rule_id"] for row in self.waivers()}

    # -- statements

    @staticmethod
    def _change(connection: sa.Connection, issue_id: str, **changes: Any) -> bool:
        statement = sa.update(tables.issue).where(tables.issue.c.issue_id == issue_id).values(**changes)
        return bool(connection.execute(statement).rowcount)

    @staticmethod
    def _event(
        connection: sa.Connection,
        issue_id: str,
        at: datetime,
        kind: str,
        run_id: str | None,
        failing: int | None,
        by: str | None = None,
        note: str | None = None,
    ) -> None:
        values = {"issue_id": issue_id, "at": at, "kind": kind, "run_id": run_id, "failing": failing}
        connection.execute(sa.insert(tables.issue_event).values(**values, by=by, note=note))

    @classmethod
    def _note(cls, connection: sa.Connection, rule_id: str, at: datetime, kind: str, by: str, note: str) -> None:
        concerned = sa.select(tables.issue.c.issue_id).where(tables.issue.c.rule_id == rule_id)
        issue_ids: Sequence[str] = connection.execute(concerned).scalars().all()
        for issue_id in issue_ids:
            cls._event(connection, issue_id, at, kind, None, None, by, note)

    @staticmethod
    def _end(connection: sa.Connection, rule_id: str, now: datetime, by: str) -> bool:
        table = tables.waiver
        ended = connection.execute(
            sa.update(table)
            .where(table.c.rule_id == rule_id, table.c.removed_at.is_(None), table.c.until > now)
            .values(removed_at=now, removed_by=by)
        )
        return bool(ended.rowcount)
