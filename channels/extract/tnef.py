"""winmail.dat: attachments in Microsoft's Transport Neutral Encapsulation Format ([MS-OXTNEF])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import SEEK_END, RawIOBase

from channels.extract.rtf import said
from channels.extract.words import decode_text

_ATTACHMENT_LEVEL = 2
_REND_DATA, _TITLE, _DATA, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_LONG_NAME, _FILE_NAME, _DATA_OBJECT = 0x3707, 0x3704, 0x3701
_STRING8, _UNICODE, _BINARY, _OBJECT = 0x001E, 0x001F, 0x0102, 0x000D
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_MOST_PROPERTIES = 1_000
_MESSAGE_LEVEL, _MESSAGE_BODY, _MESSAGE_PROPERTIES, _CODE_PAGE = 1, 0x800C, 0x9003, 0x9007
_BODY, _HTML, _RTF = 0x1000, 0x1013, 0x1009
_LONGEST_BODY = 4 * 1024 * 1024
_HEADER = 9  # bytes of level, attribute, type and length
_LONGEST_TITLE = 1_000


@dataclass(slots=True)
class Attachment:
    """Its bytes are `data`, or lie in the file."""

    name: str = ""
    data: bytes = b""
    start: int = 0
    size: int = 0


def attachments(file: RawIOBase) -> Iterator[Attachment]:
    """In order; a file that ends early gives what came before. The caller has seen the signature."""
    current: Attachment | None = None
    charset = ""
    for level, attribute, start, size in _attributes(file):
        if attribute == _CODE_PAGE and size >= 4:
            charset = f"cp{struct.unpack('<I', _read(file, start, 4))[0]}"
        if level != _ATTACHMENT_LEVEL:
            continue
        if attribute == _REND_DATA:
            if current is not None:
                yield current
            current = Attachment()
        elif current is not None:
            _apply(current, attribute, file, start, size, charset)
    if current is not None:
        yield current


def message(file: RawIOBase) -> tuple[str, str]:
    """Text of the message and its type, the one that says most first; ("", "") when it has none."""
    plain, html, rtf = "", b"", b""
    for level, attribute, start, size in _attributes(file):
        if level != _MESSAGE_LEVEL or size > _LONGEST_BODY:
            continue
        if attribute == _MESSAGE_BODY:
            plain = decode_text(_read(file, start, size).rstrip(b"\0"))
        elif attribute == _MESSAGE_PROPERTIES:
            found = dict(_properties(_read(file, start, size)))
            plain = found.get(_BODY, b"").decode("utf-8", "replace") or plain
            html, rtf = found.get(_HTML, html), found.get(_RTF, rtf)
    return said(plain, html, rtf)


def _attributes(file: RawIOBase) -> Iterator[tuple[int, int, int, int]]:
    end, position = file.seek(0, SEEK_END), 6
    while position + _HEADER <= end:
        level, attribute, _, size = struct.unpack("<BHHI", _read(file, position, _HEADER))
        start = position + _HEADER
        if start + size > end:
            return
        yield level, attribute, start, size
        position = start + size + 2  # a checksum that some writers get wrong


def _read(file: RawIOBase, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size) or b""


def _apply(attachment: Attachment, attribute: int, file: RawIOBase, start: int, size: int, charset: str) -> None:
    if attribute == _TITLE and not attachment.name:
        attachment.name = decode_text(_read(file, start, min(size, _LONGEST_TITLE)).rstrip(b"\0"), charset)
    elif attribute == _DATA:
        attachment.start, attachment.size = start, size
    elif attribute == _PROPERTIES:
        for tag, content in _properties(_read(file, start, size), charset):
            if tag in (_LONG_NAME, _FILE_NAME) and content and (tag == _LONG_NAME or not attachment.name):
                attachment.name = content.decode("utf-8", "replace")
            elif tag == _DATA_OBJECT and content:  # the plain data is then only a picture of it
                attachment.data = content


def _properties(value: bytes, charset: str = "") -> Iterator[tuple[int, bytes]]:
    """MAPI properties of variable length, texts as UTF-8. Ends quietly when cut off."""
    try:
        count, position = struct.unpack_from("<I", value)[0], 4
        for _ in range(min(count, _MOST_PROPERTIES)):
            kind, tag = struct.unpack_from("<HH", value, position)
            position += 4
            if tag >= 0x8000:
                position = _after_name(value, position)
            many, kind = bool(kind & 0x1000), kind & 0x0FFF
            if kind in _FIXED:
                values = struct.unpack_from("<I", value, position)[0] if many else 1
                position += (4 if many else 0) + values * _FIXED[kind]
                continue
            values, position = struct.unpack_from("<I", value, position)[0], position + 4
            for _ in range(min(values, _MOST_PROPERTIES)):
                length = struct.unpack_from("<I", value, position)[0]
                content = value[position + 4 : position + 4 + length]
                position += 4 + length + -length % 4
                yield tag, _content(kind, content, charset)
    except struct.error:
        return


def _after_name(value: bytes, position: int) -> int:
    """Named properties carry a GUID and a number or a text before their value."""
    by_text, number = struct.unpack_from("<II", value, position + 16)
    return position + 24 + ((number + -number % 4) if by_text else 0)


def _content(kind: int, content: bytes, charset: str) -> bytes:
    if kind == _UNICODE:
        return content.decode("utf-16-le", "replace").rstrip("\0").encode()
    if kind == _STRING8:
        return decode_text(content.rstrip(b"\0"), charset).encode()
    return content[16:] if kind == _OBJECT else content  # behind the interface's GUID
