"""Vendors' APIs as typed batches, usable on their own.

    from connectors import connect

    hubspot = connect("hubspot", base_url="https://api.hubapi.com", auth={"token": token})
    for batch in hubspot.read("deals", since=date(2026, 1, 1)):
        print(batch.frame.height, batch.rejects)

`VENDORS` holds one `Vendor` for each file of this folder that declares one: adding a file adds a vendor.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from connectors import engine
from connectors.engine import Connector
from connectors.spec import (
    AuthError,
    Batch,
    Column,
    ConfigError,
    Finding,
    PaginationStuck,
    Rate,
    RateExhausted,
    Reject,
    ScopeError,
    SourceError,
    Stream,
    UnexpectedContent,
    Unreachable,
    Vendor,
)

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _discover() -> dict[str, Vendor]:
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    declared = [m.VENDOR for m in modules if hasattr(m, "VENDOR")]
    return {v.name: v for v in sorted(declared, key=lambda v: v.name)}


VENDORS: dict[str, Vendor] = _discover()


def connect(
    vendor: str,
    *,
    base_url: str,
    auth: Mapping[str, str],
    instance: str = "default",
    page_size: int | None = None,
    lookback: str | timedelta | None = None,
    allow_insecure_loopback: bool = False,
    options: Mapping[str, Any] | None = None,
    on_wait: Callable[[float], None] | None = None,
) -> Connector:
    """A connector for one account.

    Args:
        vendor: a name in `VENDORS`.
        base_url: where its API answers; https, or http on loopback with `allow_insecure_loopback`.
        auth: the vendor's secrets, by the names in `VENDORS[vendor].auth.needs`.
        lookback: how much before the last watermark is read again: `"15m"`, `"2h"`, `"1d"` or a timedelta.
        options: whatever the vendor's file documents, for example the portal id for links.
        on_wait: told the seconds of every wait for a budget or a retry.

    Raises:
        ConfigError: unknown vendor, a missing secret, an address that is not encrypted.
    """
    if vendor not in VENDORS:
        raise ConfigError(f"vendor {vendor!r} is not known; known are {', '.join(VENDORS)}")
    declared = VENDORS[vendor]
    make = getattr(importlib.import_module(f"{__name__}.{vendor}"), "connector", engine.connector)
    result: Connector = make(
        declared,
        base_url,
        auth,
        instance=instance,
        page_size=page_size,
        lookback=_duration(lookback) if isinstance(lookback, str) else lookback,
        allow_insecure_loopback=allow_insecure_loopback,
        options=options,
        on_wait=on_wait,
    )
    return result


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)\s*([smhd])", text.strip())
    if match is None:
        raise ConfigError(f"lookback = {text!r} is no duration; write a number and s, m, h or d, as in 15m")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


__all__ = [
    "VENDORS",
    "AuthError",
    "Batch",
    "Column",
    "ConfigError",
    "Connector",
    "Finding",
    "PaginationStuck",
    "Rate",
    "RateExhausted",
    "Reject",
    "ScopeError",
    "SourceError",
    "Stream",
    "UnexpectedContent",
    "Unreachable",
    "Vendor",
    "connect",
]
