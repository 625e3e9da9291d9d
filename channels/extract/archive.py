"""ZIP archives, listed and unpacked with bounded work. No name in them is used as a path."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise

from channels.extract.limits import Budget
from channels.extract.opened import Entry, Refused
from zenvoices.lib.apart_process import Source, Target
from zenvoices.lib.filetypes import office_kind

_CENTRAL = b"PK\x01\x02"
_CHUNK = 64 * 1024
_RATIO_FROM = 1024 * 1024  # small files of zeros are harmless
# LZMA takes as much memory as the archive asks for.
_METHODS = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])

#: what zipfile raises for a file that is not what it says
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, LookupError, NotImplementedError, OverflowError),
    *(RuntimeError, ValueError),
)


class Archive:
    def __init__(self, source: Source, budget: Budget) -> None:
        """Raises Refused."""
        self._budget = budget
        # zipfile builds an object for each directory entry: count them first.
        listed = source.count(_CENTRAL)
        if listed > 10 * budget.limits.archive_entries or not budget.count_listing(listed):
            raise Refused("archive_bomb")
        try:
            self._zip = zipfile.ZipFile(io.BufferedReader(source))
        except (*_DAMAGE, OSError) as error:
            raise Refused("damaged") from error
        self._files = [(n, info) for n, info in enumerate(self._zip.infolist(), 1) if not info.filename.endswith("/")]

    @property
    def kind(self) -> str:
        """The content type: an office document is a ZIP too."""
        return office_kind({info.filename for _, info in self._files})

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

    def unpack(self, target: Target) -> Iterator[Entry]:
        for number, info in self._files:
            name = _name(info)
            if name.startswith("__MACOSX/") or name.endswith((".DS_Store", "Thumbs.db")):
                continue
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
        if info.compress_type not in _METHODS:
            raise Refused("damaged")
        if info.file_size > _RATIO_FROM and info.file_size > limits.archive_ratio * max(info.compress_size, 1):
            raise Refused("archive_bomb")
        if info.file_size > limits.part:
            raise Refused("too_large")
        try:
            self._unpack(info, target)
        except _DAMAGE as error:
            raise Refused("damaged") from error
        except OSError as error:
            if error.errno is not None:  # of our disk; bz2's has no number
                raise
            raise Refused("damaged") from error

    def _unpack(self, info: zipfile.ZipInfo, target: Target) -> None:
        """Never more than the size the archive claims: zipfile stops there and the checksum then fails."""
        with self._zip.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                if not self._budget.count_unpacked(len(chunk)):
                    raise Refused("archive_bomb")
                target.write(chunk)


def _name(info: zipfile.ZipInfo) -> str:
    """Without the UTF-8 flag zipfile reads code page 437; many write UTF-8 and do not say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
