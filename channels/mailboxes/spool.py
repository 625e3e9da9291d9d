"""Mails on their way from the server to the caller: batches bounded by bytes, a file for each mail."""

from __future__ import annotations

import errno
import os
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from channels.errors import MessageProblem, channel_error
from channels.mailboxes.base import Fetched, MessageRef, NotFetched

_Result = TypeVar("_Result")
BATCH_BYTES: Final = 8 * 1024 * 1024
BATCH_MAILS: Final = 50
CHUNK: Final = 64 * 1024
LONGEST_ANSWER: Final = 32 * 1024 * 1024  # bytes, mails not counted; a UIDL list of half a million mails


def batches(refs: Sequence[MessageRef]) -> Iterator[Sequence[MessageRef]]:
    """The refs in their order, in groups that a crash may cost. A mail of unknown size counts as 1 MB."""
    batch: list[MessageRef] = []
    weight = 0
    for ref in refs:
        size = 1024 * 1024 if ref.size is None else ref.size
        if batch and (weight + size > BATCH_BYTES or len(batch) == BATCH_MAILS):
            yield batch
            batch, weight = [], 0
        batch.append(ref)
        weight += size
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class Spooled:
    """A mail in a file. `path` is None when it was over the limit; its bytes are gone then.

    Its length is the number of bytes received, so that imapclient's parser takes it for the literal.
    """

    path: Path | None
    size: int

    def __len__(self) -> int:
        return self.size


class Spool:
    """The files of a batch of `mails`; those without a result are removed at the end.

    `largest`: bytes of the largest mail that is kept.
    """

    def __init__(self, directory: Path, largest: int, mails: int = 1) -> None:
        self._directory = directory
        self._largest = largest
        self._left = mails
        self._files: set[Path] = set()

    def write(self, chunks: Iterable[bytes]) -> Spooled:
        """Takes a whole mail in. Over the limit it is read and thrown away: the line stays usable."""
        if self._left == 0:
            raise ValueError("more mails than asked for")  # a server that would fill the disk
        self._left -= 1
        size = 0
        path = self._new_file()
        with _disk(), path.open("wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size <= self._largest:
                    file.write(chunk)
        if size > self._largest:
            self._remove(path)
            return Spooled(None, size)
        return Spooled(path, size)

    def result(self, ref: MessageRef, mail: Spooled) -> Fetched | NotFetched:
        """Gives the file to the caller."""
        if mail.path is None:
            return NotFetched(ref, MessageProblem("mail_too_large", size=mail.size))
        self._files.discard(mail.path)
        return Fetched(ref, mail.path)

    def _new_file(self) -> Path:
        with _disk():
            handle, name = tempfile.mkstemp(dir=self._directory, suffix=".eml")
            os.close(handle)
        self._files.add(Path(name))
        return Path(name)

    def _remove(self, path: Path) -> None:
        self._files.discard(path)
        path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in list(self._files):
            self._remove(path)


@contextmanager
def _disk() -> Iterator[None]:
    """The line raises NetError, so an OSError here is the disk's."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise channel_error("disk_full" if full else "storage_failed") from error


def handed_over(results: Sequence[_Result]) -> Generator[_Result, None, None]:
    """The results one by one; when the caller stops half-way, the files it did not come to are removed."""
    waiting = deque(results)
    try:
        while waiting:
            yield waiting.popleft()
    finally:
        discard(waiting)


def discard(results: Iterable[object]) -> None:
    """Removes the files of results that nobody will come to."""
    for result in results:
        if isinstance(result, Fetched):
            result.path.unlink(missing_ok=True)
