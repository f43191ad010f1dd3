"""What really happened, as frames: who is who, which phase held on each day, who left, what fits, what was ordered.

Never shown to a client of a vendor's API; it is what an evaluation compares with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain

import polars as pl

from sandbox.using import missing
from sandbox.world import BEGIN, DAY, Account, World

Row = tuple[str, str, str, str]


def account_id(key: int) -> str:
    return f"A{key:06d}"


def person_id(key: int) -> str:
    return f"P{key:06d}"


def identity(w: World) -> pl.DataFrame:
    """Which record means which company or person; a merged record means what it is merged into."""
    rows = [(k, t, s, "default", i) for k, t, s, i in chain(_accounts(w), _people(w))]
    names = ["entity_type", "true_id", "source_system", "source_instance", "source_record_id"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").unique(maintain_order=True)


def _accounts(w: World) -> Iterator[Row]:
    s = w.store
    for c in s.crm["companies"]:
        if not c.gone and c.account is not None:
            yield "account", account_id(c.account), "hubspot", str(c.id)
    for customer in s.shop_customers:
        if customer.account is not None:
            yield "account", account_id(customer.account), "shopware", str(customer.id)
    for company in s.newsletter_companies:
        if company.account is not None:
            yield "account", account_id(company.account), "brevo", str(company.id)
    for organization in s.support_organizations:
        if organization.account is not None:
            yield "account", account_id(organization.account), "zendesk", str(organization.id)


def _people(w: World) -> Iterator[Row]:
    s = w.store
    for c in s.crm["contacts"]:
        if not c.gone and c.person is not None:
            yield "contact", person_id(c.person), "hubspot", str(c.id)
    for customer in s.shop_customers:
        if customer.person is not None:
            yield "contact", person_id(customer.person), "shopware", str(customer.id)
    for reader in s.newsletter_contacts:
        if reader.person is not None and reader.deleted_at is None:
            yield "contact", person_id(reader.person), "brevo", str(reader.id)
    for user in s.support_users:
        if user.person is not None and user.merged_into is None:
            yield "contact", person_id(user.person), "zendesk", str(user.id)


def phase(w: World) -> pl.DataFrame:
    """The phase of each account at the end of each day, from its first impulse until yesterday."""
    last = w.second // DAY - 1
    keys: list[int] = []
    names: list[str] = []
    starts: list[int] = []
    lengths: list[int] = []
    for a in w.accounts:
        visits = _visits(a, last)
        for n, (day, name) in enumerate(visits):
            end = visits[n + 1][0] if n + 1 < len(visits) else last + 1
            keys.append(a.key)
            names.append(name)
            starts.append(day)
            lengths.append(end - day)
    visits_frame = pl.DataFrame({"key": keys, "journey_phase_code": names, "start": starts, "days": lengths})
    frame = visits_frame.with_columns(pl.int_ranges(pl.col("start"), pl.col("start") + pl.col("days")).alias("day"))
    broken = _breaks(w, last)
    frame = frame.explode("day").join(broken, on=["key", "day"], how="left")
    return frame.select(
        ("A" + pl.col("key").cast(pl.String).str.zfill(6)).alias("true_id"),
        (pl.lit(BEGIN.date()) + pl.duration(days=pl.col("day"))).alias("on_date"),
        "journey_phase_code",
        pl.col("broken").fill_null(False).alias("is_break"),
    )


def _visits(a: Account, last: int) -> list[tuple[int, str]]:
    """Day of entry and phase; of several entries on one day the last holds."""
    by_day: dict[int, str] = {}
    for second, name in a.phases:
        if second // DAY <= last:
            by_day[second // DAY] = name
    return sorted(by_day.items())


def _breaks(w: World, last: int) -> pl.DataFrame:
    rows = [
        (a.key, begin // DAY, (end // DAY if end is not None else last + 1))
        for a in w.accounts
        for begin, end in a.breaks
        if begin // DAY <= last
    ]
    frame = pl.DataFrame(rows, schema={"key": pl.Int64, "from": pl.Int64, "to": pl.Int64}, orient="row")
    days = frame.with_columns(pl.int_ranges("from", "to").alias("day")).explode("day")
    return days.drop_nulls("day").select("key", "day", pl.lit(True).alias("broken")).unique()


def leaving(w: World) -> pl.DataFrame:
    """Every account that ever bought, and the day on which it left, if it has."""
    rows = [
        (account_id(a.key), (BEGIN + timedelta(seconds=a.left_at)).date() if a.left_at is not None else None)
        for a in w.accounts
        if a.orders
    ]
    return pl.DataFrame(rows, schema={"true_id": pl.String, "left_on": pl.Date}, orient="row")


def fits(w: World) -> pl.DataFrame:
    """What an account's work needs and it does not have: new families and bigger models, heaviest first."""
    rows = [
        (
            account_id(a.key),
            w.catalogue.of[family, rung].number,
            family,
            "upsell" if family in a.owned else "cross_sell",
            weight,
        )
        for a in w.accounts
        if a.orders and a.left_at is None
        for family, rung, weight in sorted(missing(a), key=lambda f: (-f[2], f[0]))
    ]
    names = ["true_id", "product_number", "product_family", "kind", "weight"]
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"weight": pl.Float64})


def orders(w: World) -> pl.DataFrame:
    """All orders ever placed, with what they were in the customer's life."""
    rows = [(account_id(key), BEGIN + timedelta(seconds=second), kind) for key, second, kind in w.ordered]
    names = ["true_id", "ordered_at", "kind"]
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"ordered_at": pl.Datetime("us")})


def referrals(w: World) -> pl.DataFrame:
    rows = [(account_id(a.referred_by), account_id(a.key)) for a in w.accounts if a.referred_by is not None]
    return pl.DataFrame(rows, schema={"referrer_id": pl.String, "true_id": pl.String}, orient="row")


TABLES: dict[str, Callable[[World], pl.DataFrame]] = {
    "identity": identity,
    "phase": phase,
    "leaving": leaving,
    "fits": fits,
    "orders": orders,
    "referrals": referrals,
}
