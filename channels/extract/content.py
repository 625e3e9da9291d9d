"""The bytes of a part, read in pieces: a mail of 50 MB is never in memory as a whole.

Up to _SMALL a part is decoded once and kept; what is larger is decoded each time it is read.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import pybase64

from channels.extract.codec import decode
from channels.extract.limits import Budget
from channels.extract.model import Raw
from zenvoices.lib.apart import Region

_SMALL = 2 * 1024 * 1024
_PIECE = 1024 * 1024
_HEAD = 8 * 1024
_TAIL = 64 * 1024
_ENCRYPT = b"/Encrypt"

Pieces = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Content:
    """`head`: the first 8 KB. `blank`: nothing but white space. `region`: where it lies when it is in a file.

    `may_be_locked`: a PDF that names an encryption, with or without a password. The name stands in the trailer, never
    compressed, at the end or, of one made for the web, at the beginning (ISO 32000-1 7.6.1, annex F).
    """

    size: int
    sha256: str
    head: bytes
    blank: bool
    may_be_locked: bool
    pieces: Pieces
    region: Region | None = None

    def read(self) -> bytes:
        return b"".join(self.pieces())

    def open(self) -> BinaryIO:
        return io.BufferedReader(_Stream(self.pieces, self.size))

    def in_file(self, files: ExitStack) -> Region:
        """In a file without a name, gone when `files` is closed."""
        if self.region:
            return self.region
        file = temporary(files)
        for piece in self.pieces():
            file.write(piece)
        file.flush()
        return Region(file, 0, self.size)

    def mapped(self, files: ExitStack) -> tuple[Raw, int, int]:
        """As something that a mail can be cut from: the bytes, and where this begins and ends in them."""
        if self.size <= _SMALL:
            return self.read(), 0, self.size
        region = self.in_file(files)
        raw = mmap.mmap(region.file.fileno(), region.start + region.size, access=mmap.ACCESS_READ)
        files.callback(raw.close)
        return raw, region.start, region.start + region.size


def temporary(files: ExitStack) -> BinaryIO:
    return files.enter_context(tempfile.TemporaryFile())


def of_bytes(data: bytes) -> Content:
    return _measured(lambda: iter((data,)))


def of_region(region: Region) -> Content:
    return _measured(partial(_read, region), region)


def of_encoded(raw: Raw, start: int, end: int, encoding: str, budget: Budget) -> Content:
    """What a Content-Transfer-Encoding stands for."""
    if end - start > _SMALL:
        if encoding == "base64":
            try:
                return _measured(partial(_base64, raw, start, end))
            except binascii.Error:
                pass  # damaged: mended as a whole
        elif encoding in ("", "7bit", "8bit", "binary"):
            return _measured(partial(windows, raw, start, end))
    with memoryview(raw) as view:
        return of_bytes(decode(view[start:end], encoding, budget))


def windows(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """Copies of one piece after the other; pages of a mapped file that were read are given back."""
    for at in range(start, end, _PIECE):
        stop = min(at + _PIECE, end)
        yield bytes(raw[at:stop])
        give_back(raw, at, stop)


def give_back(raw: Raw, start: int, end: int) -> None:
    """What was read of a mapped file counts as our memory until we say that it may go."""
    if isinstance(raw, mmap.mmap) and end - start >= _PIECE and hasattr(mmap, "MADV_DONTNEED"):
        first = start - start % mmap.PAGESIZE
        raw.madvise(mmap.MADV_DONTNEED, first, end - first)


def _base64(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """Raises binascii.Error for anything but whole groups of the alphabet, padded at most at the very end."""
    kept, padded = b"", False
    for window in windows(raw, start, end):
        text = kept + window.translate(None, delete=b" \t\r\n")
        if padded and text:
            raise binascii.Error("text behind the padding")
        whole = len(text) - len(text) % 4
        kept, padded = text[whole:], padded or text[:whole].endswith(b"=")
        yield pybase64.b64decode(text[:whole], validate=True)
    if kept:
        raise binascii.Error("cut off")


def _read(region: Region) -> Iterator[bytes]:
    for at in range(region.start, region.start + region.size, _PIECE):
        yield os.pread(region.file.fileno(), min(_PIECE, region.start + region.size - at), at)


def _measured(pieces: Pieces, region: Region | None = None) -> Content:
    digest, size, head, tail, blank = hashlib.sha256(), 0, b"", b"", True
    for piece in pieces():
        digest.update(piece)
        size += len(piece)
        head = head if len(head) >= _HEAD else head + piece[: _HEAD - len(head)]
        tail = (tail + piece if len(piece) < _TAIL else piece)[-_TAIL:]
        blank = blank and not piece[:_HEAD].strip() and not piece.strip()
    locked = b"%PDF-" in head and (_ENCRYPT in head or _ENCRYPT in tail)
    return Content(size, digest.hexdigest(), head, blank, locked, pieces, region)


class _Stream(io.RawIOBase):
    """Pieces as a file. Going back means beginning again, so it is for who reads from the beginning to the end."""

    def __init__(self, pieces: Pieces, size: int) -> None:
        self._pieces, self._size, self._at = pieces, size, 0
        self._wind_back()

    def _wind_back(self) -> None:
        self._coming, self._piece, self._passed = self._pieces(), memoryview(b""), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at < self._passed:
            self._wind_back()
        while self._passed + len(self._piece) <= self._at:
            self._passed += len(self._piece)
            piece = next(self._coming, None)
            self._piece = memoryview(piece or b"")
            if piece is None:
                return 0
        found = self._piece[self._at - self._passed :][: len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
