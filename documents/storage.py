"""Where the bytes lie: one blob per content, named by its SHA-256, under its administration.

A blob is whole or absent: it is written beside its place, flushed to the disk and then renamed. Writing the same
bytes twice is harmless. Callers write blobs before the row that names them, so a crash leaves at most an orphan,
which `sweep_blobs` (documents.sweeping) takes away after a day of grace.
"""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

log = structlog.get_logger(__name__)
_NAME = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageProblem(Exception):
    """`disk_full` or `storage_failed`: our own failed; `storage_quota` (documents.quota). Never the sender's fault."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @classmethod
    def of(cls, problem: OSError) -> StorageProblem:
        return cls("disk_full" if problem.errno in _FULL else "storage_failed")


def told(problem: Exception) -> str:
    """What the disk or the bucket said, for the operator: a word or two, no address and no key."""
    cause = problem.__cause__ or problem
    code = getattr(cause, "response", {}).get("Error", {}).get("Code")
    return code or getattr(cause, "strerror", None) or type(cause).__name__


class BlobMissing(Exception):
    """No bytes lie under this name."""


@dataclass(frozen=True)
class Blob:
    administration_id: UUID
    sha256: str
    size: int
    modified: datetime


@dataclass
class Strangers:
    """What lies in the place and is no blob of ours: passed over, left alone, and told once."""

    number: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.number += 1
        if len(self.first) < 5:
            self.first.append(name)

    def tell(self) -> None:
        if self.number:
            log.warning("no blobs of ours lie in the storage", number=self.number, first=self.first)


def blob_at(name: str, size: int, modified: datetime) -> Blob | None:
    """`name` is administration/ab/sha256; None for any other."""
    owner, _, rest = name.partition("/")
    shard, _, sha256 = rest.partition("/")
    try:
        administration_id = UUID(owner)
    except ValueError:
        return None
    ours = str(administration_id) == owner and _NAME.fullmatch(sha256) and shard == sha256[:2]
    return Blob(administration_id, sha256, size, modified) if ours else None


class Batch(Protocol):
    """Blobs that are written now and safe after `settle()`: one wait for the disk instead of one for each."""

    def add(self, pieces: Iterable[bytes], sha256: str) -> None:
        """`sha256` is the caller's word: of these very bytes."""

    def adopt(self, path: Path, sha256: str) -> None:
        """Takes the file itself over; the caller must not use it any more."""

    def settle(self) -> None:
        """Returns when everything added is whole, named and safe."""


class Blobs(Protocol):
    """What each place to keep bytes can do; names are checked before they come here."""

    def batch(self, administration_id: UUID) -> AbstractContextManager[Batch]: ...
    def put(self, administration_id: UUID, source: BinaryIO) -> str: ...
    def open(self, administration_id: UUID, sha256: str) -> BinaryIO: ...
    def path_of(self, administration_id: UUID, sha256: str) -> AbstractContextManager[Path]: ...
    def size(self, administration_id: UUID, sha256: str) -> int: ...
    def delete(self, administration_id: UUID, sha256: str, unchanged_since: datetime | None) -> bool: ...
    def erase(self, administration_id: UUID, alive: Callable[[], None]) -> None: ...
    def iterate(self, administration_id: UUID | None) -> Iterator[Blob]: ...
    def sweep_unfinished(self, before: datetime) -> int: ...
    def probe(self) -> None: ...
    def look(self) -> None: ...


@lru_cache(maxsize=4)
def _opened(location: str, data_dir: str) -> Blobs:
    if location.startswith("s3://"):  # boto3 is an optional dependency: requirements-s3.txt
        objects: Blobs = import_string("documents.objectstore.ObjectBlobs")(location)
        return objects
    files: Blobs = import_string("documents.filestore.FileBlobs")(Path(data_dir) / "documents")
    return files


def places() -> list[Blobs]:
    """Where new blobs go; and while documents move, where else they lie."""
    locations = [settings.DOCUMENT_STORAGE, *filter(None, [settings.DOCUMENT_STORAGE_ALSO])]
    return [_opened(location, str(settings.DATA_DIR)) for location in locations]


def names() -> str:
    """Those places, for the operator."""
    locations = [settings.DOCUMENT_STORAGE or "folder", *filter(None, [settings.DOCUMENT_STORAGE_ALSO])]
    return " and ".join(f"{settings.DATA_DIR}/documents" if name == "folder" else name for name in locations)


def _blobs() -> Blobs:
    first, *other = places()
    if not other:
        return first
    both: Blobs = import_string("documents.twoplaces.TwoPlaces")(first, *other)
    return both


def _checked(sha256: str) -> str:
    if not _NAME.fullmatch(sha256):
        raise BlobMissing("not the name of a blob")
    return sha256


def put_file(administration_id: UUID, path: Path) -> str:
    """Copies the file in and returns its SHA-256; the file itself stays the caller's."""
    try:
        with path.open("rb") as source:
            return _blobs().put(administration_id, source)
    except OSError as problem:
        raise StorageProblem.of(problem) from problem


def put_bytes(administration_id: UUID, data: bytes | memoryview) -> str:
    return _blobs().put(administration_id, io.BytesIO(data))


def batch(administration_id: UUID) -> AbstractContextManager[Batch]:
    """What is not settled when the context ends was never there."""
    return _blobs().batch(administration_id)


def open_blob(administration_id: UUID, sha256: str) -> BinaryIO:
    """Raises BlobMissing."""
    return _blobs().open(administration_id, _checked(sha256))


def path_of(administration_id: UUID, sha256: str) -> AbstractContextManager[Path]:
    """A local file with these bytes, to be read only, for as long as the context lasts. Raises BlobMissing."""
    return _blobs().path_of(administration_id, _checked(sha256))


def size(administration_id: UUID, sha256: str) -> int:
    """Raises BlobMissing."""
    return _blobs().size(administration_id, _checked(sha256))


def exists(administration_id: UUID, sha256: str) -> bool:
    try:
        size(administration_id, sha256)
    except BlobMissing:
        return False
    return True


def delete(administration_id: UUID, sha256: str, *, unchanged_since: datetime | None = None) -> bool:
    """Removes a blob, with `unchanged_since` only when nobody wrote it again after that moment."""
    return _blobs().delete(administration_id, _checked(sha256), unchanged_since)


def erase(administration_id: UUID, alive: Callable[[], None]) -> None:
    """Everything that lies under an administration, blobs or not. `alive` is called again and again."""
    _blobs().erase(administration_id, alive)


def iterate(administration_id: UUID | None = None) -> Iterator[Blob]:
    """Every blob of one administration, or of all. What else lies there stops nothing and is told in the log."""
    return _blobs().iterate(administration_id)


def sweep_unfinished(before: datetime) -> int:
    """Removes what interrupted writes left behind; returns how many."""
    return _blobs().sweep_unfinished(before)


def look() -> None:
    """Whether it answers, and leaves it as it is. Raises StorageProblem."""
    _blobs().look()


def probe() -> None:
    """Writes, reads and removes a few bytes in a place of their own. Raises StorageProblem."""
    _blobs().probe()
