"""What makes a backup whole: written last, by a rename; without it there is none."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from zenvoices.lib.folders import sync

NAME: Final = "manifest.json"
FORMAT: Final = 1


class BackupProblem(Exception):
    """`code` and what it means for who asked."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Manifest:
    format: int
    made_at: str
    #: postgresql or sqlite: rows go back to the same
    vendor: str
    migrations: list[str]
    #: rows of each table
    tables: dict[str, int]
    #: SHA-256 of each file but the documents, whose names say theirs
    hashes: dict[str, str]
    documents: int
    bytes: int
    #: named by a row, and nowhere to be had when the backup was made
    lacking: list[str]

    @property
    def rows(self) -> int:
        return sum(self.tables.values())

    def write(self, folder: Path) -> None:
        beside = folder / f"{NAME}.new"
        with beside.open("w") as file:
            json.dump(asdict(self), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / NAME)
        sync(folder)


def read(folder: Path) -> Manifest:
    """Raises BackupProblem where there is no whole backup."""
    try:
        return Manifest(**json.loads((folder / NAME).read_text()))
    except FileNotFoundError:
        text = f"{folder} holds no whole backup: {NAME} is missing, which is written last. Run backup again."
        raise BackupProblem("backup_incomplete", text) from None
    except (OSError, ValueError, TypeError) as problem:
        raise BackupProblem(
            "backup_damaged", f"{folder / NAME} cannot be read ({type(problem).__name__})."
        ) from problem


def migrations() -> list[str]:
    """What is applied now."""
    return sorted(".".join(key) for key in MigrationLoader(connection).applied_migrations)


def known_migrations() -> set[str]:
    """What this code has."""
    return {".".join(key) for key in MigrationLoader(None).disk_migrations}


def hash_of(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
