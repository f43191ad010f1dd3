"""Invented companies and people: who they are, and how differently systems write them down.

Names are put together from syllables, domains end in `.example`, telephone numbers lie in blocks that
regulators keep free for films or have never assigned. Nobody real is meant. What they do is `sandbox.buying` and what follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


HEADS = words(
    "Bren Vol Hart Lind Kest Morn Tel Wes Garn Rup Sand Ostel Feld Krem Nord Bal Ehr Drei Fal Glem Hol "
    "Imm Jes Kal Lor Mark Neu Old Pell Quer Ras Stein Thal Ull Vier Wick Zell Bäch Köst Mühl Grün Schön "
    "Röhr Käm Wör Höf Lüb Dürr Tann Birk Esch Arn Bor Cor Dorn Elm Frei Gries Hage Ilm"
)
TAILS = words(
    "kau mer berg hausen lau dorf rode feld ner wald sen mann beck ling hoff stedt stein bach ter horst "
    "kamp lein ken ring dal brück vik tal leb moor thal gau grund lach eck"
)
TRADES = (
    "Maschinenbau",
    "Fördertechnik",
    "Anlagenbau",
    "Werkzeugbau",
    "Metallverarbeitung",
    "Kunststofftechnik",
    "Verpackungstechnik",
    "Antriebstechnik",
    "Präzisionsteile",
    "Oberflächentechnik",
    "Blechbearbeitung",
    "Gießerei",
    "Lebensmittelwerke",
    "Getränketechnik",
    "Holzverarbeitung",
    "Automation",
    "Hydraulik",
    "Druckgusswerk",
    "Sondermaschinen",
    "Prüftechnik",
    "Medizintechnik",
    "Papierwerke",
    "Baumaschinen",
    "Elektrotechnik",
    "Großhandel",
)
SHORT = {
    "Maschinenbau": "Masch.bau",
    "Fördertechnik": "Förder-Technik",
    "Metallverarbeitung": "Metallverarb.",
    "Verpackungstechnik": "Verpackungstechn.",
    "Kunststofftechnik": "Kunststofftechn.",
    "Oberflächentechnik": "Oberfl.-Technik",
    "Sondermaschinen": "Sondermasch.",
    "Präzisionsteile": "Präz.-Teile",
    "Antriebstechnik": "Antriebstechn.",
    "Elektrotechnik": "E-Technik",
    "Großhandel": "Grosshandel",
}
FORMS_DE = ("GmbH", "GmbH", "GmbH", "GmbH", "GmbH & Co. KG", "GmbH & Co. KG", "AG", "KG", "e.K.", "SE", "OHG")
WRITTEN_FORMS = {
    "GmbH": ("GmbH", "GmbH", "G.m.b.H.", "mbH", "Gmbh"),
    "GmbH & Co. KG": ("GmbH & Co. KG", "GmbH & Co.KG", "GmbH u. Co. KG", "GmbH & Co"),
    "e.K.": ("e.K.", "e. K.", "e.Kfm."),
    "AG": ("AG", "AG", "A.G."),
    "Inc.": ("Inc.", "Inc", "Incorporated"),
}
FIRST_NAMES = words(
    "Anna Jörg Sabine Thomas Ute Björn Petra Stefan Jürgen Monika Markus Claudia Holger Birgit Frank "
    "Heike Uwe Silke Ralf Martina Sven Katrin Dirk Andrea Torsten Nicole Bernd Susanne Kai Melanie Günter "
    "Käthe Lars Tanja Rüdiger Jana Ingo Elke Matthias Simone Olaf Sandra Axel Ines Volker Carmen Mehmet "
    "Aylin Piotr Agnieszka Luca Giulia Émile"
)
NAME_HEADS = words(
    "Brack Döll Ehl Fenk Gört Hasel Ihl Jöck Kling Lamp Mähr Nöth Orl Pfeil Quast Rehm Söll Tripp Uhl "
    "Vahl Wenz Zöll Bült Drex Eggel Föh Grab Hüls Kell Lauk Mess Nied Pöl Reith Schäff Thöm Wied Zürn "
    "Harms Lütt"
)
NAME_TAILS = words("ner mann ke er ing hoff meier bauer loh sen ert rich macher wig lein au ach egger stedt hard")
STREETS = (
    "Industriestraße",
    "Hauptstraße",
    "Gewerbestraße",
    "Bahnhofstraße",
    "Am Stadtwald",
    "Werkstraße",
    "Im Gewerbepark",
    "Dieselstraße",
    "Siemensstraße",
    "Benzstraße",
    "Röntgenstraße",
    "Mühlenweg",
    "Hafenstraße",
    "Daimlerstraße",
    "An der Schmiede",
    "Ringstraße",
    "Lindenallee",
    "Zum Hämmerle",
    "Carl-Bosch-Straße",
    "Robert-Koch-Straße",
)
# City, first postcode, number of postcodes, country. Real places, because a postcode must fit its city.
PLACES = (
    ("Berlin", 10115, 900, "DE"),
    ("Hamburg", 20095, 900, "DE"),
    ("München", 80331, 900, "DE"),
    ("Köln", 50667, 300, "DE"),
    ("Frankfurt am Main", 60306, 200, "DE"),
    ("Stuttgart", 70173, 400, "DE"),
    ("Düsseldorf", 40210, 300, "DE"),
    ("Dortmund", 44135, 200, "DE"),
    ("Nürnberg", 90402, 80, "DE"),
    ("Bremen", 28195, 300, "DE"),
    ("Hannover", 30159, 300, "DE"),
    ("Leipzig", 4103, 250, "DE"),
    ("Dresden", 1067, 250, "DE"),
    ("Bielefeld", 33602, 100, "DE"),
    ("Mannheim", 68159, 150, "DE"),
    ("Ulm", 89073, 9, "DE"),
    ("Göttingen", 37073, 13, "DE"),
    ("Würzburg", 97070, 14, "DE"),
    ("Osnabrück", 49074, 17, "DE"),
    ("Lüdenscheid", 58507, 9, "DE"),
    ("Saarbrücken", 66111, 25, "DE"),
    ("Gütersloh", 33330, 6, "DE"),
    ("Schwäbisch Gmünd", 73525, 5, "DE"),
    ("Tuttlingen", 78532, 1, "DE"),
    ("Mühlheim an der Donau", 78570, 1, "DE"),
    ("Wien", 1010, 200, "AT"),
    ("Linz", 4020, 20, "AT"),
    ("Graz", 8010, 40, "AT"),
    ("Zürich", 8001, 50, "CH"),
    ("Winterthur", 8400, 10, "CH"),
    ("St. Gallen", 9000, 15, "CH"),
    ("Chicago", 60601, 60, "US"),
    ("Cleveland", 44101, 40, "US"),
)
GERMAN_PLACES = [p for p in PLACES if p[3] == "DE"]
# Blocks that the Bundesnetzagentur keeps free for film and television, continued by an extension.
FICTION_BLOCKS = (("30", "23125"), ("69", "90009"), ("40", "66969"), ("221", "4710"), ("89", "99998"))
ROLES = (
    ("Einkauf", "Einkaufsleiter", "BUDGET_HOLDER", "Einkauf"),
    ("Geschäftsführung", "Geschäftsführer", "DECISION_MAKER", "Geschäftsführung"),
    ("Konstruktion", "Leiter Konstruktion", "INFLUENCER", "Technik"),
    ("Produktion", "Produktionsleiter", "CHAMPION", "Produktion"),
    ("Instandhaltung", "Meister Instandhaltung", "END_USER", "Produktion"),
    ("Sekretariat", "Assistenz der Geschäftsführung", "OTHER", "Verwaltung"),
)
FREE_MAIL = ("freemail.example", "postfach.example", "gmx.example")
UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "é": "e", "É": "E"}
)


def ascii_text(text: str) -> str:
    return text.translate(UMLAUTS)


@dataclass(slots=True)
class Person:
    key: int  # counts over all people; the true id is P + key
    first_name: str
    last_name: str
    job_title: str
    buying_role: str
    department: str
    work_email: str
    other_email: str
    shared_email: str
    phone: str
    active: bool = True


@dataclass(slots=True)
class Firm:
    key: int
    name: str  # without the legal form
    legal_form: str
    trade: str
    street: str
    house: str
    zipcode: str
    city: str
    country: str
    domain: str
    other_domain: str  # a second domain some of its people write from
    phone: str  # trunk, international
    vat_id: str
    register_no: str
    employees: int
    parent: int | None = None
    people: list[Person] = field(default_factory=list)


def check_digit(digits: str) -> int:
    """The ninth digit of a German VAT id: ISO 7064 MOD 11,10."""
    product = 10
    for char in digits:
        total = (int(char) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10


def vat_of(country: str, rng: Random) -> str:
    """A VAT id whose check digit is right, in the format of its country."""
    if country == "DE":
        digits = str(rng.randrange(10_000_000, 99_999_999))
        return f"DE{digits}{check_digit(digits)}"
    if country == "AT":
        digits = f"{rng.randrange(1_000_000, 9_999_999)}"
        total = sum((int(d) * 2 // 10 + int(d) * 2 % 10) if i % 2 else int(d) for i, d in enumerate(digits))
        return f"ATU{digits}{(10 - (total + 4) % 10) % 10}"
    if country == "CH":
        while True:
            digits = f"{rng.randrange(10_000_000, 99_999_999)}"
            check = (11 - sum(int(d) * w for d, w in zip(digits, (5, 4, 3, 2, 7, 6, 5, 4), strict=True)) % 11) % 11
            if check < 10:
                return f"CHE-{digits[:3]}.{digits[3:6]}.{digits[6:]}{check} MWST"
    return ""


def trunk(country: str, rng: Random, key: int) -> str:
    """A main line, so that no two companies share one by accident."""
    if country == "DE":
        area, block = FICTION_BLOCKS[key % len(FICTION_BLOCKS)]
        return f"+49 {area} {block}{key // len(FICTION_BLOCKS) % 1000:03d}{rng.randrange(100):02d}"
    if country == "US":
        return f"+1 {212 + key % 700} 55501{rng.randrange(100):02d}"
    return f"+{'43 1' if country == 'AT' else '41 44'} 0{key % 1_000_000:06d}"


def make_firm(key: int, rng: Random, before: Firm | None, next_person: int) -> Firm:
    """Company `key`. Now and then it belongs to the one before it, or is nearly its namesake elsewhere."""
    pick = rng.random()
    place = PLACES[int(rng.random() * len(PLACES))] if pick < 0.5 else GERMAN_PLACES[key % len(GERMAN_PLACES)]
    if rng.random() < 0.15:
        place = GERMAN_PLACES[int(rng.random() * len(GERMAN_PLACES))]
    city, first_code, codes, country = place
    number = first_code + int(rng.random() * codes)
    zipcode = f"{number:05d}" if country in ("DE", "US") else str(number)
    trade = TRADES[int(rng.random() * len(TRADES))]
    core = HEADS[int(rng.random() * len(HEADS))] + TAILS[int(rng.random() * len(TAILS))]
    name = f"{core} {trade}"
    form = FORMS_DE[int(rng.random() * len(FORMS_DE))]
    form = {"AT": "GmbH", "CH": "AG", "US": "Inc."}.get(country, form)
    style = rng.random()
    stem = ascii_text(core).lower()
    short = ascii_text(trade).lower()[:4]
    tld = f"{'' if key < 60 else key}.example"
    domain = f"{stem}-{short}{tld}" if style < 0.6 else f"{stem}{ascii_text(trade).lower()}{tld}"
    other = f"{stem}{key}-gruppe.example"
    vat = vat_of(country, rng)
    parent: int | None = None
    kin = rng.random()
    if before is not None and before.parent is None and kin < 0.09:
        if kin < 0.06:  # a subsidiary: its own address, often the parent's domain or VAT group
            parent = before.key
            extra = ("Service", "Logistik", "Nord", "Süd", "International")[int(rng.random() * 5)]
            name, trade = f"{before.name} {extra}", before.trade
            domain = before.domain if rng.random() < 0.7 else domain
            vat = before.vat_id if rng.random() < 0.35 and before.country == country else vat
        else:  # a namesake in another town
            name, trade = before.name, before.trade
            if before.city == city:
                city, first_code, codes, country = next(p for p in GERMAN_PLACES if p[0] != before.city)
                zipcode = f"{first_code + int(rng.random() * codes):05d}"
                vat = vat_of("DE", rng)
                form = "GmbH"
    size = rng.random()
    employees = int(8 * (1 / (1.001 - size)) ** 0.85) + int(rng.random() * 6) + 3
    firm = Firm(
        key,
        name,
        form,
        trade,
        STREETS[int(rng.random() * len(STREETS))],
        f"{int(rng.random() * 140) + 1}{'' if rng.random() < 0.9 else 'a'}",
        zipcode,
        city,
        country,
        domain,
        other,
        trunk(country, rng, key),
        vat,
        f"HRB {rng.randrange(1_000, 99_999)}",
        min(employees, 6_000),
        parent,
    )
    count = 1 + int(rng.random() * (2 if employees < 20 else 4 if employees < 120 else 5))
    roles = [0, 1, 2, 3, 4, 5]
    if count > 1 and rng.random() < 0.5:
        roles = [1, 0, 3, 2, 5, 4]
    firm.people = [make_person(firm, next_person + i, roles[i], rng) for i in range(count)]
    return firm


def make_person(firm: Firm, key: int, role: int, rng: Random) -> Person:
    first = FIRST_NAMES[int(rng.random() * len(FIRST_NAMES))]
    last = NAME_HEADS[int(rng.random() * len(NAME_HEADS))] + NAME_TAILS[int(rng.random() * len(NAME_TAILS))]
    department, title, buying, _ = ROLES[role]
    f, n = ascii_text(first).lower(), ascii_text(last).lower()
    style = firm.key % 3
    work = f"{f}.{n}" if style == 0 else f"{f[0]}.{n}" if style == 1 else n
    if any(p.work_email.startswith(f"{work}@") for p in firm.people):
        work = f"{f}.{n}"
    if rng.random() < 0.45:
        other = f"{f[0]}{n}{key % 97}@{FREE_MAIL[key % len(FREE_MAIL)]}"
    else:
        other = f"{f}_{n}@{firm.other_domain}"
    return Person(
        key,
        first,
        last,
        title,
        buying,
        department,
        f"{work}@{firm.domain}",
        other,
        f"{'einkauf' if department == 'Einkauf' else 'info'}@{firm.domain}",
        f"{firm.phone}-{10 + int(rng.random() * 90)}",
    )


def name_written(firm: Firm, rng: Random, care: float) -> str:
    """The company's name as somebody keyed it in; `care` 1 copies it, 0 hardly looks."""
    name, form = firm.name, firm.legal_form
    if rng.random() < 0.45 * (1 - care):
        for long, brief in SHORT.items():
            name = name.replace(long, brief)
    if rng.random() < 0.5 * (1 - care):
        name = ascii_text(name)
    if rng.random() < 0.12 * (1 - care):
        name = typo(name, rng)
    if rng.random() < 0.10 * (1 - care):
        words = name.split(" ")
        name = " ".join([*words[1:], words[0]])
    written = WRITTEN_FORMS.get(form, (form,))
    chance = rng.random()
    if chance < 0.45 * (1 - care):
        return name
    form = written[int(rng.random() * len(written))] if chance < 0.9 * (1 - care) else form
    full = f"{name} {form}"
    return full.upper() if rng.random() < 0.08 * (1 - care) else full


