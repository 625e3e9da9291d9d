"""Blobs as files: DATA_DIR/documents/<administration>/<ab>/<sha256>."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from documents.storage import Blob, BlobMissing, StorageProblem

_CHUNK = 1 << 20
_UNFINISHED = ".unfinished"


class FileBlobs:
    def __init__(self, root: Path) -> None:
        self.root = root

    def _place(self, administration_id: UUID, sha256: str) -> Path:
        return self.root / str(administration_id) / sha256[:2] / sha256

    def put(self, administration_id: UUID, source: BinaryIO) -> str:
        try:
            unfinished, sha256, size = self._write(source)
            try:
                self._settle(unfinished, self._place(administration_id, sha256), size)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as problem:
            raise StorageProblem.of(problem) from problem
        return sha256

    def _write(self, source: BinaryIO) -> tuple[Path, str, int]:
        """A temporary file with the bytes, safely on the disk."""
        _make(self.root / _UNFINISHED)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self.root / _UNFINISHED)
        try:
            with open(handle, "wb") as target:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
        except BaseException:
            os.unlink(name)
            raise
        return Path(name), digest.hexdigest(), size

    def _settle(self, unfinished: Path, place: Path, size: int) -> None:
        _make(place.parent)
        with self._lock(fcntl.LOCK_SH):
            if _size(place) == size:
                os.utime(place)  # young again: a sweep that was about to remove it will not
                return
            unfinished.replace(place)
        _sync(place.parent)

    def open(self, administration_id: UUID, sha256: str) -> BinaryIO:
        try:
            return self._place(administration_id, sha256).open("rb")
        except FileNotFoundError as missing:
            raise BlobMissing(sha256) from missing
        except OSError as problem:
            raise StorageProblem.of(problem) from problem

    @contextmanager
    def path_of(self, administration_id: UUID, sha256: str) -> Iterator[Path]:
        self.size(administration_id, sha256)
        yield self._place(administration_id, sha256)

    def size(self, administration_id: UUID, sha256: str) -> int:
        try:
            found = _size(self._place(administration_id, sha256))
        except OSError as problem:
            raise StorageProblem.of(problem) from problem
        if found is None:
            raise BlobMissing(sha256)
        return found

    def delete(self, administration_id: UUID, sha256: str, unchanged_since: datetime | None) -> bool:
        place = self._place(administration_id, sha256)
        try:
            with self._lock(fcntl.LOCK_EX):
                if unchanged_since and _modified(place.stat()) > unchanged_since:
                    return False
                place.unlink()
        except FileNotFoundError:
            return False
        except OSError as problem:
            raise StorageProblem.of(problem) from problem
        return True

    def iterate(self, administration_id: UUID | None) -> Iterator[Blob]:
        for folder in sorted(self.root.glob(str(administration_id) if administration_id else "*-*-*-*-*")):
            for place in sorted(folder.glob("??/" + "?" * 64)):
                with suppress(FileNotFoundError):
                    facts = place.stat()
                    yield Blob(UUID(folder.name), place.name, facts.st_size, _modified(facts))

    def sweep_unfinished(self, before: datetime) -> int:
        swept = 0
        for leftover in (self.root / _UNFINISHED).glob("*"):
            with suppress(FileNotFoundError):
                if _modified(leftover.stat()) < before:
                    leftover.unlink()
                    swept += 1
        return swept

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        """Shared while a blob settles, exclusive while one is removed: no blob vanishes between the two."""
        with (self.root / ".lock").open("a") as lock:
            fcntl.flock(lock, kind)
            yield


def _size(place: Path) -> int | None:
    try:
        return place.stat().st_size
    except FileNotFoundError:
        return None


def _modified(facts: os.stat_result) -> datetime:
    return datetime.fromtimestamp(facts.st_mtime, UTC)


def _make(folder: Path) -> None:
    """Makes the folder and its parents, each safely on the disk."""
    if folder.is_dir():
        return
    _make(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
