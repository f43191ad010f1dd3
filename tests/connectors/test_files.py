"""The inbox: whole or not at all, once whatever the name, and numbers as the mapping says."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors import Batch, ConfigError, UnexpectedContent, connect
from sandbox.xlsx import workbook

MAPPING = {
    "files": "fair_*",
    "kind": "ad_spend",
    "separator": ";",
    "decimal": ",",
    "dates": "%d.%m.%Y",
    "columns": {"spent_on": "Datum", "cost_amount": "Kosten", "campaign": "Kampagne"},
    "constants": {"currency_code": "EUR"},
}
TEXT = "Datum;Kosten;Kampagne\n31.12.2025;1.234,56 €;Müller\n01.01.2026;-5;\n"


def read(folder: Path, cursor: str | None = None, **wish: Any) -> list[Batch]:
    inbox = connect("files", base_url="", auth={}, options={"path": str(folder), "mapping": [{**MAPPING, **wish}]})
    return list(inbox.read("ad_spend", cursor=cursor))


def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    return [r for b in batches for r in b.frame.to_dicts()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252"])
def test_german_numbers_dates_and_letters_arrive(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "fair_a.csv").write_bytes(TEXT.encode(encoding))
    first, second = rows(read(tmp_path, encoding="windows-1252" if encoding == "windows-1252" else "utf-8"))
    assert (first["spent_on"], first["cost_amount"], first["campaign"]) == (
        date(2025, 12, 31),
        Decimal("1234.5600"),
        "Müller",
    )
    assert (second["cost_amount"], second["campaign"], second["currency_code"]) == (Decimal("-5"), None, "EUR")


def test_a_content_is_read_once_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "fair_a.csv").write_text(TEXT)
    first = read(tmp_path)
    assert len(rows(first)) == 2 and first[-1].complete
    (tmp_path / "fair_a.csv").rename(tmp_path / "fair_b.csv")
    (tmp_path / "fair_c.csv").write_text(TEXT)
    again = read(tmp_path, first[-1].cursor)
    assert rows(again) == [] and again[-1].cursor == first[-1].cursor
    (tmp_path / "fair_d.csv").write_text(TEXT + "02.01.2026;7;neu\n")
    assert len(rows(read(tmp_path, again[-1].cursor))) == 3


def test_a_damaged_file_is_named_with_its_line_and_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "fair_a.csv").write_text(TEXT + "02.01.2026;7\n")
    with pytest.raises(UnexpectedContent, match=r"fair_a\.csv.*line 4"):
        read(tmp_path)


def test_a_damaged_file_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / "fair_a.csv").write_text(TEXT + "02.01.2026;7\n")
    (tmp_path / "fair_b.csv").write_text(TEXT)
    inbox = connect("files", base_url="", auth={}, options={"path": str(tmp_path), "mapping": [MAPPING]})
    kept: list[Batch] = []
    with pytest.raises(UnexpectedContent, match="fair_a"):
        for batch in inbox.read("ad_spend"):
            kept.append(batch)
    assert len(rows(kept)) == 2 and kept[-1].resume and not kept[-1].complete
    (tmp_path / "fair_a.csv").unlink()
    rest = list(inbox.read("ad_spend", resume=kept[-1].resume))
    assert rows(rest) == [] and rest[-1].complete


def test_a_cell_that_does_not_parse_costs_its_row_only(tmp_path: Path) -> None:
    (tmp_path / "fair_a.csv").write_text(TEXT + "30.02.2026;7;x\n02.01.2026;1,234.56;x\n02.01.2026;;x\n")
    batches = read(tmp_path)
    reasons = [r.reason_code for b in batches for r in b.rejects]
    assert len(rows(batches)) == 2 and reasons == ["unparseable_date", "unparseable_number", "required_null"]


def test_workbooks_and_parquet_bring_their_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"Datum": [date(2026, 1, 2)], "Kosten": [12.5], "Kampagne": ["x"]})
    frame.write_parquet(tmp_path / "fair_a.parquet")
    (row,) = rows(read(tmp_path))
    assert (row["spent_on"], row["cost_amount"]) == (date(2026, 1, 2), Decimal("12.5"))


def test_a_mapping_that_names_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fair_a.csv").write_text(TEXT)
    with pytest.raises(ConfigError, match="no column 'price'"):
        read(tmp_path, columns={"price": "Kosten"})
    with pytest.raises(UnexpectedContent, match="Preis"):
        read(tmp_path, columns={"spent_on": "Datum", "cost_amount": "Preis"})


def test_a_file_that_was_touched_is_still_the_same_record(tmp_path: Path) -> None:
    file = tmp_path / "fair_a.csv"
    file.write_text(TEXT)
    first = rows(read(tmp_path))
    os.utime(file, (1, 1))
    assert [r["record_id"] for r in rows(read(tmp_path))] == [r["record_id"] for r in first]


def test_a_workbook_keeps_dates_numbers_and_what_stands_among_them(tmp_path: Path, caplog: Any) -> None:
    cells = [(date(2026, 1, 5), 12.5, "Messe"), (date(2026, 1, 6), "keine", "Müller"), (None, 1200, None)]
    (tmp_path / "fair_a.xlsx").write_bytes(workbook("Kosten", ["Datum", "Kosten", "Kampagne"], cells))
    batches = read(tmp_path, decimal=".")
    (good,) = rows(batches)
    assert (good["spent_on"], good["cost_amount"], good["campaign"]) == (date(2026, 1, 5), Decimal("12.5"), "Messe")
    assert [(r.reason_code, r.field_path) for b in batches for r in b.rejects] == [
        ("unparseable_number", "cost_amount"),
        ("required_null", "spent_on"),
    ]
    assert not caplog.records
