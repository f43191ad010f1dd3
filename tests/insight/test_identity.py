"""Who is who: keys with vetoes, suggestions for a steward, people within accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from insight.pipeline import resolve_identity
from insight.tables import empty

TEXT = [
    "entity_type",
    "source_system",
    "source_instance",
    "source_record_id",
    "name",
    "legal_form",
    "first_name",
    "last_name",
    "vat_id",
    "register_no",
    "domain",
    "email",
    "phone",
    "street",
    "postcode",
    "city",
    "country",
    "parent_record_id",
    "account_record_id",
    "linked_system",
    "linked_instance",
    "linked_record_id",
]
SCHEMA: dict[str, Any] = {
    **dict.fromkeys(TEXT, pl.String),
    "created_at": pl.Datetime("us"),
    "updated_at": pl.Datetime("us"),
}
BORN = datetime(2024, 1, 1)


def account(system: str, record: str, name: str | None = None, **fields: object) -> dict[str, object]:
    return {
        "entity_type": "account", "source_system": system, "source_instance": "default", "source_record_id": record,
        "name": name, "created_at": BORN, **fields,
    }  # fmt: skip


def person(system: str, record: str, first: str | None, last: str | None, **fields: object) -> dict[str, object]:
    return {**account(system, record), "entity_type": "contact", "first_name": first, "last_name": last, **fields}


def resolved(
    *rows: dict[str, object], overrides: pl.DataFrame | None = None, kind: str = "account"
) -> tuple[list[set[str]], pl.DataFrame]:
    """Groups of record ids of one kind, and the edges."""
    identity, edges = resolve_identity(pl.DataFrame(list(rows), schema=SCHEMA), overrides)
    assert identity.schema == empty("identity").schema and edges.schema == empty("identity_edge").schema
    assert identity.height == len(rows)
    groups = identity.filter(pl.col("entity_type") == kind).group_by("entity_key").agg("source_record_id")
    return sorted((set(g) for g in groups["source_record_id"]), key=sorted), edges


def together(*rows: dict[str, object], kind: str = "account") -> bool:
    return len(resolved(*rows, kind=kind)[0]) == 1


HERE = {"street": "Hauptstraße 12", "postcode": "70173", "city": "Stuttgart"}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"vat_id": "DE 136695976"}, {"vat_id": "de136695976"}),
        ({"domain": "www.muster-bau.de"}, {"email": "kontakt@muster-bau.de"}),
        ({"phone": "+49 (0)711 / 123456", **HERE}, {"phone": "0711 123456", **HERE}),
        ({"linked_system": "b", "linked_instance": "default", "linked_record_id": "2"}, {}),
    ],
)
def test_one_strong_key_is_enough(left: dict[str, object], right: dict[str, object]) -> None:
    assert together(account("a", "1", "Alpha", **left), account("b", "2", "Beta", **right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Müller Maschinenbau GmbH", "Mueller Maschinenbau G.m.b.H."),
        ("Gebr. Weiß & Söhne KG", "Gebrüder Weiss und Soehne"),
        ("Technik Süd GmbH & Co. KG", "TECHNIK SUED"),
    ],
)
def test_one_name_in_many_spellings_at_one_address(left: str, right: str) -> None:
    other = {"street": "Hauptstr. 12", "postcode": "70173", "city": "STUTTGART"}
    assert together(account("a", "1", left, **HERE), account("b", "2", right, **other))


def test_a_name_or_a_phone_alone_joins_nothing() -> None:
    assert not together(account("a", "1", "Elektro Schmidt GmbH"), account("b", "2", "Elektro Schmidt GmbH"))
    assert not together(account("a", "1", "Alpha", phone="0711 123456"), account("b", "2", "Beta", phone="0711 123456"))


def test_near_equal_names_in_two_cities_are_two() -> None:
    far = {"street": "Bahnhofstraße 3", "postcode": "20095", "city": "Hamburg"}
    assert not together(
        account("a", "1", "Bäckerei Bauer GmbH", **HERE), account("b", "2", "Bäckerei Baur GmbH", **far)
    )
    assert not together(
        account("a", "1", "Bäckerei Bauer GmbH", **HERE), account("b", "2", "Bäckerei Bauer GmbH", **far)
    )


def test_a_free_mail_domain_or_one_used_by_two_records_of_a_system_joins_nothing() -> None:
    assert not together(
        account("a", "1", "Alpha", email="alpha@gmx.de"), account("b", "2", "Beta", email="beta@gmx.de")
    )
    groups, _ = resolved(
        account("a", "1", "Holding Nord", domain="holding.de"),
        account("a", "2", "Holding Süd", domain="holding.de"),
        account("b", "3", "Etwas anderes", domain="holding.de"),
    )
    assert len(groups) == 3


def test_different_vat_ids_veto_an_equal_name_and_address() -> None:
    groups, edges = resolved(
        account("a", "1", "Alpha GmbH", vat_id="DE136695976", **HERE),
        account("b", "2", "Alpha GmbH", vat_id="DE129273398", **HERE),
    )
    assert len(groups) == 2
    assert set(edges["decision"]) == {"vetoed"}


def test_a_vat_id_with_a_wrong_check_digit_neither_joins_nor_vetoes() -> None:
    assert not together(
        account("a", "1", "Alpha", vat_id="DE136695977"), account("b", "2", "Beta", vat_id="DE136695977")
    )


def test_parent_and_child_are_held_apart_even_through_a_third_record() -> None:
    groups, _ = resolved(
        account("a", "1", "Alpha GmbH", domain="alpha.de", **HERE),
        account("a", "2", "Alpha GmbH", parent_record_id="1", **HERE),
        account("b", "3", "Alpha GmbH", domain="alpha.de", **HERE),
    )
    assert not any({"1", "2"} <= g for g in groups)
    assert any({"1", "3"} <= g for g in groups)


def override(decision: str) -> pl.DataFrame:
    return pl.DataFrame(
        [("account", "a", "default", "1", "b", "default", "2", decision)],
        schema=[
            "entity_type",
            "a_system",
            "a_instance",
            "a_record_id",
            "b_system",
            "b_instance",
            "b_record_id",
            "decision",
        ],
        orient="row",
    )


def test_a_steward_joins_and_parts() -> None:
    strangers = (account("a", "1", "Alpha"), account("b", "2", "Beta"))
    assert len(resolved(*strangers, overrides=override("merge"))[0]) == 1
    same = (account("a", "1", "Alpha", domain="alpha.de"), account("b", "2", "Alpha", domain="alpha.de"))
    assert len(resolved(*same)[0]) == 1
    assert len(resolved(*same, overrides=override("split"))[0]) == 2


def test_a_group_beyond_the_limit_is_reported_and_not_merged() -> None:
    rows = [account(f"s{n:02d}", f"{n:02d}", "Alpha GmbH", domain="alpha.de") for n in range(30)]
    groups, edges = resolved(*rows)
    assert max(len(g) for g in groups) <= 20
    assert edges.filter(pl.col("evidence").str.contains("too large")).height


def test_alike_is_suggested_and_not_merged() -> None:
    groups, edges = resolved(
        account("a", "1", "Holzhandel Brandner GmbH", postcode="70173", city="Stuttgart", street="Alte Gasse 1"),
        account("b", "2", "Holzhandel Brandtner GmbH", postcode="70173", city="Stuttgart"),
        account("b", "3", "Ganz anders AG", postcode="70173", city="Stuttgart"),
    )
    assert len(groups) == 3
    suggested = edges.filter(pl.col("decision") == "suggested")
    assert suggested.select("a_record_id", "b_record_id").rows() == [("1", "2")]


def test_every_group_is_a_path_of_merged_edges() -> None:
    rows = [
        account("a", "1", "Alpha GmbH", domain="alpha.de"),
        account("b", "2", "Alpha", domain="alpha.de", **HERE),
        account("c", "3", "ALPHA", **HERE),
    ]
    groups, edges = resolved(*rows)
    assert groups == [{"1", "2", "3"}]
    merged = edges.filter(pl.col("decision") == "merged")
    assert {frozenset(p) for p in merged.select("a_record_id", "b_record_id").rows()} >= {
        frozenset("12"),
        frozenset("23"),
    }
    assert merged["evidence"].str.len_chars().min() > 0


def test_the_key_is_that_of_the_earliest_record_and_rows_may_come_in_any_order() -> None:
    late = account("a", "1", "Alpha", domain="alpha.de", created_at=BORN + timedelta(days=9))
    early = account("b", "2", "Alpha", domain="alpha.de")
    rows = [
        late,
        early,
        *(account("c", f"{n}", f"Firma {n}", postcode="70173", city="Stuttgart") for n in range(30, 60)),
    ]
    table = pl.DataFrame(rows, schema=SCHEMA)
    first = resolve_identity(table)
    second = resolve_identity(table.sample(fraction=1.0, shuffle=True, seed=2))
    assert all(x.write_csv() == y.write_csv() for x, y in zip(first, second, strict=True))
    alone = resolve_identity(pl.DataFrame([early], schema=SCHEMA))[0]["entity_key"][0]
    both = first[0].filter(pl.col("source_record_id").is_in(["1", "2"]))["entity_key"]
    assert set(both) == {alone}


# --- people ------------------------------------------------------------------------------------------------------------


def test_people_meet_by_their_own_mailbox() -> None:
    one = person("a", "1", "Eva", "Maier", email="Eva.Maier@alpha.de")
    assert together(one, person("b", "2", "E.", "Maier", email="eva.maier@alpha.de"), kind="contact")


@pytest.mark.parametrize("box", ["info@alpha.de", "einkauf@alpha.de"])
def test_a_role_box_is_nobody(box: str) -> None:
    rows = (person("a", "1", "Eva", "Maier", email=box), person("b", "2", "Jan", "Koch", email=box))
    assert not together(*rows, kind="contact")


def test_a_mailbox_shared_under_two_names_is_nobody() -> None:
    rows = (
        person("a", "1", "Eva", "Maier", email="werk2@alpha.de"),
        person("b", "2", "Jan", "Koch", email="werk2@alpha.de"),
    )
    assert not together(*rows, kind="contact")


def test_one_name_at_one_account_is_one_person_and_at_two_accounts_two() -> None:
    firms = (account("a", "A", "Alpha", domain="alpha.de"), account("b", "B", "Alpha", domain="alpha.de"))
    eva = (
        person("a", "1", "Eva", "Müller", account_record_id="A"),
        person("b", "2", "Eva", "Mueller", account_record_id="B"),
    )
    assert together(*firms, *eva, kind="contact")
    strangers = (account("a", "A", "Alpha", domain="alpha.de"), account("b", "B", "Beta", domain="beta.de"))
    assert not together(*strangers, *eva, kind="contact")


def test_no_records() -> None:
    identity, edges = resolve_identity(pl.DataFrame(schema=SCHEMA))
    assert identity.is_empty() and edges.is_empty()
