"""Issues and waivers through their door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from warehouse import DecisionError, Issues, Ledger

NOW = datetime(2026, 3, 1, 12)


@dataclass(frozen=True)
class Outcome:
    rule_id: str
    success: bool
    severity: str = "critical"
    failing: int = 3
    keys: tuple[str, ...] = ("k1", "k2")
    message: str = "three rows have no amount"


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issues(data: Path, clock: Clock) -> Issues:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}", clock=clock)
    ledger.migrate()
    return Issues(ledger)


def test_an_issue_opens_is_seen_resolves_and_reopens(issues: Issues) -> None:
    for run, success in enumerate([False, False, True, True, False]):
        issues.record(f"run{run}", "fct_order_line", [Outcome("amount.not_null", success)], checked=10)
    issue = issues.list()[0]
    assert (issue["status"], issue["failing"], issue["checked"]) == ("open", 3, 10)
    kinds = [event["kind"] for event in issues.history(issue["issue_id"])]
    assert kinds == ["opened", "seen", "resolved", "reopened"]


def test_a_rule_that_was_not_evaluated_keeps_its_issue(issues: Issues) -> None:
    issues.record("run1", "fct", [Outcome("a", False), Outcome("b", False)])
    issues.record("run2", "fct", [Outcome("a", True)])
    issues.record("run2", "dim", [Outcome("b", True)])
    assert [issue["rule_id"] for issue in issues.list()] == ["b"]
    assert len(issues.list(status=None)) == 2
    assert {issue["rule_id"] for issue in issues.list(status="resolved")} == {"a"}


def test_issues_lead_to_records_and_the_worst_come_first(issues: Issues) -> None:
    found = [Outcome("w", False, "warning"), Outcome("c", False)]
    issues.record("run1", "fct", found, urls={"k1": "https://crm.example/k1"}, owner="sales")
    assert [issue["rule_id"] for issue in issues.list()] == ["c", "w"]
    assert issues.list()[0]["keys"] == [{"key": "k1", "url": "https://crm.example/k1"}, {"key": "k2", "url": None}]
    assert issues.list()[0]["owner"] == "sales"
    assert issues.open_critical() == 1


def test_acknowledging_is_no_resolving(issues: Issues) -> None:
    issues.record("run1", "fct", [Outcome("a", False)])
    issue_id = issues.list()[0]["issue_id"]
    issues.acknowledge(issue_id, by="steward", note="asked the shop", owner="steward")
    issues.record("run2", "fct", [Outcome("a", False)])
    assert (issues.list()[0]["status"], issues.list()[0]["owner"]) == ("acknowledged", "steward")
    assert issues.open_critical() == 1
    with pytest.raises(DecisionError):
        issues.acknowledge("nothing", by="steward")


def test_a_waiver_ends_by_itself(issues: Issues, clock: Clock) -> None:
    issues.record("run1", "fct", [Outcome("a", False)])
    issues.waive("a", reason="fixed next week", by="steward", until=date(2026, 3, 8))
    assert issues.waived() == {"a"}
    assert issues.list()[0]["waived_until"] == datetime(2026, 3, 9)
    assert issues.open_critical() == 1
    clock.now = datetime(2026, 3, 8, 23, 59)
    assert issues.waived() == {"a"}
    clock.now = datetime(2026, 3, 9)
    assert issues.waived() == set()


def test_day_thirty_is_allowed_and_day_thirty_two_is_not(issues: Issues, clock: Clock) -> None:
    issues.waive("a", reason="r", by="s", until=(NOW + timedelta(days=30)).date())
    clock.now = NOW + timedelta(days=29)
    assert issues.waived() == {"a"}
    clock.now = NOW + timedelta(days=30, seconds=1)
    assert issues.waived() == set()
    clock.now = NOW
    with pytest.raises(DecisionError, match="30 days"):
        issues.waive("b", reason="r", by="s", until=(NOW + timedelta(days=32)).date())


@pytest.mark.parametrize(
    ("rule_id", "reason", "by", "until"),
    [
        ("a", " ", "s", date(2026, 3, 8)),
        ("a", "r", "", date(2026, 3, 8)),
        ("a", "r", "s", date(2026, 2, 1)),
        ("crm.conservation", "r", "s", date(2026, 3, 8)),
        ("dim_account.key", "r", "s", date(2026, 3, 8)),
        ("mart_growth_target.consent_missing", "r", "s", date(2026, 3, 8)),
        ("mart_growth_target.suppression", "r", "s", date(2026, 3, 8)),
    ],
)
def test_what_may_not_be_waived(issues: Issues, rule_id: str, reason: str, by: str, until: date) -> None:
    with pytest.raises(DecisionError) as caught:
        issues.waive(rule_id, reason=reason, by=by, until=until)
    assert caught.value.exit_code == 50
    assert issues.waived() == set()


def test_decisions_are_audited(issues: Issues) -> None:
    issues.record("run1", "fct", [Outcome("a", False)])
    issues.waive("a", reason="r", by="s", until=date(2026, 3, 8))
    issues.waive("a", reason="longer", by="s", until=date(2026, 3, 9))
    assert len(issues.waivers()) == 1
    issues.unwaive("a", by="t")
    assert [(e["action"], e["by"]) for e in issues.ledger.audit_trail()] == [
        ("waiver.add", "s"), ("waiver.add", "s"), ("waiver.remove", "t"),
    ]  # fmt: skip
    kinds = [event["kind"] for event in issues.history(issues.list()[0]["issue_id"])]
    assert kinds == ["opened", "waived", "waived", "unwaived"]
    with pytest.raises(DecisionError):
        issues.unwaive("a", by="t")
