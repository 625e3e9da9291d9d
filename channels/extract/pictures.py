"""Whether a picture is decoration: small in pixels and in bytes. A photographed receipt is neither."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from channels.extract.content import Content
from zenvoices.lib.filenames import DOCUMENTS

_READ = 256 * 1024  # a JPEG tells its size behind a preview of at most 64 KB and what cameras add
_SMALL_BYTES, _SMALL_PIXELS = 16 * 1024, 40_000  # a logo of 200 by 200
_LARGE_BYTES, _LARGE_PIXELS = 40 * 1024, 400_000
_PHOTO_BYTES = 300 * 1024  # of a picture whose pixels are not told
_BANNER = 2.5  # so many times wider than high
_SPARE_PIXELS, _SPARE_BYTES = 50_000, 20 * 1024
_MOST_SEGMENTS = 500
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """Width and height are 0 when they are not told. `fax`: a TIFF, which nobody decorates a mail with."""

    size: int
    width: int
    height: int
    fax: bool = False

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def page(self) -> bool:
        """Upright and at least as large as a page at 50 dots per inch: a sparse one has few bytes."""
        return self.width >= 400 and self.height >= 560 and self.height >= 1.15 * self.width

    @property
    def large(self) -> bool:
        """Also when the text shows it."""
        if self.fax or self.page:
            return True
        if not self.pixels:
            return self.size >= _PHOTO_BYTES
        if self.width > _BANNER * self.height and self.size < _PHOTO_BYTES:
            return False
        return self.pixels >= _LARGE_PIXELS and self.size >= _LARGE_BYTES

    @property
    def small(self) -> bool:
        if self.fax or self.page or self.pixels >= _LARGE_PIXELS:
            return False
        return self.size <= _SMALL_BYTES or (0 < self.pixels <= _SMALL_PIXELS and self.size <= 4 * _SMALL_BYTES)

    @property
    def spare(self) -> bool:
        """Large enough to be what a mail without a document is about."""
        return self.pixels >= _SPARE_PIXELS or (not self.pixels and self.size >= _SPARE_BYTES)


def picture(content: Content, kind: str) -> Picture:
    width, height = _dimensions(content, kind)
    return Picture(content.size, width, height, kind == "image/tiff")


def may_be_document(kind: str) -> bool:
    return kind.startswith("image/") and kind in DOCUMENTS


def _dimensions(content: Content, kind: str) -> tuple[int, int]:
    head = content.head
    try:
        if kind == "image/png":
            return _pair(">II", head, 16)
        if kind == "image/gif":
            return _pair("<HH", head, 6)
        if kind == "image/bmp":
            width, height = _pair("<ii", head, 18)
            return abs(width), abs(height)
        if kind == "image/jpeg":
            return _jpeg(_start(content))
        if kind == "image/webp":
            return _webp(head)
    except struct.error:
        pass
    return 0, 0


def _pair(layout: str, data: bytes, at: int) -> tuple[int, int]:
    width, height = struct.unpack_from(layout, data, at)
    return width, height


def _start(content: Content) -> bytes:
    if content.size <= len(content.head):
        return content.head
    data = b""
    for piece in content.pieces():
        data += piece
        if len(data) >= _READ:
            break
    return data


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if at + 9 > len(data) or data[at] != 0xFF:
            break
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker in _START_OF_FRAME:
            height, width = _pair(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if length < 2:
            break
        at += 2 + length
    return 0, 0


def _webp(head: bytes) -> tuple[int, int]:
    if head[12:16] == b"VP8 ":
        width, height = _pair("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if head[12:16] == b"VP8L":
        bits = struct.unpack_from("<I", head, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    return 0, 0
