"""Content-Transfer-Encoding, with as much patience for damage as the data allows."""

from __future__ import annotations

import binascii
import re
from itertools import islice

import pybase64

from channels.extract.limits import Budget

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_STILL_ENCODED = (b"JVBERi0", b"PD94bWwg", b"UEsDBB", b"/9j/4", b"iVBORw0KGgo")
_LINE = re.compile(rb"[^\n]+")
_MOST_UU_LINES = 1_000_000  # of 45 bytes, as everybody writes them
_UU_NAMES = frozenset(["x-uuencode", "uuencode", "uue", "x-uue"])
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{0,300})\r*\n", re.MULTILINE)
_UU_END = re.compile(rb"^end[ \t]*\r*$", re.MULTILINE)


def decode(data: bytes | memoryview, encoding: str, budget: Budget) -> bytes:
    """The bytes behind an encoding; unknown encodings and 7bit, 8bit, binary as they are."""
    if encoding == "base64":
        return decode_base64(data, budget)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in _UU_NAMES:
        return decode_uu(bytes(data), budget)
    return bytes(data)


def decode_base64(data: bytes | memoryview, budget: Budget) -> bytes:
    try:
        return pybase64.b64decode(data)
    except binascii.Error:
        budget.note("base64_damaged")
    try:
        # Stops at the first complete padding, as the standard library does: what follows is a mailing list's
        # footer, or a second padded piece that it drops too.
        return binascii.a2b_base64(data)
    except binascii.Error:
        pass
    # Cut off. The standard library gives up on 4n+1 characters and returns the text undecoded; the bytes
    # before the lone character are good.
    clean = bytes(data).translate(None, delete=_NOT_BASE64)
    clean = clean[:-1] if len(clean) % 4 == 1 else clean
    return pybase64.b64decode(clean + b"=" * (-len(clean) % 4))


def is_base64(start: bytes) -> bool:
    """Whether decoded data begins as a PDF, XML, ZIP, JPEG or PNG does that is still encoded."""
    return start.lstrip().startswith(_STILL_ENCODED)


def decode_uu(data: bytes, budget: Budget) -> bytes:
    begin = _UU_BEGIN.search(data)
    return _uu_lines(data[begin.end() if begin else 0 :], budget)


def _uu_lines(data: bytes, budget: Budget) -> bytes:
    out = bytearray()
    for match in islice(_LINE.finditer(data), _MOST_UU_LINES):
        line = match[0].rstrip(b"\r")
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders end lines with junk: the first character says how many bytes the line holds.
            used = (((line[0] - 32) & 63) * 4 + 5) // 3
            budget.note("uuencode_damaged")
            try:
                out += binascii.a2b_uu(line[:used])
            except binascii.Error:
                break
    return bytes(out)


def uu_attachments(data: bytes, budget: Budget) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Files that old programs put into the text itself: the text without them, and each name and bytes."""
    found: list[tuple[str, bytes]] = []
    rest: list[bytes] = []
    position = 0
    while begin := _UU_BEGIN.search(data, position):
        end = _UU_END.search(data, begin.end())
        if not end or len(rest) >= budget.limits.parts:
            break
        rest.append(data[position : begin.start()])
        position = end.end()
        if content := _uu_lines(data[begin.end() : end.end()], budget):
            found.append((begin[1].decode("utf-8", "replace"), content))
    return b"".join([*rest, data[position:]]), found
