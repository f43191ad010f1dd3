"""What the simulated company sells, and which customer's work needs which of it.

Equipment comes in ladders of three models, consumables belong to equipment. An application (a kind of work a
customer does) needs several families together: that is the truth behind cross-selling, known to nobody but here.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.records import Product

# Family: category, price of the entry model, code.
EQUIPMENT = {
    "Förderband": ("Materialfluss", 2_400, "FB"),
    "Rollenbahn": ("Materialfluss", 1_100, "RB"),
    "Hubtisch": ("Heben", 1_600, "HT"),
    "Schwenkkran": ("Heben", 3_900, "SK"),
    "Kettenzug": ("Heben", 900, "KZ"),
    "Vakuumheber": ("Heben", 2_900, "VH"),
    "Werkbank": ("Betriebsausstattung", 480, "WB"),
    "Schwerlastregal": ("Betriebsausstattung", 350, "SR"),
    "Kompressor": ("Druckluft", 2_100, "KO"),
    "Palettenwickler": ("Verpackung", 3_300, "PW"),
    "Absauganlage": ("Luft und Späne", 1_900, "AB"),
    "Späneförderer": ("Luft und Späne", 2_700, "SF"),
    "Schweißtisch": ("Betriebsausstattung", 1_250, "ST"),
}
MODELS = (("Basis", 1.0), ("Plus", 1.9), ("Industrie", 3.6))
CONSUMABLES = {
    "Tragrollen": ("Ersatzteile", 38, "TR"),
    "Anschlagmittel": ("Ersatzteile", 62, "AM"),
    "Saugplatten": ("Ersatzteile", 45, "SP"),
    "Filterpatronen": ("Verbrauch", 29, "FP"),
    "Kompressorenöl": ("Verbrauch", 24, "OE"),
    "Druckluftschlauch": ("Verbrauch", 33, "DS"),
    "Wickelfolie": ("Verbrauch", 19, "WF"),
    "Lagerboxen": ("Verbrauch", 12, "LB"),
    "Schutzausrüstung": ("Verbrauch", 16, "PS"),
    "Schweißdraht": ("Verbrauch", 27, "SD"),
}
VARIANTS = (("S", 1.0), ("M", 1.6), ("L", 2.7))
# Which consumables an owned machine eats.
EATS = {
    "Förderband": ("Tragrollen",),
    "Rollenbahn": ("Tragrollen",),
    "Hubtisch": ("Anschlagmittel",),
    "Schwenkkran": ("Anschlagmittel",),
    "Kettenzug": ("Anschlagmittel",),
    "Vakuumheber": ("Saugplatten", "Filterpatronen"),
    "Werkbank": ("Lagerboxen", "Schutzausrüstung"),
    "Schwerlastregal": ("Lagerboxen",),
    "Kompressor": ("Kompressorenöl", "Druckluftschlauch"),
    "Palettenwickler": ("Wickelfolie",),
    "Absauganlage": ("Filterpatronen",),
    "Späneförderer": ("Filterpatronen", "Schutzausrüstung"),
    "Schweißtisch": ("Schweißdraht", "Schutzausrüstung"),
}
APPLICATIONS = (
    ("Materialfluss", ("Förderband", "Rollenbahn", "Hubtisch")),
    ("Versand", ("Palettenwickler", "Rollenbahn", "Schwerlastregal")),
    ("Zerspanung", ("Späneförderer", "Absauganlage", "Werkbank", "Kettenzug")),
    ("Montage", ("Werkbank", "Schwenkkran", "Kettenzug", "Kompressor")),
    ("Handhabung", ("Vakuumheber", "Schwenkkran", "Hubtisch")),
    ("Lager", ("Schwerlastregal", "Hubtisch", "Palettenwickler")),
    ("Schweißen", ("Schweißtisch", "Absauganlage", "Kompressor", "Kettenzug")),
    ("Blechbearbeitung", ("Vakuumheber", "Kompressor", "Absauganlage", "Schweißtisch")),
)
TOPICS = tuple(name for name, _ in APPLICATIONS)


class Catalogue:
    """The products, and the way from a family and rung to a product."""

    def __init__(self, created: datetime) -> None:
        self.products: list[Product] = []
        self.of: dict[tuple[str, int], Product] = {}
        for table, rungs, word in ((EQUIPMENT, MODELS, "E"), (CONSUMABLES, VARIANTS, "V")):
            for family, (category, price, code) in table.items():
                for rung, (model, factor) in enumerate(rungs, 1):
                    net = round(price * factor, 2)
                    product = Product(
                        len(self.products) + 1,
                        f"{word}-{code}{rung}00",
                        f"{family} {model}",
                        family,
                        category,
                        rung,
                        net,
                        round(net * (0.62 if word == "E" else 0.45), 2),
                        True,
                        created,
                        created,
                    )
                    self.products.append(product)
                    self.of[family, rung] = product


def wanted(applications: tuple[int, ...]) -> dict[str, float]:
    """Families that these kinds of work need, with how much: machines wanted by two weigh twice."""
    weights: dict[str, float] = {}
    for index in applications:
        for place, family in enumerate(APPLICATIONS[index][1]):
            weights[family] = weights.get(family, 0.0) + 1.0 / (1 + place)
    return weights
