"""tar archives and single files, packed by gzip or bzip2: unpacked with bounded work, in one pass."""

from __future__ import annotations

import bz2
import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO

from channels.extract.limits import Budget
from channels.extract.opened import Entry, Refused
from zenvoices.lib.apart_process import Source, Target
from zenvoices.lib.filetypes import BZIP2, GZIP, TAR, sniff

_CHUNK = 64 * 1024
_DAMAGE = (tarfile.TarError, zlib.error, EOFError, ValueError, LookupError, OverflowError, gzip.BadGzipFile)


class _Counted(io.RawIOBase):
    """What comes out of a compressed file, of which there may be so much."""

    def __init__(self, file: io.BufferedIOBase, most: int) -> None:
        self._file, self._left = file, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._piece(min(len(buffer), _CHUNK))
        self._left -= len(data)
        if self._left < 0:
            raise Refused("archive_bomb")
        buffer[: len(data)] = data
        return len(data)

    def _piece(self, size: int) -> bytes:
        """What stands behind a packed file and is none, such as the end of a line, is passed over, as gzip has it."""
        try:
            return self._file.read1(size)  # read() would lose what it has when what follows is none
        except gzip.BadGzipFile as error:
            if self._file.tell() and str(error).startswith("Not a gzipped file"):
                return b""
            raise


def unpack(source: Source, kind: str, target: Target, budget: Budget) -> Iterator[Entry]:
    """Its files; of a packed single file that one, without a name. Raises Refused."""
    most = budget.limits.unpacked(source.size)
    try:
        plain = io.BufferedReader(_Counted(_opened(source, kind), most), _CHUNK)
        if kind == TAR or sniff(plain.peek(1024)[:1024], "", "") == TAR:
            yield from _files(plain, target, budget)
        else:
            yield _copied(1, "", plain, target, budget)
    except _DAMAGE as error:
        raise Refused("damaged") from error
    except OSError as error:
        if error.errno is not None:  # of our disk; bz2's has no number
            raise
        raise Refused("damaged") from error


def _opened(source: Source, kind: str) -> io.BufferedIOBase:
    buffered = io.BufferedReader(source)
    if kind == GZIP:
        return gzip.GzipFile(fileobj=buffered)
    return bz2.BZ2File(buffered) if kind == BZIP2 else buffered


def _files(plain: io.BufferedReader[_Counted], target: Target, budget: Budget) -> Iterator[Entry]:
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for number, member in enumerate(archive, start=1):
            if not budget.count_listing(1) or number > budget.limits.archive_entries:
                raise Refused("archive_bomb")
            name = posixpath.basename(member.name)
            if not member.isreg() or name.startswith("._") or name == ".DS_Store":
                continue
            if member.size > budget.limits.part:
                yield Entry(number, name, member.size, reason="too_large")
            elif stream := archive.extractfile(member):
                yield _copied(number, name, stream, target, budget)


def _copied(
    number: int, name: str, stream: io.BufferedReader[_Counted] | IO[bytes], target: Target, budget: Budget
) -> Entry:
    at = target.at
    while chunk := stream.read(_CHUNK):
        if not budget.count_unpacked(len(chunk)):
            raise Refused("archive_bomb")
        target.write(chunk)
    size = target.at - at
    return Entry(number, name, size, at, reason="too_large" if size > budget.limits.part else "")
