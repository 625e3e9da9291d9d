"""What a folder holds, for good."""

from __future__ import annotations

import os
from pathlib import Path


def sync(folder: Path) -> None:
    """A file made or renamed in it outlives a power cut only once the folder is flushed too: fsync(2)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
