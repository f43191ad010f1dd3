"""The files that reach the simulated company beside all systems: fairs, webinars, ad spend, marketplaces, a register.

Each file is as its sender would make it: semicolons, decimal commas and German dates from the fair and the
marketplace, a workbook from the webinar tool, Parquet from the seller of company data. A file appears when
its month or day is over and never changes afterwards, because a reader knows a file by its content.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from sandbox.company import Company
from sandbox.records import AdSpend, FairVisit, MarketplaceOrder, WebinarAttendance
from sandbox.xlsx import workbook

BYTE_ORDER_MARK = "\ufeff"  # what spreadsheet programs write in front of UTF-8
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})

MAPPINGS = """\
[[source]]
vendor = "files"
[source.options]
path = "{path}"

[[source.options.mapping]]
files = "messe_*.csv"
kind = "fair_visits"
separator = ";"
dates = "%d.%m.%Y"
[source.options.mapping.columns]
fair = "Messe"
visited_on = "Besuchsdatum"
company = "Firma"
first_name = "Vorname"
last_name = "Nachname"
email = "E-Mail"
phone = "Telefon"
zip = "PLZ"
city = "Ort"
topic = "Interesse"

[[source.options.mapping]]
files = "webinar_*.xlsx"
kind = "webinar_attendance"
[source.options.mapping.columns]
webinar = "Webinar"
held_at = "Beginn (UTC)"
email = "E-Mail"
first_name = "Vorname"
last_name = "Nachname"
company = "Firma"
attended = "Teilgenommen"
minutes = "Minuten"

[[source.options.mapping]]
files = "werbekosten_*.csv"
kind = "ad_spend"
separator = ";"
decimal = ","
dates = "%d.%m.%Y"
constants = {{ currency_code = "EUR" }}
[source.options.mapping.columns]
spent_on = "Monat"
channel = "Kanal"
campaign = "Kampagne"
impressions = "Impressionen"
clicks = "Klicks"
cost_amount = "Kosten (EUR)"

[[source.options.mapping]]
files = "marktplatz_*.csv"
kind = "marketplace_orders"
separator = ";"
decimal = ","
dates = "%d.%m.%Y %H:%M"
[source.options.mapping.columns]
marketplace = "Plattform"
order_number = "Bestellnummer"
ordered_at = "Bestellt am (UTC)"
buyer_company = "Käufer"
buyer_zip = "PLZ"
buyer_city = "Ort"
product_number = "Artikelnummer"
quantity = "Menge"
net_amount = "Nettobetrag"
currency_code = "Währung"

[[source.options.mapping]]
files = "firmenregister_*.parquet"
kind = "company_info"
[source.options.mapping.columns]
provider_id = "provider_id"
name = "company_name"
domain = "domain"
vat_id = "vat_id"
register_no = "register_number"
zip = "postal_code"
city = "city"
country = "country"
industry = "industry"
employee_count = "employees"
annual_revenue = "revenue_eur"
valid_from = "valid_from"
"""


def toml(path: str) -> str:
    """The source of a `wegpunkt.toml` that reads these files from a folder."""
    return MAPPINGS.format(path=path)


def write(company: Company, folder: str | Path) -> list[Path]:
    """Puts every file that exists by now into a folder, dated with the company's today; returns their paths."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    today = company.now.replace(tzinfo=UTC).timestamp()
    written = []
    for name, content in files(company).items():
        target = place / name
        if not target.exists():
            target.write_bytes(content)
            os.utime(target, (today, today))
        written.append(target)
    return written


def files(company: Company) -> dict[str, bytes]:
    """Name and content of every file that exists by now."""
    month = company.now.date().replace(day=1)
    store = company.store
    made: dict[str, bytes] = {}
    visits = grouped(
        store.fair_visits, lambda v: f"messe_{slug(v.fair)}_{v.visited_on:%Y-%m}.csv", lambda v: v.visited_on, month
    )
    for name, rows in visits:
        made[name] = table(FAIR, [fair_visit(v) for v in rows])
    attendance = grouped(
        store.webinar_attendance, lambda w: f"webinar_{w.held_at:%Y-%m-%d}.xlsx", lambda w: w.held_at.date(), month
    )
    for name, rows in attendance:
        made[name] = workbook("Teilnehmer", WEBINAR, [attendee(w) for w in rows])
    spend = grouped(store.ad_spend, lambda a: f"werbekosten_{a.month:%Y-%m}.csv", lambda a: a.month, month)
    for name, rows in spend:
        made[name] = table(SPEND, [spent(a) for a in rows])
    orders = grouped(
        store.marketplace_orders,
        lambda o: f"marktplatz_{slug(o.platform)}_{o.ordered_at:%Y-%m}.csv",
        lambda o: o.ordered_at.date(),
        month,
    )
    for name, rows in orders:
        made[name] = table(MARKET, [market_order(o) for o in rows])
    made["firmenregister_2026-01.parquet"] = register(company)
    return made


