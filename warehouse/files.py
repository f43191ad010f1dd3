"""Files that survive a crash: write aside, fsync, rename, fsync the folder; private to their owner.

Also the one place that turns the operating system's errors into `StorageError`. What is written belongs elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import StorageError, WarehouseError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
TEMPORARY = ".tmp"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Turns an `OSError` on `path` into one sentence with exit code 60."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"cannot write {path}: {reason}; free space or correct the permissions, then run again "
            "(what was published is untouched)"
        ) from None


def safe_name(text: str, what: str) -> str:
    """`text` where it may name a file or folder; refuses what could leave the data folder."""
    if not _NAME.fullmatch(text):
        raise WarehouseError(
            f"{what} {text[:40]!r} cannot name a folder: use letters, digits, '-', '_' and '.', at most 100"
        )
    return text


def private_folder(path: Path) -> Path:
    """Creates a folder only its owner can enter; refuses a symbolic link in its place."""
    with storage_errors(path):
        if path.is_symlink():
            raise StorageError(f"{path} is a symbolic link: name the folder itself in the configuration")
        # One by one: of several folders made at once only the last would be private.
        missing = [path] if not path.exists() else []
        while missing and not missing[-1].parent.exists():
            missing.append(missing[-1].parent)
        for folder in reversed(missing):
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return path


def sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, content: bytes | memoryview, mode: int = PRIVATE_FILE) -> None:
    """Puts `content` at `path` whole or not at all, and durably: after this returns it survives a power cut."""
    aside = path.with_name(path.name + TEMPORARY)
    with storage_errors(path):
        try:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(aside, path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
