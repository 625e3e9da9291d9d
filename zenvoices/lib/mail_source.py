"""Whether bytes are a mail, by the shape of its header block: labels and names of attached mails say little."""

from __future__ import annotations

import re
from codecs import iterdecode
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from mmap import mmap

# Blank lines before the block, the byte count of Apple Mail's .emlx, the separator of an mbox file.
_LEAD = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]{0,200}(?:(?P<count>\d{1,10})[ \t]*\r*\n)?(?:>?From [^\n]{0,300}\n)?")
# Lines that stand before the first header: "Microsoft Mail Internet Headers Version 2.0", an SMTP envelope, "+OK".
_JUNK = re.compile(
    rb"(?:(?!--)[^\r\n][^\n]{0,300}\n){1,5}?"
    rb"(?=(?:received|return-path|delivered-to|from|to|subject|date|message-id|x-[!-9;-~]{1,40})[ \t]*:)",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*+(?:\n|\Z)")
_BLANK = re.compile(rb"\r*\n")
_KNOWN = frozenset(
    b"received return-path from to subject date message-id mime-version delivered-to reply-to sender cc".split()
)
# "From jan@x.example Mon Nov  2 09:30:00 2026", with headers below it, and each but the first behind a blank line.
_SEPARATOR = rb"From (?!:)[^\n:]{0,200}:\d\d[^\n]{0,100}\n[!-9;-~]{1,80}[ \t]*:"
_MAILBOX = re.compile(_SEPARATOR)
_NEXT_IN_MAILBOX = re.compile(rb"\n\r?\n(?=" + _SEPARATOR + rb")")
_BODY = frozenset(b"content-type content-transfer-encoding".split())
_MOST_FIELDS = 200
_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
_SHORTEST_WIDE = 40  # bytes


def lead(data: bytes) -> tuple[int, int | None]:
    """Where the header block begins, and how many bytes of mail follow when the file says so (.emlx)."""
    match = _lead(data)
    junk = None if _FIELD.match(data, match.end()) else _JUNK.match(data, match.end())
    return junk.end() if junk else match.end(), int(match["count"]) if match["count"] else None


def begin(data: bytes) -> int:
    """Where the header of a mail begins that a server gave: some hand out what stood before it, too."""
    return 0 if _FIELD.match(data) or not is_mail(data, expected=True) else lead(data)[0]


def _lead(data: bytes) -> re.Match[bytes]:
    match = _LEAD.match(data)
    assert match  # noqa: S101 (everything in it may be missing)
    return match


def is_mail(data: bytes, expected: bool = False) -> bool:
    """`data`: the first few KB. `expected`: its name or type says that it is a mail, so less proves it."""
    names, ended = fields(data, lenient=expected)
    known = len(names & _KNOWN) + bool(names & _BODY)
    if expected:
        return known >= 1
    multipart = names >= _BODY or (b"mime-version" in names and bool(names & _BODY))
    return ended and (known >= 3 or multipart)


def mailbox(raw: bytes | bytearray | mmap, start: int, end: int, most: int) -> list[tuple[int, int]]:
    """Bounds of the mails in an mbox file (RFC 4155) that holds several; [] of one mail."""
    if not _MAILBOX.match(bytes(raw[start : min(end, start + 1024)]).lstrip(b"\xef\xbb\xbf \t\r\n")):
        return []
    begins = [start, *(match.end() for match in islice(_NEXT_IN_MAILBOX.finditer(raw, start, end), most))]
    return list(zip(begins, [*begins[1:], end], strict=True)) if len(begins) > 1 else []


def narrowed(data: bytes) -> bytes:
    """A mail that was saved as "Unicode text" (UTF-16) as the bytes that it had before; all other data as they are."""
    codec = wide(data)
    return b"".join(narrowed_pieces(lambda: iter((data,)), codec)) if codec else data


def narrowed_pieces(pieces: Callable[[], Iterator[bytes]], codec: str) -> Iterator[bytes]:
    def texts() -> Iterator[str]:
        return iterdecode(pieces(), codec, "ignore")

    # As most programs read bytes that are no ASCII.
    charset = next((charset for charset in ("latin-1", "cp1252") if _has_all(charset, texts())), "utf-8")
    return (text.encode(charset, "replace") for text in texts())


def wide(data: bytes) -> str:
    """The codec of a mail in UTF-16; "" of all others."""
    if data[:2] in _MARKS:
        return "utf-16"
    if len(data) < _SHORTEST_WIDE or data[:_SHORTEST_WIDE].count(0) * 2 != _SHORTEST_WIDE:
        return ""
    return "utf-16-be" if data[0] == 0 else "utf-16-le"


def _has_all(charset: str, texts: Iterable[str]) -> bool:
    try:
        for text in texts:
            text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def is_entity(data: bytes) -> bool:
    """Whether it begins with the headers of a MIME entity, which text that a person wrote does not."""
    names, ended = fields(data)
    return ended and b"content-type" in names and bool(names & {b"mime-version", b"content-transfer-encoding"})


def fields(data: bytes, *, lenient: bool = False) -> tuple[set[bytes], bool]:
    """Names of the header fields that the data begins with, and whether a blank line, or its end, ends them.

    `lenient`: a few lines of something else may stand before them.
    """
    at, names = lead(data)[0] if lenient else _lead(data).end(), set[bytes]()
    while len(names) < _MOST_FIELDS and (match := _FIELD.match(data, at)):
        names.add(match[1].lower())
        at = match.end()
    return names, bool(names) and (at >= len(data) or _BLANK.match(data, at) is not None)
