"""The simulated company: the same life from the same seed, and a truth that is hard but possible to find."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from sandbox.company import START, TRUTHS, Company
from sandbox.people import check_digit
from sandbox.records import CrmObject, Store

PHASES = {"awareness", "consideration", "decision", "purchase", "retention", "growth", "advocacy", "exit"}


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(seed=1, accounts=400)


def content(store: Store) -> dict[str, Any]:
    """All records, comparable between two companies."""
    found: dict[str, Any] = {}
    for field in fields(store):
        rows = getattr(store, field.name)
        rows = [r for kind in rows.values() for r in kind] if isinstance(rows, dict) else rows
        found[field.name] = [asdict(r) for r in rows]
    return found


def test_a_life_does_not_depend_on_how_its_days_are_divided() -> None:
    whole, stepwise = Company(seed=3, accounts=40), Company(seed=3, accounts=40)
    whole.advance(45)
    for days in (1, 7, 30, 5, 2):
        stepwise.advance(days)
    assert content(whole.store) == content(stepwise.store)
    assert all(whole.truth(table).equals(stepwise.truth(table)) for table in TRUTHS)
    assert whole.now == START + timedelta(days=45)
    assert content(Company(seed=4, accounts=40).store) != content(Company(seed=3, accounts=40).store)


def test_time_only_goes_forward(company: Company) -> None:
    with pytest.raises(ValueError, match="forward"):
        company.advance(0)


def test_nothing_is_shown_from_the_future_and_nothing_changes_before_it_is_made(company: Company) -> None:
    late = company.now + timedelta(seconds=60)  # messages take some seconds
    for name, rows in content(company.store).items():
        for row in rows:
            stamps = {k: v for k, v in row.items() if isinstance(v, datetime) and k != "planned_at"}
            assert all(at <= late for k, at in stamps.items() if k != "archived_at"), (name, row)
            if stamps.get("updated_at") and stamps.get("created_at"):
                assert stamps["updated_at"] >= stamps["created_at"], (name, row)


def test_ids_are_places_in_the_store(company: Company) -> None:
    for field in fields(company.store):
        rows = getattr(company.store, field.name)
        if isinstance(rows, list) and rows and hasattr(rows[0], "id") and field.name != "owners":
            assert [r.id for r in rows] == list(range(1, len(rows) + 1)), field.name


def test_every_account_has_one_phase_on_every_day_of_its_journey(company: Company) -> None:
    phase = company.truth("phase")
    assert set(phase["journey_phase_code"]) == PHASES
    assert phase.select("true_id", "on_date").is_duplicated().sum() == 0
    spans = phase.group_by("true_id").agg(
        pl.len(), pl.col("on_date").min().alias("a"), pl.col("on_date").max().alias("z")
    )
    assert spans.filter(pl.col("len") != (pl.col("z") - pl.col("a")).dt.total_days() + 1).is_empty()
    assert set(spans["z"]) == {company.now.date() - timedelta(days=1)}
    assert phase["is_break"].mean() > 0.1


def test_who_left_is_in_the_last_phase_until_somebody_wins_them_back(company: Company) -> None:
    last = company.truth("phase").filter(pl.col("on_date") == pl.col("on_date").max())
    left = company.truth("leaving").filter(pl.col("left_on").is_not_null())
    assert 0.1 < left.height / company.truth("leaving").height < 0.5
    phases = left.join(last, on="true_id")["journey_phase_code"]
    assert set(phases) == {"exit"}


def test_leaving_is_foretold_by_the_newsletter_and_the_help_desk(company: Company) -> None:
    """Complaints per day in the two months before the last day, against those of customers who stay."""
    accounts = company.world.accounts
    rate: dict[bool, list[float]] = {True: [], False: []}
    cases: dict[int, list[datetime]] = defaultdict(list)
    for ticket in company.store.support_tickets:
        if ticket.category == "complaint" and ticket.account is not None:
            cases[ticket.account].append(ticket.created_at)
    for a in accounts:
        if a.orders:
            end = company.world.moment(a.left_at) if a.left_at is not None else company.now
            rate[a.left_at is not None].append(sum(end - timedelta(days=60) <= at < end for at in cases[a.key]))
    leavers, stayers = (sum(rate[x]) / len(rate[x]) for x in (True, False))
    assert leavers > 1.5 * stayers


def test_gaps_between_orders_are_more_regular_than_chance(company: Company) -> None:
    orders = company.truth("orders").sort("true_id", "ordered_at")
    gaps = orders.with_columns(pl.col("ordered_at").diff().over("true_id").dt.total_days().alias("gap")).drop_nulls()
    per = gaps.group_by("true_id").agg(pl.col("gap").mean().alias("m"), pl.col("gap").std().alias("s"), pl.len())
    per = per.filter(pl.col("len") >= 8)
    assert 0.45 < per.select((pl.col("s") / pl.col("m")).median()).item() < 0.95  # 1 would be a Poisson process


def test_what_fits_is_what_is_missing(company: Company) -> None:
    fits = company.truth("fits")
    numbers = {p.number for p in company.store.products}
    assert set(fits["product_number"]) <= numbers
    assert set(fits["kind"]) == {"cross_sell", "upsell"}
    owned = {f"A{a.key:06d}": a.owned for a in company.world.accounts}
    for account, family, kind in fits.select("true_id", "product_family", "kind").iter_rows():
        assert (family in owned[account]) is (kind == "upsell")


# Who is who.
Seen = dict[str, set[str]]


def domain(email: str | None) -> str | None:
    return email.partition("@")[2] if email else None


def live(rows: list[CrmObject]) -> list[CrmObject]:
    return [r for r in rows if not r.gone and r.archived_at is None]


def companies_by_system(store: Store) -> dict[int, dict[str, Seen]]:
    """Account -> system -> what could tie it to another system without thinking."""
    found: dict[int, dict[str, Seen]] = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))

    def add(account: int | None, system: str, email: str | None, vat: str | None, *domains: str | None) -> None:
        if account is not None:
            seen = found[account][system]
            seen["email"].add(email or "")
            seen["vat"].add(vat or "")
            seen["domain"].update(d or "" for d in (*domains, domain(email)))

    for c in live(store.crm["companies"]):
        add(c.account, "crm", None, c.properties.get("vat_id"), c.properties.get("domain"))
    for c in live(store.crm["contacts"]):
        add(c.account, "crm", c.properties.get("email"), None)
    for customer in store.shop_customers:
        add(customer.account, "shop", customer.email, customer.vat_id)
    for reader in store.newsletter_contacts:
        add(reader.account, "newsletter", reader.email, None)
    for organization in store.support_organizations:
        add(organization.account, "support", None, None, *organization.domain_names)
    for user in store.support_users:
        add(user.account, "support", user.email, None)
    return found


def test_a_quarter_of_the_companies_share_no_key_between_two_of_their_systems(company: Company) -> None:
    found = [s for s in companies_by_system(company.store).values() if len(s) > 1]
    hard = sum(
        any(
            not any((one[key] & other[key]) - {""} for key in ("email", "vat", "domain"))
            for one, other in itertools.combinations(systems.values(), 2)
        )
        for systems in found
    )
    assert hard / len(found) >= 0.25


def test_a_fifth_of_the_people_share_no_address_between_two_of_their_systems(company: Company) -> None:
    store = company.store
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for c in live(store.crm["contacts"]):
        found[c.person or 0]["crm"].add(c.properties.get("email", ""))
    for customer in store.shop_customers:
        found[customer.person or 0]["shop"].add(customer.email)
    for reader in store.newsletter_contacts:
        found[reader.person or 0]["newsletter"].add(reader.email)
    for user in store.support_users:
        found[user.person or 0]["support"].add(user.email or "")
    found.pop(0, None)
    several = [s for s in found.values() if len(s) > 1]
    hard = sum(any(not (a & b) - {""} for a, b in itertools.combinations(s.values(), 2)) for s in several)
    assert hard / len(several) >= 0.2


def test_names_are_written_in_several_ways_and_addresses_still_tell(company: Company) -> None:
    """Three of four companies in CRM and shop agree on postcode and house number, one in ten of them only there."""
    store = company.store
    crm = {c.account: c.properties for c in live(store.crm["companies"])}
    same = different_name = total = 0
    for customer in store.shop_customers:
        held = crm.get(customer.account)
        if held is None or "address" not in held:
            continue
        address = store.shop_addresses[customer.address_id - 1]
        total += 1
        agrees = held.get("zip") == address.zipcode and held["address"].split(" ")[-1] == address.street.split(" ")[-1]
        same += agrees
        different_name += agrees and held["name"] != customer.company
    assert same / total > 0.75
    assert different_name / same > 0.3


def test_identity_knows_each_live_record_once_and_merged_ones_no_more(company: Company) -> None:
    identity = company.truth("identity")
    assert identity.select("entity_type", "source_system", "source_record_id").is_duplicated().sum() == 0
    shown = set(identity.filter(pl.col("source_system") == "hubspot")["source_record_id"])
    merged = [c for kind in ("companies", "contacts") for c in company.store.crm[kind] if c.merged_into is not None]
    assert len(merged) > 10
    assert not shown.intersection(str(c.id) for c in merged)


def test_value_added_tax_ids_carry_their_check_digit_except_a_few() -> None:
    assert check_digit("13669597") == 6  # the example of the tax office's own description
    firms = [a.firm for a in Company(seed=2, accounts=60).world.accounts]
    assert all(int(f.vat_id[-1]) == check_digit(f.vat_id[2:-1]) for f in firms if f.vat_id.startswith("DE"))


def test_nobody_real_is_meant(company: Company) -> None:
    mails = {e for a in company.world.accounts for p in a.people for e in (p.work_email, p.other_email)}
    assert all(m.endswith(".example") for m in mails)


def test_a_consent_needs_a_click_and_an_opt_out_ends_it(company: Company) -> None:
    store = company.store
    confirmed = [r for r in store.shop_recipients if r.status == "optIn"]
    assert confirmed and all(r.confirmed_at is not None for r in confirmed)
    assert any(r.status == "notSet" for r in store.shop_recipients)
    out = [r for r in store.newsletter_contacts if r.opted_out_at is not None]
    assert out and all(r.blacklisted for r in out)
    assert any(r.hard_bounced_at for r in store.newsletter_contacts)
    ended = {r.id: r.opted_out_at or r.hard_bounced_at for r in store.newsletter_contacts if r.blacklisted}
    for event in store.campaign_events:
        if event.kind == "sent" and event.contact_id in ended:
            assert event.at <= (ended[event.contact_id] or event.at)


def test_the_truth_is_told_by_name_only(company: Company) -> None:
    assert {"identity", "phase", "leaving", "fits", "orders"} <= set(TRUTHS)
    with pytest.raises(KeyError):
        company.truth("secrets")
