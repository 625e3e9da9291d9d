"""Two places as one while documents move: what is new goes to the first, what is not there is read from the second.

Whatever is removed is removed from both.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from documents.storage import Batch, Blob, BlobMissing, Blobs


class TwoPlaces:
    def __init__(self, first: Blobs, second: Blobs) -> None:
        self.first, self.second = first, second

    def batch(self, administration_id: UUID) -> AbstractContextManager[Batch]:
        return self.first.batch(administration_id)

    def put(self, administration_id: UUID, source: BinaryIO) -> str:
        return self.first.put(administration_id, source)

    def open(self, administration_id: UUID, sha256: str) -> BinaryIO:
        try:
            return self.first.open(administration_id, sha256)
        except BlobMissing:
            return self.second.open(administration_id, sha256)

    @contextmanager
    def path_of(self, administration_id: UUID, sha256: str) -> Iterator[Path]:
        with ExitStack() as stack:
            try:
                path = stack.enter_context(self.first.path_of(administration_id, sha256))
            except BlobMissing:
                path = stack.enter_context(self.second.path_of(administration_id, sha256))
            yield path

    def size(self, administration_id: UUID, sha256: str) -> int:
        try:
            return self.first.size(administration_id, sha256)
        except BlobMissing:
            return self.second.size(administration_id, sha256)

    def delete(self, administration_id: UUID, sha256: str, unchanged_since: datetime | None) -> bool:
        """In the second first: what is gone there is not copied any more."""
        in_second = self.second.delete(administration_id, sha256, unchanged_since)
        return self.first.delete(administration_id, sha256, unchanged_since) or in_second

    def erase(self, administration_id: UUID, alive: Callable[[], None]) -> None:
        for place in (self.second, self.first):
            place.erase(administration_id, alive)

    def iterate(self, administration_id: UUID | None) -> Iterator[Blob]:
        """Both places go by name. One that lies in both is as young as the younger: the sweep spares it so long."""
        both = heapq.merge(*(place.iterate(administration_id) for place in (self.first, self.second)), key=_name)
        for _, same in groupby(both, key=_name):
            yield max(same, key=lambda blob: blob.modified)

    def sweep_unfinished(self, before: datetime) -> int:
        return self.first.sweep_unfinished(before) + self.second.sweep_unfinished(before)

    def probe(self) -> None:
        for place in (self.first, self.second):
            place.probe()

    def look(self) -> None:
        for place in (self.first, self.second):
            place.look()


def _name(blob: Blob) -> tuple[str, str]:
    return str(blob.administration_id), blob.sha256
