"""The configuration file, its data folder and its secrets: read once, checked whole, typed.

Everything that comes from `wegpunkt.toml` or the environment is read here and nowhere else. Secrets stand in the file
only as references (`env:NAME` or `file:PATH`) and are resolved when a source is opened, never stored.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFIG_VARIABLE = "WEGPUNKT_CONFIG"
DEFAULT_FILE = "wegpunkt.toml"


class ConfigError(Exception):
    """The configuration or a secret is wrong; the sentence says where and what to write instead."""

    exit_code = 50


@dataclass(frozen=True)
class Source:
    """One `[[source]]`: one account at one vendor."""

    vendor: str
    instance: str = "default"
    base_url: str = ""
    auth: Mapping[str, str] = field(default_factory=dict)
    lookback: str | None = None
    page_size: int | None = None
    streams: tuple[str, ...] = ()
    allow_insecure_loopback: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.vendor if self.instance == "default" else f"{self.vendor}/{self.instance}"

    def secrets(self) -> dict[str, str]:
        """The resolved secrets, to be handed to the connector and dropped.

        Raises:
            ConfigError: a variable that is not set, a file that cannot be read, or a literal in place of a reference.
        """
        return {key: _resolve(self.name, key, reference) for key, reference in self.auth.items()}


@dataclass(frozen=True)
class Settings:
    """The whole configuration. Paths are absolute."""

    file: Path
    data: Path
    ledger_url: str
    company: str
    reporting_currency: str
    time_zone: str
    language: str
    threads: int
    memory_limit: str
    keep_generations: int
    sources: tuple[Source, ...]

    @property
    def build_file(self) -> Path:
        return self.data / "warehouse" / "build.duckdb"

    @property
    def marts_file(self) -> Path:
        return self.data / "warehouse" / "marts.duckdb"

    @property
    def published_file(self) -> Path:
        return self.data / "published" / "marts.duckdb"


KNOWN: dict[str, set[str]] = {
    "": {"company", "storage", "warehouse", "publish", "source"},
    "company": {"name", "reporting_currency", "time_zone", "language"},
    "storage": {"data", "ledger"},
    "warehouse": {"threads", "memory_limit"},
    "publish": {"keep_generations"},
    "source": {
        "vendor",
        "instance",
        "base_url",
        "auth",
        "lookback",
        "page_size",
        "streams",
        "allow_insecure_loopback",
        "options",
    },
}


def config_path(given: Path | None = None) -> Path:
    """The file to read: the one given, else `WEGPUNKT_CONFIG`, else `wegpunkt.toml` in the working directory."""
    return (given or Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE)).resolve()


def load(file: Path) -> Settings:
    """Reads and checks a configuration file.

    Raises:
        ConfigError: file missing or not TOML, an unknown key, a wrong type, two sources of one name, a literal secret.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist; `wegpunkt init` writes a commented one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    _known(file, "", content)
    tables = {name: _table(file, content, name) for name in ("company", "storage", "warehouse", "publish")}
    company, storage, warehouse = tables["company"], tables["storage"], tables["warehouse"]
    data = (file.parent / str(storage.get("data", "data"))).resolve()
    sources = tuple(_source(file, number, s) for number, s in enumerate(_sources(file, content), start=1))
    names = [s.name for s in sources]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{file}: two sources are called {name}; give each an `instance` of its own")
    currency = str(company.get("reporting_currency", "EUR"))
    if len(currency) != 3 or not currency.isupper():
        raise ConfigError(f"{file}: reporting_currency = {currency!r} is not an ISO code such as EUR")
    if currency != "EUR":
        raise ConfigError(f"{file}: reporting_currency = {currency!r}: the exchange-rate table leads to EUR only")
    return Settings(
        file=file,
        data=data,
        ledger_url=str(storage.get("ledger", f"sqlite:///{data / 'ledger.sqlite'}")),
        company=str(company.get("name", "")),
        reporting_currency=currency,
        time_zone=str(company.get("time_zone", "Europe/Berlin")),
        language=_one_of(file, "language", company.get("language", "en"), ("de", "en")),
        threads=_whole(file, "threads", warehouse.get("threads", 2)),
        memory_limit=str(warehouse.get("memory_limit", "8GB")),
        keep_generations=_whole(file, "keep_generations", tables["publish"].get("keep_generations", 10)),
        sources=sources,
    )


def _known(file: Path, table: str, content: Mapping[str, Any]) -> None:
    for key in content:
        if key not in KNOWN[table]:
            near = difflib.get_close_matches(key, KNOWN[table], n=1)
            where = f"in [{table}]" if table else "at the top level"
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(KNOWN[table]))}"
            raise ConfigError(f"{file}: unknown key {key!r} {where}; {hint}")


def _table(file: Path, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {name} must be a table; write [{name}] on a line of its own")
    _known(file, name, table)
    return table


def _sources(file: Path, content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    sources = content.get("source", [])
    if not isinstance(sources, list):
        raise ConfigError(f"{file}: write [[source]] with two brackets; there may be several")
    return sources


def _source(file: Path, number: int, table: Mapping[str, Any]) -> Source:
    _known(file, "source", table)
    vendor = table.get("vendor")
    if not isinstance(vendor, str):
        raise ConfigError(f'{file}: source {number} has no `vendor`; write vendor = "hubspot" or another')
    auth = table.get("auth", {})
    if not isinstance(auth, dict):
        raise ConfigError(f'{file}: auth of source {vendor} must be a table such as {{ token = "env:TOKEN" }}')
    for key, reference in auth.items():
        if not isinstance(reference, str) or not reference.startswith(("env:", "file:")):
            raise ConfigError(
                f'{file}: auth.{key} of source {vendor} must refer to a secret, as "env:NAME" or "file:PATH";'
                " a secret itself does not belong into this file"
            )
    page_size = table.get("page_size")
    instance = str(table.get("instance", "default"))
    if not instance.replace("_", "").replace("-", "").isalnum():
        raise ConfigError(f"{file}: instance = {instance!r} may have letters, digits, - and _ only")
    return Source(
        vendor=vendor,
        instance=instance,
        base_url=str(table.get("base_url", "")),
        auth=auth,
        lookback=table.get("lookback"),
        page_size=None if page_size is None else _whole(file, "page_size", page_size),
        streams=tuple(table.get("streams", ())),
        allow_insecure_loopback=bool(table.get("allow_insecure_loopback", False)),
        options=_paths(file, table.get("options", {})),
    )


def _paths(file: Path, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Relative `path` options count from the configuration file, wherever the command is run."""
    if isinstance(options.get("path"), str):
        return {**options, "path": str((file.parent / options["path"]).resolve())}
    return options


def _whole(file: Path, key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{file}: {key} = {value!r} must be a whole number of at least 1")
    return value


def _one_of(file: Path, key: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigError(f"{file}: {key} = {value!r} must be one of {', '.join(allowed)}")
    return str(value)


def _resolve(source: str, key: str, reference: str) -> str:
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
        if not value:
            raise ConfigError(f"{source}: the environment variable {name} is not set; it holds auth.{key}")
        return value
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{source}: the file of auth.{key}, {name}, cannot be read: {error.strerror}") from None


def read_env_file(file: Path) -> None:
    """Fills variables that are not set from a `.env` file of `NAME=value` lines; a readable-by-all file is refused.

    Raises:
        ConfigError: the file's mode lets others read it.
    """
    if not file.is_file():
        return
    if file.stat().st_mode & 0o077:
        raise ConfigError(f"{file} holds secrets and others may read it; run: chmod 600 {file}")
    for line in file.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))
