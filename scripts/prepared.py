"""Tells whether the database and the static files still fit the code, so that a second start can skip both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from scripts.bootstrap import ROOT

APPS = ("zenvoices", "administrations", "documents", "notifications", "channels", "leaving")


def fingerprint(data: Path, demo: bool) -> str:
    """Of everything that migrate, collectstatic and the demo depend on: names, sizes and times, not contents."""
    digest = hashlib.sha256(f"{ROOT} {demo} {os.environ.get('DATABASE_URL', '')}".encode())
    digest.update(_identity(data / "portal.sqlite3"))
    for file in sorted(_sources()):
        status = file.stat()
        digest.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for app in APPS:
        for pattern in ("migrations/*.py", "static/**/*"):
            yield from (ROOT / app).glob(pattern)
    yield from (ROOT / "demo").glob("*.py")
    yield ROOT / "zenvoices" / "settings.py"
    yield from ROOT.glob("requirements*.txt")


def _identity(file: Path) -> bytes:
    """A database that was removed or put back is not the one that was prepared."""
    return b"%d" % file.stat().st_ino if file.exists() else b"none"
