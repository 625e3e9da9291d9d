"""Attachments of a message that Outlook saved as .msg ([MS-OXMSG]), also those of messages inside it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from olefile import OleFileIO
from olefile.olefile import OleFileError

from channels.extract.body import shown_images
from channels.extract.limits import Budget
from channels.extract.ole import NATIVE, embedded
from channels.extract.opened import Entry
from channels.extract.rtf import said
from channels.extract.words import decode_text
from zenvoices.lib.apart_process import Source, Target

_ATTACHMENT = re.compile(r"__attach_version1\.0_#[0-9A-F]{8}", re.IGNORECASE)
_PROPERTIES = "__properties_version1.0"
_DATA, _MESSAGE = "__substg1.0_37010102", "__substg1.0_3701000D"
_LONG_NAME, _SHORT_NAME, _SHOWN_AS, _CONTENT_ID = 0x3707, 0x3704, 0x3001, 0x3712
_BODY, _HTML, _RTF = 0x1000, 0x1013, 0x1009
_HIDDEN, _FLAGS = 0x7FFE000B, 0x37140003
_SHOWN_IN_HTML = 4  # ATT_MHTML_REF
_MOST_HTML = 1024 * 1024
_DEEPEST = 5
#: what olefile raises for a file that is not what it says
DAMAGE = (
    OleFileError,
    struct.error,
    ArithmeticError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)


@dataclass(slots=True)
class _Folder:
    """A storage in the compound file."""

    file: OleFileIO
    path: list[str]

    def child(self, name: str) -> _Folder:
        return _Folder(self.file, [*self.path, name])

    def read(self, name: str, most: int) -> bytes:
        path = [*self.path, name]
        if not self.file.exists(path) or self.file.get_size(path) > most:
            return b""
        data: bytes = self.file.openstream(path).read()
        return data

    def text(self, tag: int) -> str:
        if wide := self.read(f"__substg1.0_{tag:04X}001F", _MOST_HTML):
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return decode_text(self.read(f"__substg1.0_{tag:04X}001E", _MOST_HTML).rstrip(b"\0"))

    def numbers(self) -> dict[int, int]:
        """Properties of a fixed size: entries of 16 bytes behind a header of 8."""
        data = self.read(_PROPERTIES, _MOST_HTML)
        return {
            tag: value & 0xFFFF
            for tag, _, value in struct.iter_unpack("<IIQ", data[8 : 8 + (len(data) - 8) // 16 * 16])
        }


def attachments(source: Source, target: Target, budget: Budget) -> Iterator[Entry]:
    """In order; raises one of DAMAGE when the file cannot be read (further)."""
    _check(source)
    with OleFileIO(source) as file:
        for number, (folder, shown) in enumerate(_found(_Folder(file, []), 0), start=1):
            name = folder.text(_LONG_NAME) or folder.text(_SHORT_NAME) or folder.text(_SHOWN_AS)
            if not file.exists([*folder.path, _DATA]):
                yield from _object(file, [*folder.path, _MESSAGE], number, target, budget)
                continue
            size = file.get_size([*folder.path, _DATA])
            if size > budget.limits.part or not budget.count_unpacked(size):
                yield Entry(number, name, size, reason="too_large")
                continue
            at = target.at
            target.write(folder.read(_DATA, size))
            yield Entry(number, name, target.at - at, at, shown=shown)


def is_message(source: Source) -> bool:
    """Raises one of DAMAGE."""
    _check(source)
    with OleFileIO(source) as file:
        found: bool = file.exists(_PROPERTIES)
        return found


def packed(source: Source, target: Target, budget: Budget) -> Iterator[Entry]:
    """The file in an object that is no message; raises one of DAMAGE."""
    _check(source)
    with OleFileIO(source) as file:
        yield from _object(file, [], 1, target, budget)


def _object(file: OleFileIO, path: list[str], number: int, target: Target, budget: Budget) -> Iterator[Entry]:
    found = embedded(file, path, budget.limits.part)
    if found and budget.count_unpacked(len(found[1])):
        at = target.at
        target.write(found[1])
        yield Entry(number, found[0], target.at - at, at)


def message(source: Source) -> tuple[str, str]:
    """Text of the message and its type; raises one of DAMAGE."""
    _check(source)
    with OleFileIO(source) as file:
        root = _Folder(file, [])
        html = root.read(f"__substg1.0_{_HTML:04X}0102", _MOST_HTML)
        return said(root.text(_BODY), html, root.read(f"__substg1.0_{_RTF:04X}0102", _MOST_HTML))


def _check(source: Source) -> None:
    """olefile believes the header: sectors of terabytes, and more tables of them than the file has sectors."""
    source.seek(0)
    header = source.read(512) or b""
    sector, small, tables = struct.unpack_from("<HH10xI", header, 30)  # [MS-CFB] 2.2
    if sector not in (9, 12) or small != 6 or tables > source.size >> sector:
        raise ValueError("no compound file")
    source.seek(0)


def _found(message: _Folder, depth: int) -> Iterator[tuple[_Folder, bool]]:
    """Each attachment with bytes, and whether the message's text shows it."""
    html = message.read(f"__substg1.0_{_HTML:04X}0102", _MOST_HTML)
    shown = shown_images(decode_text(html))
    level = len(message.path) + 1
    names = {path[level - 1] for path in message.file.listdir() if path[: level - 1] == message.path}
    for name in sorted(name for name in names if _ATTACHMENT.fullmatch(name)):
        folder = message.child(name)
        if message.file.exists([*folder.path, _DATA]):
            yield folder, _is_shown(folder, shown)
        elif message.file.exists([*folder.path, _MESSAGE, NATIVE]):
            yield folder, False
        elif depth < _DEEPEST and message.file.exists([*folder.path, _MESSAGE]):
            yield from _found(folder.child(_MESSAGE), depth + 1)


def _is_shown(folder: _Folder, shown: set[str]) -> bool:
    numbers = folder.numbers()
    by_flags = bool(numbers.get(_HIDDEN) or numbers.get(_FLAGS, 0) & _SHOWN_IN_HTML)
    return by_flags or folder.text(_CONTENT_ID).strip("<> ").lower() in shown
