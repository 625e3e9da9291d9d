"""One portal at a time on one DATA_DIR."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A launcher that was killed leaves the lock to its watchdog, which needs a moment to end the rest.
STOPPING_SECONDS = 15


class AlreadyRunning(Exception):
    """Another `make run` uses this DATA_DIR."""


@contextmanager
def hold(file: Path, url: str) -> Iterator[int]:
    """Gives the descriptor: whoever inherits it holds the lock too."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, file)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {url}".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, file: Path) -> None:
    deadline = time.monotonic() + STOPPING_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, url = file.read_text().partition(" ")
            if not pid or _lives(int(pid)) or time.monotonic() > deadline:
                raise AlreadyRunning(
                    f"The portal already runs here: {url} (process {pid}, data in {file.parent}).\n"
                    "End that one first, or start a second one with its own data: make run DATA_DIR=... PORT=..."
                ) from None
            time.sleep(0.1)
        else:
            return


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
