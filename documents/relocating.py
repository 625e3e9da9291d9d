"""Moves the bytes from one storage to another while the portal runs (`move_storage`).

DOCUMENT_STORAGE is where they go and DOCUMENT_STORAGE_ALSO where they come from; `twoplaces` reads both meanwhile. A
blob is written whole or not at all, and each run looks at every one again, so the command may be killed at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import structlog

from documents import sweeping
from documents.storage import BlobMissing, Blobs, StorageProblem

log = structlog.get_logger(__name__)


@dataclass
class Moved:
    """`there`: copied before. `missing`: named by a row, in neither place. `corrupt`: not what its name says."""

    copied: int = 0
    there: int = 0
    bytes: int = 0
    missing: int = 0
    corrupt: int = 0

    @property
    def is_complete(self) -> bool:
        return not self.missing and not self.corrupt


def move(to: Blobs, source: Blobs) -> Moved:
    """Copies what a row names, and what is so young that one may follow; to be called in `every_administration`.

    What lies there else is for the sweep. Raises StorageProblem when one of the places fails.
    """
    moved, corrupt = Moved(), set[tuple[UUID, str]]()
    for administration_id, names in _bundles(source):
        for sha256 in names:
            if not _move(administration_id, sha256, to, source, moved):
                corrupt.add((administration_id, sha256))
        log.info("documents move", copied=moved.copied, there=moved.there, bytes=moved.bytes)
    # Not in the list that the source gave: new, written by a process that knew the old settings only, or lost.
    for administration_id, sha256 in sweeping.named():
        if (administration_id, sha256) not in corrupt and not _has(to, administration_id, sha256):
            _move(administration_id, sha256, to, source, moved)
    return moved


def _bundles(source: Blobs) -> Iterator[tuple[UUID, list[str]]]:
    for administration_id, blobs in sweeping.batches(source.iterate(None)):
        named, since = sweeping.needed(administration_id, [blob.sha256 for blob in blobs]), sweeping.grace_began()
        yield administration_id, [blob.sha256 for blob in blobs if blob.sha256 in named or blob.modified > since]


def _has(place: Blobs, administration_id: UUID, sha256: str) -> bool:
    try:
        return place.size(administration_id, sha256) >= 0
    except BlobMissing:
        return False


def _move(administration_id: UUID, sha256: str, to: Blobs, source: Blobs, moved: Moved) -> bool:
    """False where the source has other bytes under this name."""
    if _has(to, administration_id, sha256) and _sound(to, administration_id, sha256) is not None:
        moved.there += 1
        return True
    try:
        size = _copy(administration_id, sha256, to, source)
    except BlobMissing:
        if sweeping.needed(administration_id, [sha256]):  # else removed meanwhile
            moved.missing += 1
            log.error("named by a row, and in neither storage", administration=str(administration_id), sha256=sha256)
        return True
    if size is None:
        moved.corrupt += 1
        log.error("not what its name says", administration=str(administration_id), sha256=sha256)
        return False
    moved.copied += 1
    moved.bytes += size
    return True


def _copy(administration_id: UUID, sha256: str, to: Blobs, source: Blobs) -> int | None:
    """The size, when what was read back from its new place has this hash; None when the source has other bytes."""
    if _sound(source, administration_id, sha256) is None:
        return None
    # Other bytes of that size under that name would stay: a place does not write what it seems to have.
    to.delete(administration_id, sha256, None)
    with source.open(administration_id, sha256) as blob:
        to.put(administration_id, blob)
    size = _sound(to, administration_id, sha256)
    if size is None:
        raise StorageProblem("storage_failed")
    return size


def _sound(place: Blobs, administration_id: UUID, sha256: str) -> int | None:
    """The size of what lies there under this name; None when it cannot be read or has another hash."""
    try:
        with place.open(administration_id, sha256) as blob:
            return blob.tell() if sweeping.is_sound(blob, sha256) else None
    except StorageProblem:
        place.look()  # raises when it is the place that fails, and not this file
        return None
