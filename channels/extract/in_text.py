"""Files that stand in a text itself: what old programs put there, and what is pasted into a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from channels.extract.codec import UU_BEGIN
from channels.extract.content import Content, Scratch, of_encoded, of_pieces
from channels.extract.limits import Budget
from channels.extract.model import Raw
from channels.extract.windows import give_back, run_end, search, windows
from channels.extract.words import decode_text

_UU_END = re.compile(rb"^end[ \t]{0,200}\r{0,9}$", re.MULTILINE)
_UU_BASE64_END = re.compile(rb"^====[ \t]{0,200}\r{0,9}$", re.MULTILINE)
# At least one full line, of which the blanks at its end may be gone; then one that is not full.
_UU_FULL_LINES = re.compile(rb"(?:M[ -`]{40,64}[ \t]*+\r*\n)++")
_UU_LAST_LINES = re.compile(rb"(M[ -`]{40,64}[ \t]*+\r*\Z)?(?:[!-L][ -`]{4,64}\r*(?:\n|\Z))?")
_LINES_AT_ONCE = 128 * 1024  # bytes
# BinHex 4.0 (RFC 1741) and yEnc, which stay closed: they are told as the files that they are.
_PACKED = re.compile(
    rb"^(?:\(This file must be converted with BinHex[^\r\n]{0,40}\s{1,20}:(?=[!-9@-r\s]{10})"
    rb"|=ybegin (?:[a-z]{1,9}=\d{1,19} ){1,9}+name=([^\r\n]{1,300})\r*\n)",
    re.MULTILINE,
)
_BINHEX = bytes([*range(0x21, 0x3A), *range(0x40, 0x73)]) + b" \t\n\r\f\v"
_YENC_END = re.compile(rb"^=yend[^\n]{0,1000}", re.MULTILINE)
# RFC 2397: a photo that was pasted into a page, or a PDF behind its link. A logo stays where it is. What is long is
# bounded by characters that do not stand in what is before it, so that a hostile page costs no more than its length.
_DATA = re.compile(rb"data:")
_PASTED = re.compile(
    rb"data:(?:(image/[\w.+-]{1,40}|application/pdf)|[\w.+-]{1,40}/[\w.+-]{1,80})((?:;[\w.=+%-]{1,60}){0,4});base64,"
    rb"(?(1)|(?=JVBERi0|PD94bWwg|UEsDB))(?=[A-Za-z0-9+/=%\s]{100})",
    re.IGNORECASE,
)
_NAMED_IN_ADDRESS = re.compile(rb";(?:file)?name=([^;,]{1,60})", re.IGNORECASE)
_DOWNLOAD = re.compile(rb"\bdownload\s?=\s?[\"']([^\"'<>]{1,200})[\"'][^<>]{0,200}\Z", re.IGNORECASE)
_BEFORE = 500  # bytes in which that stands
#: a mail that is shown as it came: a bounce, or who asks what is wrong with it
SHOWN = re.compile(rb"^(?:received|return-path|message-id)[ \t]*:", re.MULTILINE | re.IGNORECASE)
# A PDF, ZIP or XML of which a program sent the letters in the text, with or without the headers of a part above.
_LOOSE = re.compile(
    rb"^(?:JVBERi0|UEsDBB|PD94bWwg)[A-Za-z0-9+/]{50,400}(?=[ \t]{0,9}\r{0,9}$|[A-Za-z0-9+/])", re.MULTILINE
)
_NAMED_ABOVE = re.compile(
    rb"name=\"?([^\"\r\n;]{1,200})\"?[^\n]{0,200}\n(?:[\w-]{2,40}:[^\n]{0,200}\n|[ \t][^\n]{0,200}\n){0,9}\s*\Z",
    re.IGNORECASE,
)
_END_OF_LOOSE = re.compile(rb"[A-Za-z0-9+/]{0,400}={0,2}[ \t]{0,9}\r{0,9}(?=\n|\Z)")
_PASTED_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=% \t\n\r\f\v"
_SMALLEST_PHOTO = 27_000  # letters of base64 for 20 KB
# RFC 5545 3.8.1.1. A long line goes on in the next, behind a blank (3.1).
_ATTACH = re.compile(
    rb"^ATTACH(?=;)((?:[^\"\r\n:]|\"[^\"\r\n]{0,300}\"|\r*\n[ \t]){0,1500}+):", re.MULTILINE | re.IGNORECASE
)
_IN_BASE64 = re.compile(rb";ENCODING=\"?(?:BASE64|B)\b", re.IGNORECASE)
_CALLED = re.compile(rb";(?:X-)?(?:\w{1,20}-)?FILENAME=(?:\"([^\"]*)\"|([^;]*))", re.IGNORECASE)
_MOST_ADDRESSES = 10_000
_FOLD = re.compile(rb"\r*\n[ \t]")
_NEXT_PROPERTY = re.compile(rb"\n(?=[A-Za-z-]{1,60}[:;])")  # also behind data of which the lines are not folded
_PERCENT = re.compile(rb"%")
_LINE_END = re.compile(rb"\n")


@dataclass(frozen=True, slots=True)
class Inside:
    """A file, by where it lies in a text. `address`: of one that was pasted into a page, where that shows it now."""

    name: str
    raw: Raw
    start: int
    end: int
    encoding: str
    address: str = ""

    def content(self, budget: Budget, scratch: Scratch) -> Content:
        raw, start, end = self.raw, self.start, self.end
        if self.address and search(_PERCENT, raw, start, end):
            raw, start, end = of_pieces(_unescaped(windows(raw, start, end)), scratch).mapped(scratch)
        return of_encoded(raw, start, end, self.encoding, budget, scratch)


class Hit(NamedTuple):
    """What stands between `start` and `end`; without a file it stays there."""

    start: int
    end: int
    inside: Inside | None


Find = Callable[[Raw, int, int], Hit | None]
#: of a text: where it lies, or what now stands there
Stretch = tuple[int, int] | bytes


def taken_out(raw: Raw, text: list[Stretch], find: Find, most: int) -> tuple[list[Stretch], list[Inside]]:
    """At most so many files out of a text: what is left of it, and the files."""
    rest: list[Stretch] = []
    hits: list[Hit] = []
    for stretch in text:
        if isinstance(stretch, bytes):
            rest.append(stretch)
            continue
        start, end = stretch
        while len(hits) < most and (hit := find(raw, start, end)):
            hits.append(hit)
            rest.append((start, hit.start if hit.inside else hit.end))
            if hit.inside and hit.inside.address:
                rest.append(b"cid:" + hit.inside.address.encode())
            start = hit.end
        rest.append((start, end))
    return rest, [hit.inside for hit in hits if hit.inside]


def beginning(raw: Raw, text: list[Stretch], size: int) -> bytes:
    """The first bytes of what is left of a text."""
    out = b""
    for stretch in text:
        if len(out) >= size:
            break
        if isinstance(stretch, bytes):
            out += stretch
        else:
            start, end = stretch
            out += raw[start : min(end, start + size - len(out))]
            give_back(raw, start, min(end, start + size))
    return out


def uu_files(budget: Budget) -> Find:
    """Files that old programs put into the text itself."""
    endings = {_UU_END, _UU_BASE64_END}

    def find(raw: Raw, start: int, end: int) -> Hit | None:
        begin = search(UU_BEGIN, raw, start, end)
        if not begin:
            return None
        wanted = _UU_BASE64_END if begin[1] else _UU_END
        last = search(wanted, raw, begin.end(), end) if wanted in endings else None
        if last:
            stop, after = last.span()
        else:
            endings.discard(wanted)  # nor is there one behind any later file
            stop = after = _cut_off(raw, begin.end(), end)
            if after == begin.end():
                return None
            budget.note("uuencode_damaged")
        name = decode_text(begin[2])
        encoding, at = ("base64", begin.end()) if begin[1] else ("x-uuencode", begin.start())
        return Hit(begin.start(), after, Inside(name, raw, at, stop, encoding))

    return find


def _cut_off(raw: Raw, start: int, end: int) -> int:
    """Where the lines of a file without an end stop; `start` when there is no full one."""
    at = start
    while lines := _UU_FULL_LINES.match(raw, at, min(at + _LINES_AT_ONCE, end)):
        give_back(raw, at, lines.end())
        at = lines.end()
    last = _UU_LAST_LINES.match(raw, at, end)
    return last.end() if last and (at > start or last[1]) else at


def packed_files(raw: Raw, start: int, end: int) -> Hit | None:
    """Those that were packed in a way that is not opened here, as they stand."""
    begin = search(_PACKED, raw, start, end)
    if not begin:
        return None
    if begin[1]:
        last = search(_YENC_END, raw, begin.end(), end)
        stop = last.end() if last else end
    else:
        stop = run_end(raw, begin.end(), end, _BINHEX)
        stop += raw[stop : min(stop + 1, end)] == b":"
    name = decode_text(begin[1] or b"").strip()
    return Hit(begin.start(), stop, Inside(name, raw, begin.start(), stop, ""))


def loose_files(raw: Raw, start: int, end: int) -> Hit | None:
    """Those that stand there in base64, as they are."""
    begin = search(_LOOSE, raw, start, end)
    if not begin or SHOWN.search(bytes(raw[start : min(begin.start(), start + _LINES_AT_ONCE)])):
        return None
    line = search(_LINE_END, raw, begin.start(), end)
    width = (line.start() if line else end) - begin.start()
    full = re.compile(
        rb"(?:[A-Za-z0-9+/]{%d}[ \t\r]*\n(?:\r?\n)?)++"
        % len(bytes(raw[begin.start() : begin.start() + width]).rstrip())
    )
    at = begin.start()
    while lines := full.match(raw, at, min(at + _LINES_AT_ONCE + width, end)):
        give_back(raw, at, lines.end())
        at = lines.end()
    last = _END_OF_LOOSE.match(raw, at, end)
    stop = last.end() if last else at
    above = _NAMED_ABOVE.search(bytes(raw[max(start, begin.start() - _BEFORE) : begin.start()]))
    return Hit(begin.start(), stop, Inside(decode_text(above[1]) if above else "", raw, begin.start(), stop, "base64"))


def pasted_files(prefix: str) -> Find:
    """`prefix`: of their new addresses."""
    numbers = count(1)

    def find(raw: Raw, start: int, end: int) -> Hit | None:
        begin = search(_DATA, raw, start, end) and search(_PASTED, raw, start, end)
        if not begin:
            return None
        stop = run_end(raw, begin.end(), end, _PASTED_LETTERS)
        if begin[1] and begin[1][:1] in b"iI" and stop - begin.end() < _SMALLEST_PHOTO:
            return Hit(begin.start(), stop, None)
        address = f"{prefix}-{next(numbers)}"
        before = bytes(raw[max(start, begin.start() - _BEFORE) : begin.start()])
        called = _NAMED_IN_ADDRESS.search(begin[2]) or _DOWNLOAD.search(before)
        name = decode_text(called[1]) if called else ""
        return Hit(begin.start(), stop, Inside(name, raw, begin.end(), stop, "base64", address))

    return find


def calendar_files(raw: Raw, start: int, end: int) -> Hit | None:
    """What is attached to an event, and is not merely an address."""
    for _ in range(_MOST_ADDRESSES):
        begin = search(_ATTACH, raw, start, end)
        if not begin:
            break
        about, start = _FOLD.sub(b"", begin[1]), begin.end()
        if _IN_BASE64.search(about):
            last = search(_NEXT_PROPERTY, raw, start, end)
            stop, called = last.start() if last else end, _CALLED.search(about)
            name = decode_text(called[1] or called[2] or b"") if called else ""
            return Hit(begin.start(), stop, Inside(name, raw, start, stop, "base64"))
    return None


def _unescaped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """RFC 3986 2.1."""
    kept = b""
    for piece in pieces:
        text = kept + piece
        cut = text.rfind(b"%", len(text) - 2)
        text, kept = (text[:cut], text[cut:]) if cut >= 0 else (text, b"")
        yield unquote_to_bytes(text)
    yield unquote_to_bytes(kept)
