"""The bytes of a backup, one file for each content under its SHA-256: a second backup copies what is new."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import structlog
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from documents import storage
from documents.sweeping import DELETED_KEPT, is_sound
from zenvoices.backups.manifest import BackupProblem, hash_of

log = structlog.get_logger(__name__)
FOLDER: Final = "documents"
LIST: Final = "documents.txt"
_CHUNK: Final = 1 << 20


@dataclass(slots=True)
class Copied:
    number: int = 0
    bytes: int = 0
    lacking: list[str] = field(default_factory=list)


def copy_out(folder: Path, names: Path, to_list: Path) -> Copied:
    """What the rows name, from the storage into the folder, and a line for each file in `to_list`."""
    copied, seen, lacking = Copied(), set[str](), set[str]()
    with names.open() as named, to_list.open("w") as listed:
        for line in named:
            owner, sha256, deleted = line.rstrip("\n").split(" ", 2)
            place = f"{owner}/{sha256[:2]}/{sha256}"
            if place in seen:
                continue
            size = _copy(UUID(owner), sha256, folder / FOLDER / place)
            if size is not None:
                seen.add(place)
                copied.number += 1
                copied.bytes += size
                listed.write(f"{size} {place}\n")
            elif not _is_over(deleted):
                lacking.add(place)
                log.error("named by a row, and not whole in the storage", administration=owner, sha256=sha256)
    copied.lacking = sorted(lacking)
    return copied


def _is_over(deleted: str) -> bool:
    """Bytes of a deleted document may be swept after a while, also while we copy."""
    moment = parse_datetime(deleted)
    if moment is None:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < timezone.now() - DELETED_KEPT


def _copy(administration_id: UUID, sha256: str, place: Path) -> int | None:
    """The size; None where these bytes are not to be had. Copied before: nothing to do."""
    try:
        size = storage.size(administration_id, sha256)
        if place.is_file() and place.stat().st_size == size:
            return size
        with storage.open_blob(administration_id, sha256) as blob:
            if _write(blob, place, sha256):
                return size
    except storage.BlobMissing:
        pass
    except storage.StorageProblem:
        storage.look()  # raises when it is the storage that fails, and not this file
    # What the storage lost, an older backup in this folder may still have.
    return place.stat().st_size if place.is_file() and hash_of(place) == sha256 else None


def _write(blob: BinaryIO, place: Path, sha256: str) -> bool:
    """Beside its place, then renamed; nothing where the bytes are not those of the name."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{sha256}")
    digest = hashlib.sha256()
    with beside.open("wb") as file:
        for chunk in _chunks(blob):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        beside.unlink()
        return False
    beside.replace(place)
    return True


def _chunks(blob: BinaryIO) -> Iterator[bytes]:
    """What the storage does not give back is no fault of the folder that is written."""
    try:
        while chunk := blob.read(_CHUNK):
            yield chunk
    except OSError as problem:
        raise storage.StorageProblem.of(problem) from problem


def listed(file: Path) -> Iterator[tuple[int, str]]:
    with file.open() as lines:
        for line in lines:
            size, _, place = line.strip().partition(" ")
            yield int(size), place


def damaged(folder: Path, file: Path) -> list[str]:
    """Each place whose bytes are not there, or not those that its name says."""
    found = []
    for size, place in listed(file):
        path = folder / FOLDER / place
        if not path.is_file() or path.stat().st_size != size or hash_of(path) != path.name:
            found.append(f"{FOLDER}/{place}")
    return found


def put_back(folder: Path, file: Path) -> Copied:
    """Into the storage, which names them by what they hold."""
    copied = Copied()
    for size, place in listed(file):
        owner, sha256 = UUID(place.partition("/")[0]), place.rpartition("/")[2]
        _remove_unsound(owner, sha256)
        if storage.put_file(owner, folder / FOLDER / place) != sha256:
            raise BackupProblem("backup_damaged", f"{FOLDER}/{place} changed while it was put back.")
        copied.number += 1
        copied.bytes += size
    return copied


def _remove_unsound(administration_id: UUID, sha256: str) -> None:
    """Other bytes of that size under that name would stay: a place does not write what it seems to have."""
    try:
        with storage.open_blob(administration_id, sha256) as blob:
            if is_sound(blob, sha256):
                return
    except storage.BlobMissing:
        return
    storage.delete(administration_id, sha256)


def owners(file: Path) -> set[UUID]:
    """The administrations that have documents in a backup."""
    return set(map(UUID, {place.partition("/")[0] for _, place in listed(file)}))


def remove_others(folder: Path, file: Path) -> None:
    """What only an older backup named: its administration or mail was deleted meanwhile."""
    kept = {place for _, place in listed(file)}
    for path in (folder / FOLDER).rglob("*"):
        if path.is_file() and path.relative_to(folder / FOLDER).as_posix() not in kept:
            path.unlink()


def moment() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
