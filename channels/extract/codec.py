"""Content-Transfer-Encoding, with as much patience for damage as the data allows."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice, pairwise

import pybase64

from channels.extract.limits import Budget
from zenvoices.lib import filetypes
from zenvoices.lib.mail_source import is_mail

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_STILL_ENCODED = (b"JVBERi0", b"PD94bWwg", b"UEsDBB", b"/9j/4", b"iVBORw0KGgo")
_COUNTED, _ROUNDING = 16 * 1024, 16  # bytes
_SHORTEST_URL_SAFE = 64
_URL_SAFE = re.compile(rb"[A-Za-z0-9]*[-_][A-Za-z0-9_-]*={0,2}")
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_PADDED = re.compile(rb"[A-Za-z0-9+/]+={1,2}")
_MOST_PIECES = 500_000  # of a line each in the largest part that is taken
# What letters of the alphabet that are no base64 may be taken for: the mark of a program is two bytes.
_SAYS_NOTHING = frozenset([filetypes.BINARY, filetypes.PROGRAM, "text/plain"])
_ALPHABET = re.compile(rb"[A-Za-z0-9+/]{4,}")
_ARMOURED = re.compile(rb"-----BEGIN (?:PKCS ?#?7|CMS|PKCS7 SIGNED DATA|SIGNED MESSAGE)-----[ \t]*\r*\n")
# RFC 2397: what programs for browsers hand to a mailer without a second thought.
_DATA_URI = re.compile(rb"data:[\w.+-]{1,100}/[\w.+-]{1,100}(?:;[\w=.+\"-]{1,100}){0,9};base64,", re.IGNORECASE)
# Two lines of at least a line's usual length, or all there is.
_ENCODED_START = re.compile(rb"[A-Za-z0-9+/]{60,80}\r*\n(?:[A-Za-z0-9+/]+={0,2}[ \t]*\r*\n?)++|[A-Za-z0-9+/]{200,}")
_FILES = (b"%PDF-", b"PK\x03\x04", b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"<?xml", b"<html", b"<!DOCTYPE")
_LINES_OF_BASE64 = bytes(set(range(256)) - set(_NOT_BASE64)) + b"=_-\r\n"
_NOT_IN_BASE64 = re.compile(rb"[^A-Za-z0-9+/=_\s-]|(?<=\S)[ \t]+(?=\S)")
_SHORTEST_PLAIN = 8
_PIECE = 64 * 1024
_WIDENED = re.compile(rb"=[ \t]+(?=\r*\n)")  # blanks behind a soft line break come from the way (RFC 2045 6.7)
_QUOTED_FILE = re.compile(rb"\s{0,200}(?:=EF=BB=BF)?(?:<\?xml\s[^<>]{0,80}?=3D[\"']|%PDF-\d\.\d(?:=0D)?=0A)")
_LINE = re.compile(rb"[^\n]+")
_MOST_UU_LINES = 1_000_000  # of 45 bytes, as everybody writes them
UU_NAMES = frozenset(["x-uuencode", "uuencode", "uue", "x-uue"])
# With "-base64" behind "begin" (POSIX uuencode -m) the lines are base64, up to "====".
_UU_BEGIN = re.compile(rb"^begin(-base64)? [0-7]{3,4} ([^\r\n]{0,300})\r*\n", re.MULTILINE)
# At least one full line, of which the blanks at its end may be gone.
_UU_CUT_OFF = re.compile(rb"(?:M[ -`]{40,64}[ \t]*+\r*(?:\n|\Z))++(?:[!-L][ -`]{4,64}\r*(?:\n|\Z))?")
_UU_END = re.compile(rb"^end[ \t]*\r*$", re.MULTILINE)
# BinHex 4.0 (RFC 1741) and yEnc, which stay closed: they are told as the files that they are.
_PACKED = re.compile(
    rb"^(?:\(This file must be converted with BinHex[^\r\n]{0,40}\s{1,20}:[!-9@-r\s]{10,}+:?"
    rb"|=ybegin (?:[a-z]{1,9}=\d{1,19} ){1,9}+name=([^\r\n]{1,300})\r*\n)",
    re.MULTILINE,
)
_YENC_END = re.compile(rb"^=yend[^\n]*", re.MULTILINE)
_UU_BASE64_END = re.compile(rb"^====[ \t]*\r*$", re.MULTILINE)


def decode(data: bytes | memoryview, encoding: str, budget: Budget) -> bytes:
    """The bytes behind an encoding; unknown encodings and 7bit, 8bit, binary as they are."""
    if encoding == "base64":
        return decode_base64(data, budget)
    if encoding == "quoted-printable":
        return b"".join(map(_unquoted, _whole_lines(data)))
    if encoding in UU_NAMES:
        return decode_uu(bytes(data), budget)
    return bytes(data)


def _unquoted(lines: bytes) -> bytes:
    return binascii.a2b_qp(_WIDENED.sub(b"=", lines) if b"= " in lines or b"=\t" in lines else lines)


def _whole_lines(data: bytes | memoryview) -> Iterator[bytes]:
    """A little at a time: what a pattern replaces takes many times the memory of what it is given."""
    kept: list[bytes] = []
    for at in range(0, len(data), _PIECE):
        piece = bytes(data[at : at + _PIECE])
        if end := piece.rfind(b"\n") + 1:
            yield b"".join([*kept, piece[:end]])
            kept = []
        kept.append(piece[end:])
    yield b"".join(kept)


def decode_base64(data: bytes | memoryview, budget: Budget) -> bytes:
    """What is damaged may be large too: of its copies no more stay than are needed."""
    try:
        decoded = pybase64.b64decode(data)
        if _is_all(data, decoded):
            return decoded
        del decoded
    except binascii.Error:
        pass
    text = bytes(data).translate(None, delete=b" \t\r\n")
    if len(text) >= _SHORTEST_URL_SAFE and _URL_SAFE.fullmatch(text):
        budget.mend("base64_repaired")
        return _unpadded(text.rstrip(b"=").translate(_FROM_URL_SAFE), budget)
    if pieces := _padded_pieces(text, budget):
        return pieces
    del text
    # The second stops at the first complete padding, as the standard library does: what follows is a mailing list's
    # footer.
    for decoder in (pybase64.b64decode, binascii.a2b_base64):
        try:
            if decoded := decoder(data):
                budget.mend("base64_repaired")
                return decoded
        except binascii.Error:
            pass
    return _unpadded(bytes(data).translate(None, delete=_NOT_BASE64), budget)


def _is_all(data: bytes | memoryview, decoded: bytes) -> bool:
    """Whether nothing but blanks was passed over. Of much data by the length of its first line: counting takes longer
    than decoding."""
    letters = -(-len(decoded) // 3) * 4
    start = bytes(data[:_COUNTED])
    if len(data) == len(start):
        return letters == len(data) - sum(map(start.count, (b"\n", b"\r", b" ", b"\t")))
    line = start.find(b"\n") + 1 or bytes(data).find(b"\n") + 1 or len(data)
    ends = len(data) // line * (line - len(bytes(data[:line]).rstrip()))
    return abs(len(data) - letters - ends) <= _ROUNDING


def _unpadded(clean: bytes, budget: Budget) -> bytes:
    """The standard library gives up on 4n+1 characters and returns the text undecoded; those before are good."""
    if len(clean) % 4 == 1:
        budget.mend("base64_cut")
        clean = clean[:-1]
    elif len(clean) % 4:
        budget.mend("base64_cut" if not budget.mended else "base64_repaired")
    return pybase64.b64decode(clean + b"=" * (-len(clean) % 4))


def _padded_pieces(text: bytes, budget: Budget) -> bytes:
    """Data that was encoded in pieces, each padded, one behind the other; b"" when it was not."""
    ends: list[int] = []
    while len(ends) < _MOST_PIECES and (match := _PADDED.match(text, ends[-1] if ends else 0)):
        if (match.end() - match.start()) % 4:
            break
        ends.append(match.end())
    at = ends[-1] if ends else 0
    whole = at == len(text) or _ALPHABET.fullmatch(text, at)
    if len(ends) < (1 if whole and at < len(text) else 2):
        return b""
    budget.mend("base64_repaired")
    out = bytearray()
    for start, end in pairwise([0, *ends]):
        out += pybase64.b64decode(memoryview(text)[start:end])
    return bytes(out) + (_unpadded(text[at:], budget) if whole else b"")  # else a mailing list's footer


def is_base64(start: bytes) -> bool:
    """Whether decoded data begins as a file of a known type, or a mail, does that is still encoded."""
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(_STILL_ENCODED) or _ARMOURED.match(start) or _DATA_URI.match(start):
        return True
    line = _ENCODED_START.match(start)
    if not line:
        return False
    clean = line[0].translate(None, delete=b" \t\r\n").partition(b"=")[0]  # pieces may each be padded
    decoded = pybase64.b64decode(clean[: len(clean) // 4 * 4])
    return filetypes.sniff(decoded, "", "") not in _SAYS_NOTHING or is_mail(decoded, expected=True)


def unarmoured(data: bytes) -> bytes:
    """Without the lines that PEM (RFC 7468) puts around, or what an address has before its data."""
    if match := _DATA_URI.match(data.lstrip()):
        return data.lstrip()[match.end() :]
    match = _ARMOURED.match(data.lstrip())
    return data.lstrip()[match.end() :].partition(b"-----END")[0] if match else data


def stands_plainly(start: bytes) -> bool:
    """Whether what is called base64 is not: it begins as a file does, or has what no base64 has."""
    text = start.strip()
    if text.startswith(_FILES) or is_mail(start, expected=True):
        return True
    if len(text) < _SHORTEST_PLAIN or not text.translate(None, delete=_LINES_OF_BASE64):
        return False
    return len(_NOT_IN_BASE64.findall(text)) * 10 > len(text)


def is_uu(start: bytes) -> bool:
    """Whether decoded data is a file that an old program encoded besides."""
    begin = _UU_BEGIN.match(start.lstrip())
    return bool(begin and (begin[1] or _UU_CUT_OFF.match(start.lstrip(), begin.end())))


def is_quoted(start: bytes) -> bool:
    """Whether decoded data begins as an XML or PDF file does that is still quoted-printable."""
    return bool(_QUOTED_FILE.match(start))


def decode_uu(data: bytes, budget: Budget) -> bytes:
    begin = _UU_BEGIN.search(data)
    return _uu_lines(data, begin.end() if begin else 0, len(data), budget)


def _uu_lines(data: bytes, start: int, end: int, budget: Budget) -> bytes:
    out = bytearray()
    for match in islice(_LINE.finditer(data, start, end), _MOST_UU_LINES):
        line = match[0].rstrip(b"\r")
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders end lines with junk: the first character says how many bytes the line holds.
            used = (((line[0] - 32) & 63) * 4 + 5) // 3
            budget.mend("uuencode_damaged")
            try:
                out += binascii.a2b_uu(line[:used])
            except binascii.Error:
                break
    return bytes(out)


def uu_attachments(data: bytes, budget: Budget, most: int) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Files that old programs put into the text itself: the text without them, and each name and bytes."""
    found: list[tuple[str, bytes]] = []
    rest: list[bytes] = []
    position, ends = 0, {_UU_END, _UU_BASE64_END}
    while begin := _UU_BEGIN.search(data, position):
        wanted = _UU_BASE64_END if begin[1] else _UU_END
        end = wanted.search(data, begin.end()) if wanted in ends else None
        if not end:
            ends.discard(wanted)  # nor is there one behind any later file
        if end:
            stop, after = end.span()
        elif cut_off := _UU_CUT_OFF.match(data, begin.end()):
            budget.mend("uuencode_damaged")
            stop = after = cut_off.end()
        else:
            break
        if len(rest) >= most:
            break
        rest.append(data[position : begin.start()])
        position = after
        if begin[1]:
            content = decode_base64(memoryview(data)[begin.end() : stop], budget)
        else:
            content = _uu_lines(data, begin.end(), stop, budget)
        if content:
            found.append((begin[2].decode("utf-8", "replace"), content))
    return b"".join([*rest, data[position:]]), found


def packed_attachments(data: bytes, _budget: Budget, most: int) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The same of files that were packed in a way that is not opened here, as they stand."""
    found: list[tuple[str, bytes]] = []
    rest: list[bytes] = []
    position = 0
    while len(found) < most and (begin := _PACKED.search(data, position)):
        rest.append(data[position : begin.start()])
        position = begin.end()
        if begin[1]:
            end = _YENC_END.search(data, position)
            position = end.end() if end else len(data)
        found.append(((begin[1] or b"").decode("utf-8", "replace").strip(), data[begin.start() : position]))
    return b"".join([*rest, data[position:]]), found
