"""One run at a time in a data folder.

The lock is `flock` on a file: the kernel releases it when its holder ends, however it ends, so there is never one to
remove by hand. The process id in the file is for people; the lock itself is the kernel's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import LockHeld
from warehouse.files import private_folder, storage_errors

NAME = "run.lock"


@contextmanager
def run_lock(data_dir: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the data folder's lock for the body.

    Raises:
        LockHeld: another process (or another part of this one) holds it for longer than `wait_seconds`.
    """
    private_folder(Path(data_dir))
    path = Path(data_dir) / NAME
    with storage_errors(path):
        # Close-on-exec is Python's default: a child that outlives us must not keep the lock.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _acquire(handle, path, wait_seconds)
        with storage_errors(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            # Emptied before the release, so that nobody reads the id of a process that holds nothing.
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        if time.monotonic() >= deadline:
            raise LockHeld(_holder(handle), str(path))
        time.sleep(0.05)


def _holder(handle: int) -> int | None:
    """The id in the file. Its writer may have the lock but not yet have written: look again for a moment."""
    for _ in range(20):
        text = os.pread(handle, 32, 0).strip()
        if text.isdigit():
            return int(text)
        time.sleep(0.005)
    return None
