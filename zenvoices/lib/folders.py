"""What a folder holds, for good."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def sync(folder: Path) -> None:
    """A file made or renamed in it outlives a power cut only once the folder is flushed too: fsync(2)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def erase_folder(folder: Path, alive: Callable[[], None]) -> None:
    """With all that is in it; `alive` is called again and again.

    Raises OSError when somebody writes or erases in it meanwhile: to be tried again.
    """
    for part in folder.iterdir() if folder.is_dir() else ():
        alive()
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        folder.rmdir()
