"""winmail.dat: attachments in Microsoft's Transport Neutral Encapsulation Format ([MS-OXTNEF])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.extract.words import decode_text

_ATTACHMENT_LEVEL = 2
_REND_DATA, _TITLE, _DATA, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_LONG_NAME, _FILE_NAME, _DATA_OBJECT = 0x3707, 0x3704, 0x3701
_STRING8, _UNICODE, _BINARY, _OBJECT = 0x001E, 0x001F, 0x0102, 0x000D
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_MOST_PROPERTIES = 1_000


@dataclass(slots=True)
class Attachment:
    name: str = ""
    data: memoryview = field(default_factory=lambda: memoryview(b""))


def attachments(data: memoryview) -> Iterator[Attachment]:
    """In order; data that ends early gives what came before. The caller has seen the signature."""
    current: Attachment | None = None
    for level, attribute, start, length in _attributes(data):
        if level != _ATTACHMENT_LEVEL:
            continue
        if attribute == _REND_DATA:
            if current is not None:
                yield current
            current = Attachment()
        elif current is not None:
            _apply(current, attribute, data[start : start + length])
    if current is not None:
        yield current


def _attributes(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    position = 6
    while position + 9 <= len(data):
        level, attribute, _, length = struct.unpack_from("<BHHI", data, position)
        start = position + 9
        if start + length > len(data):
            return
        yield level, attribute, start, length
        position = start + length + 2  # a checksum that some writers get wrong


def _apply(attachment: Attachment, attribute: int, value: memoryview) -> None:
    if attribute == _TITLE and not attachment.name:
        attachment.name = decode_text(bytes(value).rstrip(b"\0"))
    elif attribute == _DATA:
        attachment.data = value
    elif attribute == _PROPERTIES:
        for tag, content in _properties(value):
            if tag in (_LONG_NAME, _FILE_NAME) and content and (tag == _LONG_NAME or not attachment.name):
                attachment.name = bytes(content).decode("utf-8", "replace")
            elif tag == _DATA_OBJECT and content:  # the plain data is then only a picture of it
                attachment.data = content


def _properties(value: memoryview) -> Iterator[tuple[int, memoryview]]:
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
                yield tag, _content(kind, content)
    except struct.error:
        return


def _after_name(value: memoryview, position: int) -> int:
    """Named properties carry a GUID and a number or a text before their value."""
    by_text, number = struct.unpack_from("<II", value, position + 16)
    return position + 24 + ((number + -number % 4) if by_text else 0)


def _content(kind: int, content: memoryview) -> memoryview:
    if kind == _UNICODE:
        return memoryview(bytes(content).decode("utf-16-le", "replace").rstrip("\0").encode())
    if kind == _STRING8:
        return memoryview(decode_text(bytes(content).rstrip(b"\0")).encode())
    return content[16:] if kind == _OBJECT else content  # behind the interface's GUID
