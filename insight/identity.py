"""Who is who: source records that are one account, and source records that are one person.

Records are joined by keys only, each of which hardly ever lies, and never by a score. Vetoes beat keys: two different VAT
ids, two register numbers, two records that one system holds apart on purpose. What merely looks alike is suggested to a
steward. Every pair is kept with its rule and its evidence, so that *why* is a path and not a number.

Accounts are resolved first, people within accounts. An entity's key is the hash of its earliest record, so it stays when
records come, change or go, and can be rebuilt from data alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations

import duckdb
import polars as pl

from insight import cleaning
from insight.suggestions import suggest
from insight.tables import empty, fitted

MAX_GROUP_SIZE = 20
PAIRWISE_UP_TO = 20
ALIKE = 0.86
"""Jaro-Winkler similarity above which two cleaned company names may belong to one company *at one address*."""
CLOSELY_ALIKE = 0.94
"""The same where only a person's name speaks for it too: trades make names alike, Zell Medizintechnik and Rast Medizintechnik."""


@dataclass(frozen=True)
class Rule:
    """One key. `confidence` is the share of true pairs that this key has on public data; order is strength."""

    rule_id: str
    identifier: str
    confidence: float


RULES = {
    r.rule_id: r
    for r in (
        Rule("override", "steward", 1.0),
        Rule("carried_id", "crm_id", 0.999),
        Rule("register_no", "register_no", 0.999),
        Rule("vat_id", "vat_id", 0.998),
        Rule("domain", "domain", 0.99),
        Rule("name_address", "name+address", 0.995),
        Rule("alike_address", "name+address", 0.985),
        Rule("phone_house", "phone+address", 0.985),
        Rule("name_phone", "name+phone", 0.985),
        Rule("alike_phone", "name+phone", 0.985),
        Rule("name_domain", "name+domain", 0.985),
        Rule("alike_people", "people+name", 0.985),
        Rule("role_box", "email", 0.985),
        Rule("name_city", "name+city", 0.98),
        Rule("alike_persons", "people+name", 0.98),
        Rule("mailbox", "email", 0.998),
        Rule("account_name", "account+name", 0.99),
        Rule("account_phone", "account+phone+name", 0.985),
        Rule("name_phone_person", "name+phone", 0.985),
        Rule("account_initial", "account+name", 0.98),
    )
}
ORDER = {rule: n for n, rule in enumerate(RULES)}


@dataclass
class Clusters:
    """Union-find that refuses a union across a veto, or beyond the size limit, and says which."""

    sizes: list[int]
    parent: list[int] = field(default_factory=list)
    values: list[dict[str, set[str]]] = field(default_factory=list)
    apart: list[set[int]] = field(default_factory=list)

    @classmethod
    def of(cls, records: pl.DataFrame, strong: Sequence[str], apart: Sequence[tuple[int, int]]) -> Clusters:
        n = records.height
        columns = {c: records[c].to_list() for c in strong}
        values = [{c: {v} for c, cells in columns.items() if (v := cells[i]) is not None} for i in range(n)]
        held: list[set[int]] = [set() for _ in range(n)]
        for a, b in apart:
            held[a].add(b)
            held[b].add(a)
        return cls([1] * n, list(range(n)), values, held)

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, a: int, b: int, force: bool = False) -> str:
        """'merged', 'known', or the reason why not: 'vetoed', 'too_large'."""
        x, y = self.root(a), self.root(b)
        if x == y:
            return "known"
        if not force:
            for kind in self.values[x].keys() & self.values[y].keys():
                if not self.values[x][kind] & self.values[y][kind]:
                    return "vetoed"
            if any(self.root(i) == y for i in self.apart[x]):
                return "vetoed"
            if self.sizes[x] + self.sizes[y] > MAX_GROUP_SIZE:
                return "too_large"
        if self.sizes[x] < self.sizes[y]:
            x, y = y, x
        self.parent[y] = x
        self.sizes[x] += self.sizes[y]
        for kind, found in self.values[y].items():
            self.values[x].setdefault(kind, set()).update(found)
        self.apart[x] |= self.apart[y]
        return "merged"


