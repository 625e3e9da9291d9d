"""What a folder holds, for good."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

#: where documents.filestore writes what is not finished
_ASIDE: Final = ".unfinished"


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


def try_writing(folder: Path) -> None:
    """Bytes on its disk that have no name: the folder stays as it is, its time too. Raises OSError."""
    try:
        probe = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as problem:
        if problem.errno not in (errno.EOPNOTSUPP, errno.EISDIR):  # as NFS, and kernels before 3.11, say
            raise
        _write_named(folder / _ASIDE if (folder / _ASIDE).is_dir() else folder)
        return
    try:
        os.write(probe, b"ready")
        os.fsync(probe)
    finally:
        os.close(probe)


def _write_named(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".ready-") as probe:
        probe.write(b"ready")
        probe.flush()
        os.fsync(probe.fileno())
