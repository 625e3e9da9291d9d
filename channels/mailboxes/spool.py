"""Mails on their way from the server to the caller: asked for in groups, a file for each mail."""

from __future__ import annotations

import errno
import hashlib
import itertools
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from channels.errors import MessageProblem, channel_error
from channels.mailboxes.base import Fetched, MessageRef, NotFetched
from channels.mailboxes.complete import HEAD, is_complete, is_stand_in

_Result = TypeVar("_Result")
GROUP_BYTES: Final = 1024 * 1024
GROUP_MAILS: Final = 10
UNDER_WAY_BYTES: Final = 32 * 1024 * 1024  # asked for ahead: fills 400 MB/s at 80 ms
UNDER_WAY_GROUPS: Final = 64  # their commands fit into what a busy server's socket takes
CHUNK: Final = 64 * 1024
_NUMBERS: Final = itertools.count()
#: bytes of memory, mails not counted; a UIDL list of half a million mails
LONGEST_ANSWER: Final = 48 * 1024 * 1024
#: what a line takes besides its letters: of two letters each, 32 MB of lines take 430 MB
LINE_COSTS: Final = 48


Group = list[MessageRef]


def groups_of(refs: Sequence[MessageRef]) -> Iterator[Group]:
    """The refs in their order, in groups that are asked for together and that a broken answer may cost."""
    group: Group = []
    weight = 0
    for ref in refs:
        if group and (weight + _weight(ref) > GROUP_BYTES or len(group) == GROUP_MAILS):
            yield group
            group, weight = [], 0
        group.append(ref)
        weight += _weight(ref)
    if group:
        yield group


def under_way(groups: Sequence[Group]) -> int:
    """How many of the next groups to ask for before the first of them is answered: always at least one."""
    weight = 0
    for count, group in enumerate(groups):
        if count and (weight >= UNDER_WAY_BYTES or count == UNDER_WAY_GROUPS):
            return count
        weight += sum(map(_weight, group))
    return len(groups)


def _weight(ref: MessageRef) -> int:
    return 1024 * 1024 if ref.size is None else ref.size


@dataclass(frozen=True, slots=True)
class Spooled:
    """A mail in a file, its SHA-256 and its first bytes. `path` is None when it was over the limit; it is gone then.

    Its length is the number of bytes received, so that imapclient's parser takes it for the literal.
    """

    path: Path | None
    size: int
    sha256: str = ""
    head: bytes = b""

    def __len__(self) -> int:
        return self.size


class Spool:
    """The files of at most `mails`; those without a result are removed at the end.

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
        path, size, head, digest = self._new_path(), 0, b"", hashlib.sha256()
        with _disk(), path.open("xb", buffering=CHUNK) as file:
            for chunk in chunks:
                if size < HEAD:
                    head += chunk[: HEAD - size]
                size += len(chunk)
                if size <= self._largest:
                    digest.update(chunk)
                    file.write(chunk)
        if size > self._largest:
            self._remove(path)
            return Spooled(None, size)
        return Spooled(path, size, digest.hexdigest(), head)

    def result(self, ref: MessageRef, mail: Spooled, stated: int | None = None) -> Fetched | NotFetched:
        """Gives the file to the caller, when all of the mail is in it. `stated`: its size, said along with it."""
        if mail.path is None:
            return NotFetched(ref, MessageProblem("mail_too_large", size=mail.size))
        with _disk():
            whole = is_complete(mail.path, mail.head, mail.size, ref.size or stated)
        if not whole or is_stand_in(mail.head):
            self._remove(mail.path)
            return NotFetched(ref, MessageProblem("mail_withheld" if whole else "mail_cut_off"))
        self._files.discard(mail.path)
        return Fetched(ref, mail.path, mail.sha256)

    def _new_path(self) -> Path:
        path = self._directory / f"{next(_NUMBERS)}.eml"
        self._files.add(path)
        return path

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


def handed_over(waiting: deque[_Result]) -> Generator[_Result, None, None]:
    """Takes the results out one by one; when the caller stops half-way, the files of those left are removed."""
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
