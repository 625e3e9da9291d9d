"""The bytes of a part, read in pieces: a mail of 50 MB is never in memory as a whole.

Up to _SMALL a part is decoded once and kept; a larger one is decoded once into a file, or read where it lies.
"""

from __future__ import annotations

import binascii
import hashlib
import mmap
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pybase64

from channels.extract.codec import INNER_BLANK, decode, decoded
from channels.extract.limits import Budget
from channels.extract.model import Raw
from channels.extract.windows import PIECE, give_back, windows
from zenvoices.lib.apart import Region

_SMALL = 2 * 1024 * 1024
AS_IT_STANDS = frozenset(["", "7bit", "8bit", "binary"])
_HEAD = 8 * 1024
_TAIL = 64 * 1024
_ENCRYPT = b"/Encrypt"

Pieces = Callable[[], Iterator[bytes]]


class Scratch(ExitStack):
    """What is needed while one mail is read, in `directory`; gone at the end."""

    def __init__(self, directory: Path | None) -> None:
        super().__init__()
        self._directory = directory
        self._in_memory = 0
        self._shelf: BinaryIO | None = None

    def file(self) -> BinaryIO:
        """Without a name."""
        return self.enter_context(tempfile.TemporaryFile(dir=self._directory))

    def path(self) -> Path:
        """For a file with a name, which may be taken away before the end."""
        path = Path(self._directory or tempfile.gettempdir(), uuid4().hex)
        self.callback(path.unlink, missing_ok=True)
        return path

    def kept(self, content: Content) -> Content:
        """One of many that stay until the end: those beyond _SMALL together lie in one file."""
        self._in_memory += 0 if content.region else content.size
        if content.region or self._in_memory <= _SMALL:
            return content
        self._shelf = self._shelf or self.file()
        region = Region(self._shelf, self._shelf.tell(), content.size)
        self._shelf.writelines(content.pieces())
        self._shelf.flush()
        return replace(content, pieces=partial(_read, region), region=region)


@dataclass(frozen=True, slots=True)
class Content:
    """`head`: the first 8 KB. `blank`: nothing but white space. `region`: where it lies when it is in a file.

    `may_be_locked`: a PDF that names an encryption, with or without a password. The name stands in the trailer, never
    compressed, at the end or, of one made for the web, at the beginning (ISO 32000-1 7.6.1, annex F).
    `ended`: not a PDF whose end is missing.
    `path`: a file of these bytes and nothing else, which who keeps them may take away.
    """

    size: int
    sha256: str
    head: bytes
    blank: bool
    may_be_locked: bool
    ended: bool
    pieces: Pieces
    region: Region | None = None
    path: Path | None = None

    def read(self) -> bytes:
        return b"".join(self.pieces())

    def in_file(self, scratch: Scratch) -> Region:
        """In a file without a name, unless it lies in one already."""
        if self.region:
            return self.region
        file = scratch.file()
        file.writelines(self.pieces())
        file.flush()
        return Region(file, 0, self.size)

    def mapped(self, scratch: Scratch) -> tuple[Raw, int, int]:
        """As something that a mail can be cut from: the bytes, and where this begins and ends in them."""
        if self.size <= _SMALL:
            return self.read(), 0, self.size
        region = self.in_file(scratch)
        raw = mmap.mmap(region.file.fileno(), region.start + region.size, access=mmap.ACCESS_READ)
        scratch.callback(raw.close)
        return raw, region.start, region.start + region.size


def of_bytes(data: bytes) -> Content:
    return _measured(lambda: iter((data,)))


def of_part(raw: Raw, start: int, end: int) -> Content:
    """Of what lies there as it is, without a copy."""
    return _measured(partial(windows, raw, start, end))


def of_region(region: Region) -> Content:
    return _measured(partial(_read, region), region)