def resolve(records: pl.DataFrame, overrides: pl.DataFrame | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Resolves accounts, then people.

    Args:
        records: one row a live source record; columns entity_type ('account' or 'contact'), source_system,
            source_instance, source_record_id, name, first_name, last_name, vat_id, register_no, domain, email, phone,
            street, postcode, city, parent_record_id, account_record_id, linked_system, linked_instance,
            linked_record_id, created_at; all text but created_at (instant).
        overrides: a steward's decisions; entity_type, a_system, a_instance, a_record_id, b_…, decision ('merge' or 'split').

    Returns:
        identity (one row a record) and identity_edge (one row a pair that was joined, suggested or vetoed).
    """
    if records.is_empty():
        return empty("identity"), empty("identity_edge")
    ordered = ["source_system", "source_instance", "source_record_id"]
    table = cleaning.cleaned(records.sort("entity_type", *ordered))
    accounts = table.filter(pl.col("entity_type") == "account").with_row_index("i")
    contacts = table.filter(pl.col("entity_type") == "contact").with_row_index("i")
    account_part, account_edges = _resolve_one(
        accounts,
        _account_edges(accounts, _people_at(accounts, contacts), _named_at(accounts, contacts)),
        ("c_vat", "c_register"),
        _held_apart(accounts),
        overrides,
        "account",
    )
    suggested = suggest(accounts, account_part, account_edges)
    contacts = _with_account(contacts, account_part, accounts)
    contact_part, contact_edges = _resolve_one(contacts, _contact_edges(contacts), (), [], overrides, "contact")
    edges = pl.concat([account_edges, suggested, contact_edges])
    keys = ["entity_type", "a_system", "a_instance", "a_record_id", "b_system", "b_instance", "b_record_id", "rule_id"]
    return (
        pl.concat([account_part, contact_part]).sort("entity_type", *ordered),
        edges.sort(keys),
    )


# --- edges of accounts -------------------------------------------------------------------------------------------------


def _pairs(
    records: pl.DataFrame, rule: str, key: Sequence[str], single: bool = False
) -> Iterator[tuple[str, int, int, str]]:
    """Pairs of records with equal values in all columns of `key`.

    `single`: the value counts only if no system uses it for two records; a domain or VAT id of a whole group joins nobody.
    """
    known = records.drop_nulls(list(key))
    groups = known.group_by(list(key), maintain_order=True).agg(
        "i", (pl.col("source_system") + "/" + pl.col("source_instance")).alias("system")
    )
    for row in groups.filter(pl.col("i").list.len() > 1).iter_rows(named=True):
        members: list[int] = row["i"]
        if single and len(set(row["system"])) < len(row["system"]):
            continue
        evidence = "; ".join(f"{k.removeprefix('c_')} equal" for k in key)
        if len(members) <= PAIRWISE_UP_TO:
            for a, b in combinations(members, 2):
                yield rule, a, b, evidence
        else:
            for b in members[1:]:
                yield rule, members[0], b, evidence


def _people_at(accounts: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Which mailboxes work at which account record: account index, mailbox."""
    place = ["source_system", "source_instance"]
    at = contacts.filter(pl.col("c_mail").is_not_null() & pl.col("account_record_id").is_not_null())
    own = accounts.filter(pl.col("c_mail").is_not_null()).select("i", "c_mail")
    joined = at.select(*place, "account_record_id", "c_mail").join(
        accounts.select("i", *place, "source_record_id"),
        left_on=[*place, "account_record_id"],
        right_on=[*place, "source_record_id"],
    )
    return pl.concat([joined.select("i", "c_mail"), own]).unique().sort("c_mail", "i")


def _named_at(accounts: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Who works at which account record by full name: account index, first and last name. Initials are nobody's name."""
    place = ["source_system", "source_instance"]
    at = contacts.drop_nulls(["c_first", "c_last", "account_record_id"]).filter(pl.col("c_first").str.len_chars() > 1)
    joined = at.select(*place, "account_record_id", "c_first", "c_last").join(
        accounts.select("i", *place, "source_record_id"),
        left_on=[*place, "account_record_id"],
        right_on=[*place, "source_record_id"],
    )
    return joined.select("i", "c_first", "c_last").unique().sort("c_first", "c_last", "i")


def _account_edges(
    accounts: pl.DataFrame, people_at: pl.DataFrame, named_at: pl.DataFrame
) -> list[tuple[str, int, int, str]]:
    with_domain = accounts.with_columns(pl.coalesce("c_domain", "c_mail_domain").alias("c_domain"))
    shared = list(_carried(accounts))
    shared += _pairs(accounts, "register_no", ["c_register"], single=True)
    shared += _pairs(accounts, "vat_id", ["c_vat"], single=True)
    shared += _pairs(with_domain, "domain", ["c_domain"], single=True)
    shared += _pairs(accounts, "role_box", ["c_role_box"], single=True)
    edges = [e for e in shared if not _another_firm(accounts, e[1], e[2])]
    edges += _pairs(with_domain, "name_domain", ["c_words", "c_domain"])
    edges += _pairs(accounts, "name_address", ["c_words", "c_post", "c_house"])
    edges += _pairs(accounts, "name_phone", ["c_words", "c_phone"])
    edges += _pairs(accounts, "phone_house", ["c_phone", "c_post", "c_house"])
    edges += _alike(accounts, accounts.select("i", "c_post", "c_street", "c_house"), "alike_address", "address equal")
    edges += _alike(accounts, accounts.select("i", "c_phone"), "alike_phone", "phone equal")
    edges += _alike(accounts, people_at, "alike_people", "the same person's mailbox at both")
    edges += _name_city(accounts)
    edges += _alike_persons(accounts, named_at)
    return edges


def _carried(records: pl.DataFrame) -> Iterator[tuple[str, int, int, str]]:
    carrying = records.filter(pl.col("linked_record_id").is_not_null())
    joined = carrying.select("i", "linked_system", "linked_instance", "linked_record_id").join(
        records.select(pl.col("i").alias("j"), "source_system", "source_instance", "source_record_id"),
        left_on=["linked_system", "linked_instance", "linked_record_id"],
        right_on=["source_system", "source_instance", "source_record_id"],
    )
    for i, j in joined.sort("i", "j").select("i", "j").iter_rows():
        if i != j:
            yield "carried_id", min(i, j), max(i, j), "one carries the other's id"


def _another_firm(accounts: pl.DataFrame, a: int, b: int) -> bool:
    """Whether the names say that a shared id belongs to a group and not to one firm: a word more, such as Service or Süd.

    Ids are keyed in by people, and a VAT id or domain may serve a whole group; at one address the name does not matter.
    """
    left, right = accounts.row(a, named=True), accounts.row(b, named=True)
    if left["c_post"] is not None and left["c_post"] == right["c_post"] and left["c_house"] == right["c_house"]:
        return False
    if left["c_name"] is None or right["c_name"] is None:
        return False
    longer, shorter = sorted((left["c_name"], right["c_name"]), key=len, reverse=True)
    words = set(str(left["c_words"]).split()) ^ set(str(right["c_words"]).split())
    return len(longer) - len(shorter) > 3 and longer.startswith(shorter[:4]) and len(words) % 2 == 1


def _alike_persons(accounts: pl.DataFrame, named_at: pl.DataFrame) -> Iterator[tuple[str, int, int, str]]:
    """Accounts of alike names at which somebody of one first and last name works, where no place and no domain says otherwise.

    Support desks and newsletter tools know little more of a company than its name and its people; a name alone joins nothing.
    """
    columns = {c: accounts[c].to_list() for c in ("c_post", "c_city", "c_domain")}
    for edge in _alike(accounts, named_at, "alike_persons", "a person of one name at both", CLOSELY_ALIKE):
        _, a, b, _ = edge
        if all(cells[a] is None or cells[b] is None or cells[a] == cells[b] for cells in columns.values()):
            yield edge


def _name_city(accounts: pl.DataFrame) -> Iterator[tuple[str, int, int, str]]:
    """Equal names in one city, unless an address says that they are two."""
    posts = accounts["c_post"].to_list()
    houses = accounts["c_house"].to_list()
    for rule, a, b, evidence in _pairs(accounts, "name_city", ["c_words", "c_city"]):
        same_post = posts[a] is None or posts[b] is None or posts[a] == posts[b]
        same_house = houses[a] is None or houses[b] is None or houses[a] == houses[b]
        if same_post or same_house:
            yield rule, a, b, evidence


def _alike(
    accounts: pl.DataFrame, shared: pl.DataFrame, rule: str, evidence: str, at_least: float = ALIKE
) -> Iterator[tuple[str, int, int, str]]:
    """Accounts that share all values of a row of `shared` and whose names are alike."""
    key = [c for c in shared.columns if c != "i"]
    named = shared.drop_nulls().join(accounts.select("i", "c_name", "c_words").drop_nulls(), on="i")
    if named.is_empty():
        return
    connection = duckdb.connect()
    connection.register("named", named.to_arrow())
    condition = " and ".join(f"a.{c} = b.{c}" for c in key)
    found = connection.execute(
        f"select distinct a.i, b.i, greatest(jaro_winkler_similarity(a.c_name, b.c_name),"
        f" jaro_winkler_similarity(a.c_words, b.c_words)) as alike"
        f" from named a join named b on {condition} and a.i < b.i where alike >= {at_least}"
        # A word more is another firm of the group, however alike the rest of the name is.
        " and (abs(length(a.c_name) - length(b.c_name)) <= 3"
        " or len(string_split(a.c_words, ' ')) = len(string_split(b.c_words, ' '))) order by 1, 2"
    ).fetchall()
    connection.close()
    for a, b, alike in found:
        yield rule, a, b, f"{evidence}; names alike {alike:.2f}"


def _held_apart(accounts: pl.DataFrame) -> list[tuple[int, int]]:
    """Parent and child, and the children of one parent: their system holds them apart on purpose."""
    place = ["source_system", "source_instance"]
    children = accounts.filter(pl.col("parent_record_id").is_not_null())
    parents = children.select("i", *place, "parent_record_id").join(
        accounts.select(pl.col("i").alias("j"), *place, "source_record_id"),
        left_on=[*place, "parent_record_id"],
        right_on=[*place, "source_record_id"],
    )
    apart = list(parents.select("i", "j").iter_rows())
    for group in children.group_by(*place, "parent_record_id", maintain_order=True).agg("i")["i"].to_list():
        apart += list(combinations(group, 2))
    return apart


# --- edges of people ---------------------------------------------------------------------------------------------------


def _with_account(contacts: pl.DataFrame, identity: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """`contacts` with `account`: the entity of the account record, else of the only account with the mail's domain."""
    place = ["source_system", "source_instance"]
    by_record = identity.select(
        *place, pl.col("source_record_id").alias("account_record_id"), pl.col("entity_key").alias("account")
    )
    joined = contacts.join(by_record, on=[*place, "account_record_id"], how="left", maintain_order="left")
    domains = (
        accounts.join(identity.select(*place, "source_record_id", "entity_key"), on=[*place, "source_record_id"])
        .select(pl.coalesce("c_domain", "c_mail_domain").alias("c_mail_domain"), "entity_key")
        .drop_nulls()
        .group_by("c_mail_domain")
        .agg(pl.col("entity_key").n_unique().alias("n"), pl.col("entity_key").min().alias("by_domain"))
        .filter(pl.col("n") == 1)
    )
    joined = joined.join(domains.drop("n"), on="c_mail_domain", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("account", "by_domain").alias("account")).drop("by_domain")


def _contact_edges(contacts: pl.DataFrame) -> list[tuple[str, int, int, str]]:
    if contacts.is_empty():
        return []
    # A mailbox under which two family names write is shared, whatever it is called.
    shared = (
        contacts.drop_nulls(["c_mail", "c_last"])
        .group_by("c_mail")
        .agg(pl.col("c_last").n_unique().alias("names"))
        .filter(pl.col("names") > 1)["c_mail"]
    )
    own = contacts.with_columns(
        pl.when(pl.col("c_mail").is_in(shared.implode())).then(None).otherwise(pl.col("c_mail")).alias("c_mail")
    )
    edges = list(_carried(own))
    edges += _pairs(own, "mailbox", ["c_mail"])
    edges += _pairs(own, "account_name", ["account", "c_first", "c_last"])
    firsts = own["c_first"].to_list()
    for edge in _pairs(own, "account_phone", ["account", "c_last", "c_phone"]):
        if _one_first_name(firsts[edge[1]], firsts[edge[2]]):  # a couple on the firm's one line is two people
            edges.append(edge)
    edges += _pairs(own, "name_phone_person", ["c_first", "c_last", "c_phone"])
    edges += _initials(own)
    return edges


def _one_first_name(x: str | None, y: str | None) -> bool:
    """Whether two first names may be one: equal, one an initial of the other, one unknown, or a slip of the key."""
    if x is None or y is None or x == y:
        return True
    return x[:1] == y[:1] and (len(x) == 1 or len(y) == 1 or x[:3] == y[:3] or x[-3:] == y[-3:])


def _initials(contacts: pl.DataFrame) -> Iterator[tuple[str, int, int, str]]:
    """J. Weber and Jana Weber of one account, where nobody else there has that name and initial."""
    known = contacts.with_columns(pl.col("c_first").str.slice(0, 1).alias("c_initial"))
    firsts = known["c_first"].to_list()
    names = known.group_by("account", "c_last", "c_initial").agg(
        pl.col("c_first").filter(pl.col("c_first").str.len_chars() > 1).n_unique().alias("n")
    )
    single = known.join(names.filter(pl.col("n") == 1), on=["account", "c_last", "c_initial"], maintain_order="left")
    for rule, a, b, evidence in _pairs(single, "account_initial", ["account", "c_last", "c_initial"]):
        if len(firsts[a] or "") == 1 or len(firsts[b] or "") == 1:
            yield rule, a, b, evidence


# --- resolution --------------------------------------------------------------------------------------------------------


def _resolve_one(
    records: pl.DataFrame,
    edges: list[tuple[str, int, int, str]],
    strong: Sequence[str],
    apart: list[tuple[int, int]],
    overrides: pl.DataFrame | None,
    entity_type: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    if records.is_empty():
        return empty("identity"), empty("identity_edge")
    systems = records["source_system"].to_list()
    instances = records["source_instance"].to_list()
    ids = records["source_record_id"].to_list()
    merges, splits = _overrides(
        overrides, entity_type, dict(zip(zip(systems, instances, ids, strict=True), range(len(ids)), strict=True))
    )
    clusters = Clusters.of(records, strong, [*apart, *splits])
    attached: dict[int, str] = {}
    decided: list[tuple[str, int, int, str, str]] = []
    for a, b in merges:
        clusters.join(a, b, force=True)
        decided.append(("override", a, b, "a steward's decision", "merged"))
        attached.setdefault(a, "override")
        attached.setdefault(b, "override")
    for rule, a, b, evidence in sorted(set(edges), key=lambda e: (ORDER[e[0]], e[1], e[2], e[3])):
        outcome = clusters.join(a, b)
        decision = {"merged": "merged", "known": "merged", "vetoed": "vetoed", "too_large": "suggested"}[outcome]
        decided.append((rule, a, b, evidence if outcome != "too_large" else f"{evidence}; group too large", decision))
        if decision == "merged":
            attached.setdefault(a, rule)
            attached.setdefault(b, rule)
    identity = _identity(records, clusters, attached, entity_type)
    return identity, _edge_frame(decided, entity_type, systems, instances, ids)


def _overrides(
    overrides: pl.DataFrame | None, entity_type: str, index: dict[tuple[str, str, str], int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    if overrides is not None:
        for row in overrides.filter(pl.col("entity_type") == entity_type).iter_rows(named=True):
            a = index.get((row["a_system"], row["a_instance"], row["a_record_id"]))
            b = index.get((row["b_system"], row["b_instance"], row["b_record_id"]))
            if a is not None and b is not None:
                found[row["decision"]].append((a, b))
    return found["merge"], found["split"]


def entity_key(entity_type: str, system: str, instance: str, record_id: str) -> str:
    return hashlib.md5(f"{entity_type}|{system}|{instance}|{record_id}".encode(), usedforsecurity=False).hexdigest()


def _identity(records: pl.DataFrame, clusters: Clusters, attached: dict[int, str], entity_type: str) -> pl.DataFrame:
    created = records["created_at"].to_list()
    names = list(records.select("source_system", "source_instance", "source_record_id").iter_rows())
    members: dict[int, list[int]] = defaultdict(list)
    for i in range(records.height):
        members[clusters.root(i)].append(i)
    rows = []
    for group in members.values():
        first = min(group, key=lambda i: (created[i] is None, created[i] or datetime.min, names[i]))
        key = entity_key(entity_type, *names[first])
        for i in group:
            rule = RULES.get(attached.get(i, ""))
            born = rule is None or len(group) == 1
            rows.append(
                {
                    "entity_type": entity_type,
                    "source_system": names[i][0],
                    "source_instance": names[i][1],
                    "source_record_id": names[i][2],
                    "entity_key": key,
                    "match_rule_id": "born" if born or rule is None else rule.rule_id,
                    "match_confidence": 1.0 if born or rule is None else rule.confidence,
                    "matched_identifier_type": None if born or rule is None else rule.identifier,
                    "cluster_size": len(group),
                }
            )
    return fitted("identity", pl.DataFrame(rows, infer_schema_length=None))


def _edge_frame(
    decided: list[tuple[str, int, int, str, str]],
    entity_type: str,
    systems: list[str],
    instances: list[str],
    ids: list[str],
) -> pl.DataFrame:
    if not decided:
        return empty("identity_edge")
    rows = [
        {
            "entity_type": entity_type,
            "a_system": systems[a],
            "a_instance": instances[a],
            "a_record_id": ids[a],
            "b_system": systems[b],
            "b_instance": instances[b],
            "b_record_id": ids[b],
            "rule_id": rule,
            "points": RULES[rule].confidence if rule in RULES else 0.0,
            "evidence": evidence,
            "decision": decision,
        }
        for rule, a, b, evidence, decision in decided
    ]
    return fitted("identity_edge", pl.DataFrame(rows, infer_schema_length=None))