def typo(text: str, rng: Random) -> str:
    """Two letters swapped, one dropped or one doubled; never the first."""
    if len(text) < 6:
        return text
    at = 1 + int(rng.random() * (min(len(text), 12) - 3))
    kind = int(rng.random() * 3)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if kind == 1 else text[:at] + text[at] + text[at:]


def street_written(firm: Firm, rng: Random, care: float) -> str:
    street = firm.street
    chance = rng.random()
    if chance < 0.4 * (1 - care):
        street = street.replace("straße", "str.").replace("Straße", "Str.")
    elif chance < 0.7 * (1 - care):
        street = ascii_text(street)
    gap = "" if street.endswith(".") and rng.random() < 0.2 else " "
    return f"{street}{gap}{firm.house}"


def city_written(firm: Firm, rng: Random, care: float) -> str:
    city = firm.city
    if rng.random() < 0.3 * (1 - care):
        city = city.replace("Frankfurt am Main", "Frankfurt/Main").replace("an der Donau", "a.d. Donau")
    return ascii_text(city) if rng.random() < 0.3 * (1 - care) else city


def phone_written(number: str, rng: Random) -> str:
    """A number in one of the ways people write it."""
    land, _, rest = number.partition(" ")
    area, _, line = rest.partition(" ")
    line, _, extension = line.partition("-")
    end = f"-{extension}" if extension else ""
    style = int(rng.random() * 6)
    if style == 0:
        return f"{land}{area}{line}{extension}"
    if style == 1:
        return f"{land} ({area}) {line}{end}"
    if style == 2 and land != "+1":
        return f"0{area}/{line}{end}"
    if style == 3 and land != "+1":
        return f"{land} (0) {area} {line[:3]} {line[3:]}{end}"
    if style == 4:
        return f"00{land[1:]} {area} {line[:3]} {line[3:6]} {line[6:]}{extension}".replace("  ", " ")
    return f"{land} {area} {line}{end}"