def of_encoded(raw: Raw, start: int, end: int, encoding: str, budget: Budget, scratch: Scratch) -> Content:
    """What a Content-Transfer-Encoding stands for."""
    if end - start <= _SMALL:
        return of_bytes(_decoded_whole(raw, start, end, encoding, budget))
    pieces = partial(windows, raw, start, end)
    if encoding == "base64":
        try:
            return of_pieces(_base64(pieces()), scratch)
        except binascii.Error:
            pass  # damaged
    again = decoded(raw, start, end, encoding, budget)
    return _measured(pieces) if again is None else of_pieces(again, scratch)


def plainly(raw: Raw, start: int, end: int, encoding: str, budget: Budget, scratch: Scratch) -> tuple[Raw, int, int]:
    """The same as something that can be searched: the bytes, and where this begins and ends in them."""
    if end - start > _SMALL and encoding in AS_IT_STANDS:
        return raw, start, end
    if end - start > _SMALL:
        return of_encoded(raw, start, end, encoding, budget, scratch).mapped(scratch)
    data = _decoded_whole(raw, start, end, encoding, budget)
    return data, 0, len(data)


def _decoded_whole(raw: Raw, start: int, end: int, encoding: str, budget: Budget) -> bytes:
    with memoryview(raw) as view:
        data = decode(view[start:end], encoding, budget)
    give_back(raw, start, end)
    return data


def _base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Raises binascii.Error for anything but whole groups of the alphabet, padded at most at the very end."""
    kept, padded = b"", False
    for window in pieces:
        if b" " in window and INNER_BLANK.search(window):
            raise binascii.Error("blanks in a line, which may have been letters")
        text = kept + window.translate(None, delete=b" \t\r\n")
        if padded and text:
            raise binascii.Error("text behind the padding")
        whole = len(text) - len(text) % 4
        kept, padded = text[whole:], padded or text[:whole].endswith(b"=")
        yield pybase64.b64decode(text[:whole], validate=True)
    if kept:
        raise binascii.Error("cut off")


def _read(region: Region) -> Iterator[bytes]:
    for at in range(region.start, region.start + region.size, PIECE):
        yield os.pread(region.file.fileno(), min(PIECE, region.start + region.size - at), at)


def of_pieces(pieces: Iterable[bytes], scratch: Scratch) -> Content:
    """In a file, hashed and written as they come. A second thread gains nothing: decoding keeps the interpreter."""
    look, path = _Look(), scratch.path()
    with path.open("xb") as file:
        for piece in pieces:
            look.at(piece)
            file.write(piece)
    region = Region(scratch.enter_context(path.open("rb")), 0, look.size)
    return look.content(partial(_read, region), region, path)


def _measured(pieces: Pieces, region: Region | None = None) -> Content:
    look = _Look()
    for piece in pieces():
        look.at(piece)
    return look.content(pieces, region)


class _Look:
    """What is to be known of bytes that pass by once."""

    def __init__(self) -> None:
        self.size, self._head, self._tail, self._blank = 0, b"", b"", True
        self._digest = hashlib.sha256()

    def at(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)
        if len(self._head) < _HEAD:
            self._head += piece[: _HEAD - len(self._head)]
        self._tail = piece[-_TAIL:] if len(piece) >= _TAIL else (self._tail + piece)[-_TAIL:]
        self._blank = self._blank and not piece[:_HEAD].strip() and not piece.strip()

    def content(self, pieces: Pieces, region: Region | None = None, path: Path | None = None) -> Content:
        head, sha256 = self._head, self._digest.hexdigest()
        pdf = b"%PDF-" in head
        # Backwards: what is looked for stands at the very end, and this way takes less than half as long.
        locked = pdf and (_ENCRYPT in head or self._tail.rfind(_ENCRYPT) >= 0)
        ended = not pdf or self._tail.rfind(b"%%EOF") >= 0
        return Content(self.size, sha256, head, self._blank, locked, ended, pieces, region, path)
