"""Names, addresses, phones and numbers in a form that can be compared. Comparisons only: stored values stay as they are.

Folding umlauts both ways (ä, ae -> a) makes Bauer and Baur equal, so a folded name never joins anything alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

LEGAL_FORMS = (
    "gesellschaft mit beschraenkter haftung|aktiengesellschaft|kommanditgesellschaft|offene handelsgesellschaft"
    "|gmbh|gesmbh|mbh|ag|kg|kgaa|ohg|ug|gbr|se|eg|ev|ek|efk|ekfm|co|cie|inc|ltd|llc|plc|bv|nv|sa|sarl|srl|spa|sas"
    "|haftungsbeschraenkt|in liqu|in liquidation|i l"
)
_LEGAL = re.compile(rf"\b(?:{LEGAL_FORMS})\b")
_STOP = re.compile(r"\b(?:und|and|der|die|das|von|the|firma|fa)\b")
_ABBREVIATIONS = (
    (re.compile(r"\bmasch(?:inen)? ?(?:fabr|fabrik)\b"), "maschinenfabrik"),
    (re.compile(r"\bmasch(?:inen)? ?bau\b"), "maschinenbau"),
    (re.compile(r"\bgebr\b"), "gebrueder"),
    (re.compile(r"(\w+)techn\b"), r"\1technik"),
    (re.compile(r"\btechn\b"), "technik"),
    (re.compile(r"(\w+)verarb\b"), r"\1verarbeitung"),
    (re.compile(r"\bind\b"), "industrie"),
    (re.compile(r"\bintl?\b"), "international"),
    (re.compile(r"\bdt\b"), "deutsche"),
)
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "á": "a", "à": "a", "ç": "c", "ñ": "n"}
)
_DOTTED = re.compile(r"\b((?:[a-z]\.\s?){2,})")
ROLE_BOXES = frozenset(
    [
        "info",
        "kontakt",
        "contact",
        "office",
        "mail",
        "post",
        "zentrale",
        "empfang",
        "einkauf",
        "purchasing",
        "bestellung",
        "bestellungen",
        "order",
        "orders",
        "verkauf",
        "vertrieb",
        "sales",
        "service",
        "support",
        "buchhaltung",
        "rechnung",
        "rechnungen",
        "invoice",
        "accounting",
        "verwaltung",
        "team",
        "marketing",
        "technik",
        "lager",
        "logistik",
        "versand",
        "personal",
        "hr",
        "jobs",
        "shop",
        "webmaster",
        "admin",
    ]
)
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "gmx.ch",
        "web.de",
        "t-online.de",
        "yahoo.de",
        "yahoo.com",
        "hotmail.com",
        "hotmail.de",
        "outlook.com",
        "outlook.de",
        "live.de",
        "freenet.de",
        "aol.com",
        "icloud.com",
        "me.com",
        "posteo.de",
        "mailbox.org",
        "arcor.de",
        "1und1.de",
        "online.de",
        "proton.me",
        "protonmail.com",
        "bluewin.ch",
    ]
)


def _each(function: Callable[[str], str | None]) -> Callable[[pl.Expr], pl.Expr]:
    def apply(column: pl.Expr) -> pl.Expr:
        return column.map_elements(function, return_dtype=pl.String, skip_nulls=True)

    return apply


def fold(text: str) -> str | None:
    """Lower case, umlauts spelt out, nothing but letters and digits between single spaces."""
    lowered = text.lower().translate(_UMLAUTS)
    lowered = _DOTTED.sub(lambda m: m[1].replace(".", "").replace(" ", "") + " ", lowered)  # G.m.b.H., e. K.
    words = re.sub(r"[^a-z0-9]+", " ", lowered).strip()
    return words or None


def unvowel(text: str) -> str:
    """ae, oe and ue as a, o and u: so that Müller, Mueller and Muller meet, inside a comparison."""
    return re.sub(r"(?<=[aou])e", "", text)


def company(text: str) -> str | None:
    """A company's name without legal form, stop words and the ways to abbreviate it; words in their order."""
    words = fold(text)
    if words is None:
        return None
    for pattern, full in _ABBREVIATIONS:
        words = pattern.sub(full, words)
    bare = _STOP.sub(" ", _LEGAL.sub(" ", words))
    bare = " ".join(bare.split())
    return unvowel(bare or words).replace(" ", "") or None


def company_words(text: str) -> str | None:
    """As `company`, with the words sorted, so that their order does not count."""
    words = fold(text)
    if words is None:
        return None
    for pattern, full in _ABBREVIATIONS:
        words = pattern.sub(full, words)
    bare = _STOP.sub(" ", _LEGAL.sub(" ", words)).split()
    return unvowel(" ".join(sorted(bare))) or None


