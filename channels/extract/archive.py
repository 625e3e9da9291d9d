"""ZIP archives, listed and unpacked with bounded work. No name in them is used as a path."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise

from channels.extract.limits import RATIO_FROM, Budget
from channels.extract.opened import Entry, Refused
from zenvoices.lib.apart_process import Source, Target
from zenvoices.lib.packages import ASIC, ZIP_DAMAGE, zip_kind

_CENTRAL = b"PK\x01\x02"
_CHUNK = 64 * 1024
# LZMA takes as much memory as the archive asks for.
_METHODS = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
_DEFLATE64 = 9  # APPNOTE 4.4.5: what Windows makes of files over 2 GB, and of some smaller ones
_LOCAL_HEADER = 30  # bytes before the name (APPNOTE 4.3.7)
_UNICODE_PATH, _BEFORE_PATH = 0x7075, 5
# Of a Dutch, French or German name in Windows-1252: in code page 437 they are Greek and signs, but for the sharp s.
_LETTERS_OF_WINDOWS = frozenset([*range(0x20, 0x7F), *range(0xE0, 0x100)]) - {0xE1}
_SMALL_CHUNK = 4 * 1024  # a thousandfold of it fits in memory


class Archive:
    def __init__(self, source: Source, budget: Budget) -> None:
        """Raises Refused."""
        self._budget = budget
        self._source = source
        # zipfile builds an object for each directory entry: count them first.
        listed = source.count(_CENTRAL)
        if listed > 10 * budget.limits.archive_entries or not budget.count_listing(listed):
            raise Refused("archive_bomb")
        try:
            self._zip = zipfile.ZipFile(io.BufferedReader(source))
        except (*ZIP_DAMAGE, OSError) as error:
            raise Refused("damaged") from error
        self._files = [(n, info) for n, info in enumerate(self._zip.infolist(), 1) if not info.filename.endswith("/")]

    def kind(self, hint: str) -> str:
        """The content type: an office document is a ZIP too."""
        return zip_kind(self._zip, hint)

    def check(self) -> None:
        """Raises Refused when the archive as a whole must not be opened."""
        if len(self._files) > self._budget.limits.archive_entries or self._overlapping():
            raise Refused("archive_bomb")
        if self._files and all(info.flag_bits & 1 for _, info in self._files):
            raise Refused("archive_encrypted")

    def _overlapping(self) -> bool:
        """One compressed stream behind many names: how the best bombs are made."""
        spans = sorted((info.header_offset, info.compress_size) for _, info in self._files)
        return any(at + size > after for (at, size), (after, _) in pairwise(spans))

    def unpack(self, target: Target, kind: str) -> Iterator[Entry]:
        for number, info in self._files:
            name = _name(info)
            if name.startswith("__MACOSX/") or name.endswith((".DS_Store", "Thumbs.db")):
                continue
            if kind == ASIC and (name == "mimetype" or name.startswith("META-INF/")):
                continue
            name = posixpath.basename(name.replace("\\", "/"))
            at = target.at
            try:
                self._write(info, target)
                yield Entry(number, name, target.at - at, at)
            except Refused as refused:
                yield Entry(number, name, info.file_size, reason=refused.reason)

    def _write(self, info: zipfile.ZipInfo, target: Target) -> None:
        limits = self._budget.limits
        if info.flag_bits & 1:
            raise Refused("archive_encrypted")
        if info.compress_type not in _METHODS and info.compress_type != _DEFLATE64:
            raise Refused("packed_unknown")
        if info.file_size > RATIO_FROM and info.file_size > limits.archive_ratio * max(info.compress_size, 1):
            raise Refused("archive_bomb")
        if info.file_size > limits.part:
            raise Refused("too_large")
        try:
            self._unpack(info, target)
        except ZIP_DAMAGE as error:
            raise Refused("damaged") from error
        except OSError as error:
            if error.errno is not None:  # of our disk; bz2's has no number
                raise
            raise Refused("damaged") from error

    def _unpack(self, info: zipfile.ZipInfo, target: Target) -> None:
        """Never more than the size the archive claims: the checksum then fails."""
        if info.compress_type == _DEFLATE64:
            self._count_and_write(_inflated64(self._source, info), target)
            return
        with self._zip.open(info) as stream:
            self._count_and_write(iter(lambda: stream.read(_CHUNK), b""), target)

    def _count_and_write(self, pieces: Iterator[bytes], target: Target) -> None:
        for piece in pieces:
            if not self._budget.count_unpacked(len(piece)):
                raise Refused("archive_bomb")
            target.write(piece)


def _inflated64(source: Source, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """zipfile knows this method by name only. Raises what is in ZIP_DAMAGE."""
    import inflate64  # noqa: PLC0415 (only when an archive needs it)

    source.seek(info.header_offset)
    name, extra = struct.unpack_from("<HH", source.read(_LOCAL_HEADER) or b"", 26)
    source.seek(info.header_offset + _LOCAL_HEADER + name + extra)
    inflater, left, size, checksum = inflate64.Inflater(), info.compress_size, 0, 0
    while left and size < info.file_size and (packed := source.read(min(_SMALL_CHUNK, left))):
        left -= len(packed)
        piece = inflater.inflate(packed)[: info.file_size - size]
        size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        yield piece
    if (size, checksum) != (info.file_size, info.CRC):
        raise zipfile.BadZipFile("not what the archive says")


def _name(info: zipfile.ZipInfo) -> str:
    """Without the UTF-8 flag zipfile reads code page 437; many write UTF-8 and do not say so, or say it apart."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return _name_apart(info) or info.filename
    try:
        data = info.filename.encode("cp437")
        return _name_apart(info) or data.decode("utf-8")
    except UnicodeError:
        return data.decode("cp1252", "replace") if _LETTERS_OF_WINDOWS.issuperset(data) else info.filename


def _name_apart(info: zipfile.ZipInfo) -> str:
    """In a field of its own (APPNOTE 4.6.9), beside one in which its letters are question marks."""
    at, extra = 0, info.extra
    while at + 4 <= len(extra):
        number, size = struct.unpack_from("<HH", extra, at)
        if number == _UNICODE_PATH and size > _BEFORE_PATH:
            return extra[at + 4 + _BEFORE_PATH : at + 4 + size].decode("utf-8", "replace")
        at += 4 + size
    return ""
