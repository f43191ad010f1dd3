"""The gate never passes on nothing, names failing rows by key, and keeps their values to itself."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from expectations import SuiteError, load_suites, validate

SUITE = """
deals:
  key: deal_id
  min_rows: 1
  rules:
    - {type: expect_column_values_to_be_between, column: amount, min_value: 0, severity: warning}
    - {type: expect_column_values_to_match_regex, column: email, regex: "@", severity: info}
"""
FRAME = pl.DataFrame(
    {
        "deal_id": ["1", "2", "3"],
        "amount": [1.0, -7.5, None],
        "email": ["a@x.example", "secret-value", None],
    }
)


def suite(folder: Path, text: str = SUITE):  # type: ignore[no-untyped-def]
    (folder / "deals.yml").write_text(text, encoding="utf-8")
    return load_suites(folder)["deals"]


def test_failing_rows_are_named_by_key_and_their_values_stay_inside(tmp_path: Path) -> None:
    report = validate(suite(tmp_path), FRAME)
    failed = {o.rule_id: o for o in report.failed()}
    assert failed["deals.amount.column_values_to_be_between"].keys == ("2",)
    assert failed["deals.email.column_values_to_match_regex"].keys == ("2",)
    assert "secret-value" not in repr(report)
    assert not report.blocks


def test_double_key_blocks(tmp_path: Path) -> None:
    report = validate(suite(tmp_path), pl.concat([FRAME, FRAME.head(1)]))
    assert report.blocks
    assert [o.keys for o in report.failed("critical")] == [("1",)]


def test_empty_frame_fails_unless_the_suite_says_it_may_be(tmp_path: Path) -> None:
    assert validate(suite(tmp_path), FRAME.clear()).blocks
    allowed = suite(tmp_path, SUITE.replace("min_rows: 1", "min_rows: 0"))
    report = validate(allowed, FRAME.clear())
    assert report.outcomes == ()


def test_missing_column_blocks_instead_of_breaking(tmp_path: Path) -> None:
    assert validate(suite(tmp_path), FRAME.drop("amount")).blocks


def test_rule_with_impossible_arguments_is_refused(tmp_path: Path) -> None:
    for wrong in (SUITE.replace("min_value: 0", 'min_value: "zero"'), SUITE.replace("to_be_between", "to_be_betwixt")):
        with pytest.raises(SuiteError, match="mend it in the suite of deals"):
            validate(suite(tmp_path, wrong), FRAME)


def test_rule_that_breaks_while_it_is_evaluated_counts_as_failed(tmp_path: Path) -> None:
    report = validate(suite(tmp_path, SUITE.replace('regex: "@"', 'regex: "("')), FRAME)
    assert [o.message for o in report.failed("info")] == [
        "deals.email.column_values_to_match_regex could not be evaluated; the rule or the column's type is wrong"
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("deals:\n  key: id\n  rules: []\n", "has no rule"),
        ("deals:\n  rules: [{type: x, severity: info}]\n", "needs `key`"),
        (SUITE.replace("severity: info", "severity: urgent"), "needs `type` and `severity`"),
        ("- deals\n", "mapping"),
    ],
)
def test_malformed_suite_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SuiteError, match=sentence):
        suite(tmp_path, text)


def test_every_shipped_suite_loads() -> None:
    assert len(load_suites()) > 30