FAIR = (
    "Messe",
    "Besuchsdatum",
    "Firma",
    "Vorname",
    "Nachname",
    "E-Mail",
    "Telefon",
    "PLZ",
    "Ort",
    "Interesse",
    "Bemerkung",
    "Newsletter",
)
WEBINAR = ("Webinar", "Beginn (UTC)", "E-Mail", "Vorname", "Nachname", "Firma", "Teilgenommen", "Minuten")
SPEND = ("Monat", "Kanal", "Kampagne", "Impressionen", "Klicks", "Kosten (EUR)")
MARKET = (
    "Plattform",
    "Bestellnummer",
    "Bestellt am (UTC)",
    "Käufer",
    "PLZ",
    "Ort",
    "Artikelnummer",
    "Menge",
    "Nettobetrag",
    "Währung",
)


def fair_visit(v: FairVisit) -> list[str | None]:
    return [
        v.fair,
        german_date(v.visited_on),
        v.company,
        v.first_name,
        v.last_name,
        v.email,
        v.phone,
        v.zipcode,
        v.city,
        v.interest,
        v.note,
        yes(v.newsletter),
    ]


def attendee(w: WebinarAttendance) -> list[object]:
    person = [w.email, w.first_name, w.last_name, w.company]
    return [w.webinar, w.held_at, *person, yes(w.attended), w.minutes]


def spent(a: AdSpend) -> list[str | None]:
    counts = [german_count(a.impressions), german_count(a.clicks)]
    return [german_date(a.month), a.channel, a.campaign, *counts, german_number(a.cost)]


def market_order(o: MarketplaceOrder) -> list[str | None]:
    buyer = [o.company, o.zipcode, o.city]
    at = f"{o.ordered_at:%d.%m.%Y %H:%M}"
    goods = [o.product_number, str(o.quantity), german_number(o.net), o.currency]
    return [o.platform, o.order_number, at, *buyer, *goods]


def grouped(
    rows: Iterable[Any], name: Callable[[Any], str], day: Callable[[Any], date], before: date
) -> list[tuple[str, list[Any]]]:
    """Rows of months that are over, by file."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        if day(row) < before:
            found.setdefault(name(row), []).append(row)
    return sorted(found.items())


def register(company: Company) -> bytes:
    """What a seller of company data knew at the beginning of 2026 of two thirds of the firms.

    Only what does not change in a firm's simulated life, and no firm that was added later: the file stays the same.
    """
    rows: list[dict[str, Any]] = []
    for account in company.world.accounts[: company.accounts]:
        firm, rng = account.firm, Random(f"{company.seed}/register/{account.key}")
        if rng.random() > 0.66:
            continue
        rows.append(
            {
                "provider_id": f"FR{account.key * 7919 % 1_000_003:07d}",
                "company_name": f"{firm.name} {firm.legal_form}",
                "domain": firm.domain if rng.random() < 0.7 else None,
                "vat_id": firm.vat_id if rng.random() < 0.8 else None,
                "register_number": firm.register_no if rng.random() < 0.85 else None,
                "postal_code": firm.zipcode,
                "city": firm.city,
                "country": firm.country,
                "industry": firm.trade,
                "employees": firm.employees,
                "revenue_eur": float(round(firm.employees * 150_000 * (0.6 + rng.random()), -3)),
                "valid_from": date(2026, 1, 1),
            }
        )
    schema: dict[str, Any] = dict.fromkeys(
        ("provider_id", "company_name", "domain", "vat_id", "register_number", "postal_code", "city", "country"),
        pl.String,
    )
    schema |= {"industry": pl.String, "employees": pl.Int64, "revenue_eur": pl.Float64, "valid_from": pl.Date}
    buffer = io.BytesIO()
    pl.DataFrame(rows, schema=schema).write_parquet(buffer)
    return buffer.getvalue()


def table(header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """CSV as a German spreadsheet program writes it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return (BYTE_ORDER_MARK + text.getvalue()).encode()


def yes(answer: bool) -> str:
    return "ja" if answer else "nein"


def german_date(day: date | datetime) -> str:
    return f"{day:%d.%m.%Y}"


def german_count(value: int) -> str:
    return f"{value:,}".replace(",", ".")


def german_number(value: float) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.translate(UMLAUTS).lower()).strip("-")
