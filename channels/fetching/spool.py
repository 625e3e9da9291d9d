"""Where mails lie on their way from the server to storage."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

#: far longer than any run
KEPT_SECONDS = 86_400


@contextmanager
def spool() -> Iterator[Path]:
    """A folder of its own for the mails of one fetch."""
    folder = Path(tempfile.mkdtemp(prefix="fetch-", dir=_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_spool() -> None:
    """Removes what fetches that were killed left behind, and the half uploads of web processes that were."""
    for left in [*_folder().glob("fetch-*"), *_half_uploads()]:
        with suppress(FileNotFoundError):  # its fetch ends just now
            if time.time() - left.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()


def _half_uploads() -> Iterator[Path]:
    """By the name that Django gives them in the TMPDIR, which compose and the units put into DATA_DIR."""
    yield from Path(settings.DATA_DIR).glob("tmp*.upload*")


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
