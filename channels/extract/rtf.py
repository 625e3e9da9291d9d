"""Rich text as Outlook keeps a message in: unpacked ([MS-OXRTFCP]), and read where it wraps HTML ([MS-OXRTFEX])."""

from __future__ import annotations

import re
import struct

from channels.extract.words import codec_of, decode_text

# What the window of the compression holds before it begins ([MS-OXRTFCP] 2.1.3.1.1).
_WINDOW = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"
_LARGEST = 512 * 1024  # of which more is pictures
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|\r?\n|([^\\{}\r\n]+)|\\", re.IGNORECASE
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore xmlnstbl listtable header footer".split()
)
_BREAKS = {b"par": "\n", b"line": "\n", b"row": "\n", b"tab": "\t", b"cell": " ", b"sect": "\n", b"page": "\n"}
_BREAKS |= {b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d"}
_BREAKS |= {b"bullet": "\u2022", b"endash": "\u2013", b"emdash": "\u2014"}
_DEEPEST = 200


def said(plain: str, html: bytes, rtf: bytes) -> tuple[str, str]:
    """Of the three texts that a message may have, the one to read, and its type."""
    if html.strip():
        return decode_text(html), "text/html"
    if rtf and (text := to_text(decompressed(rtf)))[0].strip():
        return text
    return (plain, "text/plain") if plain.strip() else ("", "")


def decompressed(data: bytes) -> bytes:
    """As much as can be had of it; what is not compressed as it is."""
    if len(data) < 16 or data[8:12] not in (_COMPRESSED, _PLAIN):
        return data if data.startswith(b"{\\rtf") else b""
    size = min(struct.unpack_from("<I", data, 4)[0], _LARGEST)
    return data[16 : 16 + size] if data[8:12] == _PLAIN else _unpacked(data, size)


def _unpacked(data: bytes, size: int) -> bytes:
    """Each control byte tells of eight pieces whether they are a byte, or a stretch of the last 4,096."""
    window, place = bytearray(_WINDOW.ljust(4096, b"\0")), len(_WINDOW)
    out, at = bytearray(), 16
    while at < len(data) and len(out) < size:
        control, at = data[at], at + 1
        for bit in range(8):
            stretch = control >> bit & 1
            if at + stretch >= len(data):
                return bytes(out)
            offset, length = at, 1
            if stretch:
                offset, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2
                if offset == place:  # the end of it
                    return bytes(out)
            for step in range(length):
                byte = window[(offset + step) % 4096] if stretch else data[at]
                window[place] = byte
                place = (place + 1) % 4096
                out.append(byte)
            at += 1 + stretch
    return bytes(out[:size])


def to_text(rtf: bytes) -> tuple[str, str]:
    """The text, and "text/html" when HTML was wrapped in it, else "text/plain"."""
    reader = _Reader(b"\\fromhtml" in rtf[:1024])
    for match in _TOKEN.finditer(rtf[:_LARGEST]):
        reader.take(match)
    reader.flush()
    return "".join(reader.out), "text/html" if reader.wrapped else "text/plain"


class _Reader:
    def __init__(self, wrapped: bool) -> None:
        self.wrapped, self.out = wrapped, list[str]()
        self._pending, self._codec = bytearray(), "cp1252"
        self._skip, self._groups, self._left, self._fallback = False, list[bool](), 0, 1
        self._first = False  # right behind "\\*", which marks what unknown readers skip

    def take(self, match: re.Match[bytes]) -> None:
        word, number, hexadecimal, symbol, brace, text = match.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word.lower(), int(number) if number else None)
        elif hexadecimal:
            self._bytes(bytes.fromhex(hexadecimal.decode()))
        elif symbol == b"*":
            self._first = True
        elif symbol in (b"~", b"_"):
            self._bytes(b" " if symbol == b"~" else b"-")
        elif symbol in (b"\\", b"{", b"}"):
            self._bytes(symbol)
        elif text:
            self._bytes(text)

    def _brace(self, brace: bytes) -> None:
        self._left = 0
        if brace == b"{" and len(self._groups) < _DEEPEST:
            self._groups.append(self._skip)
        elif brace == b"}" and self._groups:
            self._skip = self._groups.pop()

    def _word(self, word: bytes, number: int | None) -> None:
        marked, self._first = self._first, False
        if word == b"ansicpg" and (codec := codec_of(f"cp{number}")):
            self._codec = codec
        elif word == b"uc":
            self._fallback = min(number or 0, 10)
        elif word == b"htmltag":
            self._skip = False
        elif word == b"htmlrtf" and self.wrapped:
            self._skip = number != 0
        elif word in _SKIPPED or marked:
            self._skip = True
        elif word == b"u" and number is not None and not self._skip:
            self.flush()
            self.out.append(chr(number % 0x10000))
            self._left = self._fallback
        elif word in _BREAKS and not self._skip:
            self.flush()
            self.out.append(_BREAKS[word])

    def _bytes(self, data: bytes) -> None:
        self._first = False
        if self._left:  # for readers that know no Unicode
            used = min(self._left, len(data))
            data, self._left = data[used:], self._left - used
        if not self._skip:
            self._pending += data

    def flush(self) -> None:
        self.out.append(self._pending.decode(self._codec, "replace"))
        self._pending.clear()