def person(text: str) -> str | None:
    """A first or last name: folded, without titles and hyphens."""
    words = fold(text)
    if words is None:
        return None
    return unvowel("".join(w for w in words.split() if w not in ("dr", "prof", "ing", "dipl", "herr", "frau"))) or None


def street(text: str) -> str | None:
    """A street's name without its number: Straße, Strasse and Str. are one word."""
    words = fold(re.sub(r"\d.*$", "", text))
    if words is None:
        return None
    return unvowel(re.sub(r"(?:strasse|str)\b", "str", words).replace(" ", "")) or None


def house_number(text: str) -> str | None:
    found = re.search(r"(\d+)\s*([a-zA-Z]?)\b", text)
    return (found[1] + found[2].lower()) if found else None


def phone(text: str) -> str | None:
    """The digits of a number, Germany's prefix as the bare national number; shorter than seven digits says nothing."""
    international = text.strip().startswith("+") or text.strip().startswith("00")
    digits = re.sub(r"\(0\)", "", re.sub(r"-\d{1,2}$", "", text.strip()))  # the extension is one desk of the company
    digits = re.sub(r"\D", "", digits)
    if international:
        digits = digits.removeprefix("00")
        digits = "0" + digits[2:].lstrip("0") if digits.startswith("49") else digits
    elif digits.startswith("49") and len(digits) >= 11:  # some tools drop the plus
        digits = "0" + digits[2:].lstrip("0")
    return digits if len(digits) >= 7 else None


def domain(text: str) -> str | None:
    """A company's own domain of a web address or mail address; free mail providers are nobody's."""
    host = re.sub(r"^[a-z]+://", "", text.strip().lower()).split("/")[0].rsplit("@", 1)[-1].removeprefix("www.")
    return host if "." in host and host not in FREE_MAIL else None


def mailbox(text: str) -> str | None:
    """A person's mail address; role boxes such as info@ belong to a company, not to a person."""
    address = text.strip().lower()
    local, sign, host = address.partition("@")
    if not sign or "." not in host or local.split("+")[0] in ROLE_BOXES:
        return None
    return f"{local.split('+')[0]}@{host}"


def role_box(text: str) -> str | None:
    """A company's shared mailbox at its own domain."""
    address = text.strip().lower()
    local, sign, host = address.partition("@")
    return address if sign and local in ROLE_BOXES and host not in FREE_MAIL else None


def vat(text: str) -> str | None:
    """A VAT id that can be right: format by country, for Germany with its check digit (ISO 7064, MOD 11,10)."""
    number = re.sub(r"[^A-Z0-9]", "", text.upper())
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{6,13}", number):
        return None
    if not number.startswith("DE"):
        return number
    digits = number[2:]
    if not re.fullmatch(r"\d{9}", digits):
        return None
    product = 10
    for digit in digits[:8]:
        total = (int(digit) + product) % 10 or 10
        product = (2 * total) % 11
    return number if (11 - product) % 10 == int(digits[8]) else None


def register(text: str) -> str | None:
    """A registration number with its court, as far as it is given: HRB 12345 Stuttgart."""
    return re.sub(r"[^A-Z0-9]", "", text.upper()) or None


COLUMNS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "c_name": ("name", company),
    "c_words": ("name", company_words),
    "c_first": ("first_name", person),
    "c_last": ("last_name", person),
    "c_street": ("street", street),
    "c_house": ("street", house_number),
    "c_city": ("city", person),
    "c_phone": ("phone", phone),
    "c_domain": ("domain", domain),
    "c_mail_domain": ("email", domain),
    "c_mail": ("email", mailbox),
    "c_role_box": ("email", role_box),
    "c_vat": ("vat_id", vat),
    "c_register": ("register_no", register),
}


def cleaned(records: pl.DataFrame) -> pl.DataFrame:
    """`records` with the comparable forms of COLUMNS, and `c_post`, the postcode without blanks.

    A name keyed in as "Last, First" arrives with the comma at the first name, and is turned round.
    """
    turned = pl.col("first_name").str.strip_chars().str.ends_with(",").fill_null(False)
    records = records.with_columns(
        pl.when(turned).then(pl.col("last_name")).otherwise(pl.col("first_name")).alias("first_name"),
        pl.when(turned).then(pl.col("first_name")).otherwise(pl.col("last_name")).alias("last_name"),
    )
    forms = [
        _each(function)(pl.col(source).cast(pl.String)).alias(name) for name, (source, function) in COLUMNS.items()
    ]
    post = pl.col("postcode").cast(pl.String).str.replace_all(r"[^A-Za-z0-9]", "").str.to_uppercase()
    return records.with_columns(*forms, pl.when(post == "").then(None).otherwise(post).alias("c_post"))
