"""What the portal keeps is for the user that it runs as, and for nobody else on the machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

#: of new files and folders
UMASK = 0o077
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def narrow(folder: Path) -> None:
    """Takes from others what an earlier version, or another umask, left open to them. Links are left alone."""
    for path in _within(str(folder)):
        status = os.lstat(path)
        mode = stat.S_IMODE(status.st_mode)
        if mode & OTHERS and not stat.S_ISLNK(status.st_mode) and status.st_uid == os.geteuid():
            os.chmod(path, mode & ~OTHERS)


def _within(folder: str) -> Iterator[str]:
    yield folder
    for parent, folders, files in os.walk(folder):
        yield from (os.path.join(parent, name) for name in (*folders, *files))
