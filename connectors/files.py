"""Files dropped into a folder: CSV, XLSX and Parquet, mapped by the configuration onto five known kinds.

A file is known by the SHA-256 of its content, so it is never loaded twice under whatever name, and it is parsed whole
before its first record leaves, so it is never half loaded. What a file's column means stands in the configuration:

    [[source]]
    vendor = "files"
    [source.options]
    path = "inbox"
    [[source.options.mapping]]
    files = "fair_*.csv"                # which files
    kind = "fair_visits"                # one of the streams below
    separator = ";"
    decimal = ","                       # 1.234,56
    dates = "%d.%m.%Y"
    encoding = "utf-8"                  # a byte-order mark is always understood
    [source.options.mapping.columns]
    visited_on = "Besuchsdatum"         # ours = theirs
    company = "Firma"
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import io
import logging
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from polars.exceptions import PolarsError

from connectors import contract, decoding
from connectors.spec import (
    Auth,
    Batch,
    Call,
    Column,
    ConfigError,
    Cursor,
    Finding,
    Paginator,
    Pass,
    Stream,
    UnexpectedContent,
    Vendor,
)

ROWS_IN_A_BATCH = 5_000
SUFFIXES = (".csv", ".xlsx", ".parquet")
MAPPING_KEYS = {"files", "kind", "columns", "separator", "decimal", "dates", "encoding", "constants"}


def _kind(name: str, entity: str, *columns: Column) -> Stream:
    """A stream that reads no page: `FileConnector` feeds it rows under our own column names."""
    never = Pass(lambda window, position: Call("/"), "", Paginator(lambda page, position, window: None))
    extra = (Column("file_name", "text", "file_name"), Column("created_at", "instant", "created_at"))
    key = ("file_id", "row_number")
    return Stream(name, entity, (*columns, *extra), key=key, increment=never, cursor=Cursor("created_at"))


_PERSON = (
    Column("company", "text", "company"),
    Column("first_name", "text", "first_name", pii=True),
    Column("last_name", "text", "last_name", pii=True),
    Column("email", "text", "email", pii=True),
)
STREAMS = (
    _kind(
        "fair_visits",
        "fair_visit",
        Column("fair", "text", "fair"),
        Column("visited_on", "date", "visited_on", required=True),
        *_PERSON,
        Column("phone", "text", "phone", pii=True),
        Column("street", "text", "street", pii=True),
        Column("zip", "text", "zip"),
        Column("city", "text", "city"),
        Column("topic", "text", "topic"),
    ),
    _kind(
        "webinar_attendance",
        "webinar_attendance",
        Column("webinar", "text", "webinar"),
        Column("held_at", "instant", "held_at", required=True),
        *_PERSON,
        Column("attended", "boolean", "attended"),
        Column("minutes", "integer", "minutes"),
    ),
    _kind(
        "ad_spend",
        "ad_spend",
        Column("campaign", "text", "campaign"),
        Column("channel", "text", "channel"),
        Column("spent_on", "date", "spent_on", required=True),
        Column("impressions", "integer", "impressions"),
        Column("clicks", "integer", "clicks"),
        Column("cost_amount", "decimal", "cost_amount", required=True),
        Column("currency_code", "text", "currency_code"),
    ),
    _kind(
        "marketplace_orders",
        "order",
        Column("marketplace", "text", "marketplace"),
        Column("order_number", "text", "order_number", required=True),
        Column("ordered_at", "instant", "ordered_at", required=True),
        Column("buyer_company", "text", "buyer_company"),
        Column("buyer_email", "text", "buyer_email", pii=True),
        Column("buyer_vat_id", "text", "buyer_vat_id"),
        Column("buyer_zip", "text", "buyer_zip"),
        Column("buyer_city", "text", "buyer_city"),
        Column("buyer_street", "text", "buyer_street", pii=True),
        Column("product_number", "text", "product_number"),
        Column("quantity", "decimal", "quantity"),
        Column("net_amount", "decimal", "net_amount", required=True),
        Column("currency_code", "text", "currency_code"),
    ),
    _kind(
        "company_info",
        "company",
        Column("provider_id", "text", "provider_id"),
        Column("name", "text", "name", required=True),
        Column("domain", "text", "domain"),
        Column("vat_id", "text", "vat_id"),
        Column("register_no", "text", "register_no"),
        Column("street", "text", "street"),
        Column("zip", "text", "zip"),
        Column("city", "text", "city"),
        Column("country", "text", "country"),
        Column("industry", "text", "industry"),
        Column("employee_count", "integer", "employee_count"),
        Column("annual_revenue", "decimal", "annual_revenue"),
        Column("valid_from", "date", "valid_from"),
    ),
)


class FileMapping:
    """One `[[source.options.mapping]]`, checked."""

    def __init__(self, table: Mapping[str, Any], streams: Mapping[str, Stream]) -> None:
        unknown = set(table) - MAPPING_KEYS
        if unknown:
            raise ConfigError(
                f"files: mapping has an unknown key {sorted(unknown)[0]!r}; known are {sorted(MAPPING_KEYS)}"
            )
        self.pattern = str(table.get("files", ""))
        self.kind = str(table.get("kind", ""))
        if self.kind not in streams or not self.pattern:
            raise ConfigError(f"files: a mapping needs `files` and a `kind` of {', '.join(streams)}")
        self.columns = dict(table.get("columns", {}))
        self.constants = dict(table.get("constants", {}))
        self.separator = str(table.get("separator", ","))
        self.decimal = str(table.get("decimal", "."))
        self.dates = table.get("dates")
        self.encoding = str(table.get("encoding", "utf-8"))
        ours = {c.name: c for c in streams[self.kind].columns}
        wrong = (set(self.columns) | set(self.constants)) - set(ours)
        if wrong:
            raise ConfigError(f"files: {self.kind} has no column {sorted(wrong)[0]!r}; it has {', '.join(ours)}")
        self.types = {name: ours[name].type for name in (*self.columns, *self.constants)}

    def cell(self, name: str, value: Any) -> Any:
        """A cell as JSON with our meaning; a value that does not parse stays text, for the contract to refuse."""
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        kind = self.types[name]
        if isinstance(value, (datetime, date)):
            return value.isoformat()
        if isinstance(value, str):
            text = value.strip()
            if kind in ("decimal", "integer"):
                return _plain_number(text, self.decimal)
            if kind in ("date", "instant") and self.dates:
                try:
                    moment = datetime.strptime(text, str(self.dates))
                except ValueError:
                    return text
                return moment.date().isoformat() if kind == "date" else moment.isoformat()
            if kind == "boolean":
                return {"ja": True, "yes": True, "x": True, "nein": False, "no": False}.get(text.lower(), text)
            return text
        return str(value) if kind == "text" and not isinstance(value, bool) else value


def _plain_number(text: str, decimal: str) -> str:
    """`1.234,56 €` under a decimal comma is 1234.56. Whatever has the other mark in a wrong place stays as it is."""
    grouping = "." if decimal == "," else ","
    bare = text.replace("\u00a0", "").replace(" ", "").rstrip("€$")
    whole, _, fraction = bare.partition(decimal)
    groups = whole.lstrip("-").split(grouping)
    if len(groups) > 1 and (len(groups[0]) > 3 or any(len(g) != 3 for g in groups[1:])):
        return text
    number = whole.replace(grouping, "") + ("." + fraction if fraction else "")
    return number if number.lstrip("-").replace(".", "", 1).isdigit() else text


class FileConnector:
    """The inbox as a connector: the same door as for every other vendor, without a network behind it."""

    def __init__(self, vendor: Vendor, instance: str, options: Mapping[str, Any]) -> None:
        self.vendor, self.instance = vendor, instance
        if "path" not in options:
            raise ConfigError("files: options needs `path`, the folder into which files are dropped")
        self.folder = Path(str(options["path"]))
        self.mappings = [FileMapping(m, vendor.streams) for m in options.get("mapping", ())]

    def check(self) -> list[Finding]:
        if not self.folder.is_dir():
            return [Finding("inbox", False, f"{self.folder} is no folder; create it or correct options.path")]
        found = [Finding("inbox", True, f"{len(self._files())} files in {self.folder}")]
        stray = [f.name for f in self._files() if not any(fnmatch.fnmatch(f.name, m.pattern) for m in self.mappings)]
        return [
            *found,
            *(Finding(name, False, "no mapping names this file; add one or move it away") for name in stray),
        ]

    def read(
        self,
        stream: str,
        *,
        cursor: str | None = None,
        resume: str | None = None,
        since: date | None = None,
        full: bool = False,
        reconcile: bool = False,
    ) -> Iterator[Batch]:
        """Batches of every file that was not read yet. `since`, `full` and `reconcile` change nothing: a file's content
        never changes, and its records are known by it.

        Raises:
            UnexpectedContent: a file that is not what its name says; said after every other file was read. Correct it or
                move it away.
        """
        if stream not in self.vendor.streams:
            raise ConfigError(f"files has no kind {stream!r}; it has {', '.join(self.vendor.streams)}")
        if not self.folder.is_dir():
            raise ConfigError(f"{self.folder} is no folder; create it or correct options.path of source files")
        known: set[str] = set() if full else set(orjson.loads(cursor)["read"]) if cursor else set()
        known |= set(orjson.loads(resume)["read"]) if resume else set()
        declared = self.vendor.streams[stream]
        damaged: UnexpectedContent | None = None
        for file, mapping in self._of(stream):
            try:
                content = self._bytes(file)
                file_id = hashlib.sha256(content).hexdigest()[:16]
                if file_id in known:
                    continue
                rows = self._rows(file, content, mapping, file_id)
            except UnexpectedContent as error:
                damaged = damaged or error  # said at the end: the other files are no worse for it
                continue
            known.add(file_id)
            for start in range(0, len(rows), ROWS_IN_A_BATCH):
                frame, rejects = contract.typed(declared, rows[start : start + ROWS_IN_A_BATCH])
                last = start + ROWS_IN_A_BATCH >= len(rows)
                mark = orjson.dumps({"read": sorted(known if last else known - {file_id})}).decode()
                yield Batch(stream, frame, rejects, frame.height + len(rejects), mark, pages=1)
        if damaged is not None:
            raise damaged
        nothing, _ = contract.typed(declared, [])
        done = orjson.dumps({"read": sorted(known)}).decode()
        yield Batch(stream, nothing, [], 0, None, cursor=done, complete=True)

    def _files(self) -> list[Path]:
        return sorted(f for f in self.folder.iterdir() if f.is_file() and f.suffix.lower() in SUFFIXES)

    def _of(self, stream: str) -> Iterator[tuple[Path, FileMapping]]:
        for file in self._files():
            for mapping in self.mappings:
                if mapping.kind == stream and fnmatch.fnmatch(file.name, mapping.pattern):
                    yield file, mapping
                    break

    def _bytes(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise UnexpectedContent(f"{file} cannot be read: {error.strerror}") from None

    def _rows(self, file: Path, content: bytes, mapping: FileMapping, file_id: str) -> list[decoding.Raw]:
        table = _parse(file, content, mapping)
        theirs = table[0].keys() if table else ()
        missing = [t for t in mapping.columns.values() if table and t not in theirs]
        if missing:
            raise UnexpectedContent(
                f"{file.name} has no column {missing[0]!r}, which its mapping names; it has {', '.join(theirs)}; nothing of it was loaded"
            )
        stamp = datetime.fromtimestamp(int(file.stat().st_mtime)).isoformat()
        rows = []
        for number, row in enumerate(table, start=1):
            record = {ours: mapping.cell(ours, row[t]) for ours, t in mapping.columns.items()}
            record |= {ours: value for ours, value in mapping.constants.items()}
            record |= {"file_id": file_id, "row_number": number, "file_name": file.name, "created_at": stamp}
            record["original"] = {
                str(k): v if isinstance(v, (str, int, float, bool)) else _plain(v) for k, v in row.items()
            }
            rows.append(decoding.Raw(record, orjson.dumps(record).decode()))
        return rows


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def _parse(file: Path, content: bytes, mapping: FileMapping) -> list[dict[str, Any]]:
    """The whole file as rows. CSV cells stay text; workbooks and Parquet bring their types."""
    try:
        if file.suffix.lower() == ".csv":
            return _csv(file, content, mapping)
        if file.suffix.lower() == ".xlsx":
            # A column of numbers and words comes as text, which is what we want; its reader warns of each.
            logging.getLogger("fastexcel").setLevel(logging.ERROR)
            return pl.read_excel(io.BytesIO(content), engine="calamine").to_dicts()
        return pl.read_parquet(io.BytesIO(content)).to_dicts()
    except UnicodeDecodeError as error:
        raise UnexpectedContent(
            f"{file.name} is not {mapping.encoding} at byte {error.start}; set `encoding` of its mapping, windows-1252 perhaps"
        ) from None
    except (PolarsError, csv.Error, ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnexpectedContent(
            f"{file.name} is damaged or no {file.suffix[1:]} file ({reason}); nothing of it was loaded"
        ) from None


def _csv(file: Path, content: bytes, mapping: FileMapping) -> list[dict[str, Any]]:
    encoding = "utf-8-sig" if mapping.encoding.lower() in ("utf-8", "utf8") else mapping.encoding
    reader = csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=mapping.separator, strict=True)
    header = next(reader, None)
    if header is None:
        raise ValueError("it is empty")
    rows = []
    for cells in reader:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise ValueError(f"line {reader.line_num} has {len(cells)} cells, the header {len(header)}")
        rows.append(dict(zip(header, cells, strict=True)))
    return rows


def connector(vendor: Vendor, base_url: str, secrets: Mapping[str, str], **wish: Any) -> FileConnector:
    """What `connectors.connect("files", …)` returns; an address and secrets have no meaning here."""
    return FileConnector(vendor, str(wish["instance"]), wish["options"] or {})


VENDOR = Vendor(
    name="files",
    kind="files",
    streams={s.name: s for s in STREAMS},
    auth=Auth(needs=(), header=lambda secrets: {}),
    api_version="1",
    supported_until=None,
)
