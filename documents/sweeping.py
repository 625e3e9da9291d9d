"""Takes away bytes that no row needs, and checks the bytes that rows do need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import BinaryIO
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from documents import storage
from documents.models import Document, Email
from zenvoices.lib import bulkheads, database_clock

#: a blob is written before its row: younger ones may still get one
GRACE = timedelta(days=1)
#: the bytes of a deleted document are kept so long, so that deleting by mistake can be mended
DELETED_KEPT = timedelta(days=30)
_CHUNK = 1 << 20


def sweep_blobs() -> int:
    """Removes what no mail and no document names; to be called in `every_administration`. Returns how many.

    One that cannot be removed keeps no other. Raises SomeFailed at the end.
    """
    before = grace_began()

    def remove(blob: tuple[UUID, str]) -> bool:
        administration_id, sha256 = blob
        # Asked again at the last moment; `unchanged_since` spares a blob that somebody writes just now.
        if sha256 in needed(administration_id, [sha256]):
            return False
        return storage.delete(administration_id, sha256, unchanged_since=before)

    return bulkheads.each(list(_orphans(before)), remove)


def sweep_unfinished() -> int:
    """Removes what writes left behind that were interrupted a day ago; returns how many."""
    return storage.sweep_unfinished(grace_began())


def grace_began() -> datetime:
    """By whichever clock is behind: files have their time from this machine's, objects of a bucket from another's."""
    return min(database_clock.now(), timezone.now()) - GRACE


def _orphans(before: datetime) -> Iterator[tuple[UUID, str]]:
    for administration_id, batch in batches(storage.iterate()):
        old = [blob.sha256 for blob in batch if blob.modified < before]
        named = needed(administration_id, old)
        yield from ((administration_id, sha256) for sha256 in old if sha256 not in named)


def batches(lying: Iterable[storage.Blob], most: int = 500) -> Iterator[tuple[UUID, list[storage.Blob]]]:
    """In the order of their administrations, each of one alone."""
    for administration_id, blobs in groupby(lying, key=lambda blob: blob.administration_id):
        batch: list[storage.Blob] = []
        for blob in blobs:
            batch.append(blob)
            if len(batch) == most:
                yield administration_id, batch
                batch = []
        if batch:
            yield administration_id, batch


def needed(administration_id: UUID, names: list[str]) -> set[str]:
    """Those of these hashes that a mail or document names; of what was deleted for a month, or as long as a hold."""
    documents = Document.objects.filter(_kept(), administration_id=administration_id, sha256__in=names)
    emails = Email.objects.filter(administration_id=administration_id, raw_sha256__in=names)
    return set(documents.values_list("sha256", flat=True)) | set(emails.values_list("raw_sha256", flat=True))


def _kept() -> Q:
    """The documents whose bytes are kept."""
    kept = Q(deleted_at=None) | Q(deleted_at__gt=database_clock.now() - DELETED_KEPT)
    return kept | Q(administration__held_since__isnull=False)


@dataclass
class Verdict:
    checked: int = 0
    missing: int = 0
    corrupt: int = 0
    orphans: int = 0

    @property
    def is_sound(self) -> bool:
        return not self.missing and not self.corrupt


@dataclass(frozen=True)
class Finding:
    problem: str
    administration_id: UUID
    sha256: str


def verify(verdict: Verdict) -> Iterator[Finding]:
    """Re-hashes every blob that a row names, counting in `verdict`; to be called in `every_administration`."""
    for administration_id, sha256 in named():
        verdict.checked += 1
        problem = _problem(administration_id, sha256)
        if problem:
            setattr(verdict, problem, getattr(verdict, problem) + 1)
            yield Finding(problem, administration_id, sha256)
    for administration_id, batch in batches(storage.iterate()):
        names = [blob.sha256 for blob in batch]
        for sha256 in set(names) - needed(administration_id, names):
            verdict.orphans += 1
            yield Finding("orphans", administration_id, sha256)


def named() -> Iterator[tuple[UUID, str]]:
    """Every administration and hash that `needed` finds."""
    documents = Document.objects.filter(_kept()).order_by().values_list("administration_id", "sha256")
    emails = Email.objects.order_by().values_list("administration_id", "raw_sha256")
    return documents.union(emails).iterator(chunk_size=2000)


def _problem(administration_id: UUID, sha256: str) -> str:
    try:
        with storage.open_blob(administration_id, sha256) as blob:
            return "" if is_sound(blob, sha256) else "corrupt"
    except storage.BlobMissing:
        return "missing"
    except storage.StorageProblem:
        storage.look()  # raises when it is the storage that fails, and not this file
        return "corrupt"


def is_sound(blob: BinaryIO, sha256: str) -> bool:
    """Reads all of it: whether it can be read, and has this hash."""
    digest = hashlib.sha256()
    try:
        while chunk := blob.read(_CHUNK):
            digest.update(chunk)
    except OSError:  # the disk does not give it back
        return False
    return digest.hexdigest() == sha256
