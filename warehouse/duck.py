"""Opening DuckDB files the way this house does: no download of extensions, private, and errors that say what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.errors import StorageError

HARDENED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_BUSY = ("could not set lock", "conflicting lock")
_FULL = ("no space left", "disk quota", "read-only file system", "permission denied", "input/output error")
_DAMAGED = (
    "not a valid duckdb database", "corrupt", "checksum", "wal file", "serialization", "deserialize",
    "version number", "failed to load metadata", "could not read enough bytes", "internal error",
    "out of range", "invalid type",
)  # fmt: skip


class DamagedFile(StorageError):
    """A DuckDB file that cannot be read any more. The build file is then made anew; it holds nothing of its own."""


def literal(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def connect(
    path: Path, read_only: bool = False, threads: int | None = None, memory_limit: str | None = None
) -> duckdb.DuckDBPyConnection:
    """Opens a DuckDB file; a new one is readable for its owner only."""
    config: dict[str, str | bool | int | float | list[str]] = dict(HARDENED)
    if threads is not None:
        config["threads"] = threads
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    with duck_errors(path):
        before = os.umask(0o077)
        try:
            return duckdb.connect(str(path), read_only=read_only, config=config)
        finally:
            os.umask(before)


@contextmanager
def duck_errors(path: Path) -> Iterator[None]:
    """Tells apart a file that is in use, a disk that refuses, and a file that is damaged."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        first, low = text.splitlines()[0][:300], text.lower()
        if any(word in low for word in _BUSY):
            raise StorageError(f"{path} is open in another program ({first}): close it there, then run again") from None
        if isinstance(error, duckdb.OutOfMemoryException) or any(word in low for word in _FULL):
            raise StorageError(
                f"{path} cannot be written ({first}): free space or memory, then run again; what was published is untouched"
            ) from None
        fatal = isinstance(
            error, duckdb.IOException | duckdb.SerializationException | duckdb.FatalException | duckdb.InternalException
        )
        if fatal and any(word in low for word in _DAMAGED):
            raise DamagedFile(f"{path} is damaged ({first}): set it aside; it is built anew from the parts") from None
        if fatal:
            raise StorageError(f"{path} cannot be used ({first}): run `wegpunkt doctor`") from None
        raise
