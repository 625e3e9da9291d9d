"""What came is held against what the server announced: is this the whole mail?

Stated sizes lie: line ends counted as two bytes and stored as one, headers of its own that a server counts and leaves
out, Exchange's estimates. So a size alone proves nothing. A mail is not completely received when

- it has no byte, or no header line: there is no such mail (RFC 5322 3.6);
- far less came than was stated, and what came does not end as such a mail ends: the body is missing, a multipart has
  no closing delimiter (RFC 2046 5.1.1), or base64 neither ends with its padding nor with a short, whole line.
"""

from __future__ import annotations

import re
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

HEAD: Final = 4096  # bytes in which a mail shows that it is one
_HEADER: Final = 64 * 1024  # bytes of a header that are looked at
_TAIL: Final = 1024
_CHUNK: Final = 1024 * 1024
_SLACK: Final = 1024  # bytes; mbox servers count about 300 of their own headers

_HEADER_LINE: Final = re.compile(rb"^[^\s:]+[ \t]*:", re.MULTILINE)
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_CONTENT: Final = re.compile(rb"\S")
_MULTIPART: Final = re.compile(rb"^content-type[ \t]*:\s*multipart/", re.MULTILINE | re.IGNORECASE)
_BASE64: Final = re.compile(rb"^content-transfer-encoding[ \t]*:\s*base64\b", re.MULTILINE | re.IGNORECASE)
_OF_EXCHANGE: Final = re.compile(rb'^from[ \t]*:[ \t]*"?Microsoft Exchange Server\b', re.MULTILINE | re.IGNORECASE)
_WAS_SENT: Final = re.compile(rb"^(?:message-id|received)[ \t]*:", re.MULTILINE | re.IGNORECASE)
_BOUNDARY: Final = re.compile(rb'[;\s]boundary\s*=\s*(?:"([^"\r\n]+)"|([^\s;"]+))', re.IGNORECASE)


def is_complete(path: Path, head: bytes, size: int, stated: int | None) -> bool:
    """Whether the `size` bytes in the file, which begin with `head`, may be the whole mail.

    `stated`: its size as the server said, in bytes. Of most mails the file is not looked at.
    """
    if not _HEADER_LINE.search(_header(head)):
        return False
    if stated is None or stated - size <= min(_SLACK, stated // 10):
        return True
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mail:
        return not _is_far_less(mail, stated) or _has_its_end(mail)


def is_stand_in(head: bytes) -> bool:
    """Whether this is the note that Exchange gives in the place of a mail that it cannot turn into MIME.

    What it says ("Retrieval using the IMAP4 protocol failed for ...") is in the language of the mailbox.
    """
    header = _header(head)
    return _OF_EXCHANGE.search(header) is not None and not _WAS_SENT.search(header)


def _header(head: bytes) -> bytes:
    return _EMPTY_LINE.split(head.lstrip(b"\r\n"), 1)[0]


def _is_far_less(mail: mmap, stated: int) -> bool:
    """Whether more is missing than line ends that are one byte here and were counted as two."""
    bare = sum(_bare_line_ends(mail, start) for start in range(0, len(mail), _CHUNK))
    return stated - len(mail) - bare > min(_SLACK, stated // 10)


def _bare_line_ends(mail: mmap, start: int) -> int:
    chunk = mail[start : start + _CHUNK]
    return chunk.count(b"\n") - chunk.count(b"\r\n")


def _has_its_end(mail: mmap) -> bool:
    end_of_header = _EMPTY_LINE.search(mail)
    body = end_of_header.end() if end_of_header else len(mail)
    del end_of_header  # it holds the map open
    if not _holds(mail, _CONTENT, body):
        return False
    header = mail[: min(body, _HEADER)]
    boundary = _BOUNDARY.search(header) if _MULTIPART.search(header) else None
    if boundary:
        closing = rb"\n--" + re.escape((boundary[1] or boundary[2]).rstrip()) + rb"--(?:\s|\Z)"
        return _holds(mail, re.compile(closing), body - 1)
    return not _BASE64.search(header) or _ends_as_base64(mail[max(body, len(mail) - _TAIL) :].split())


def _holds(mail: mmap, pattern: re.Pattern[bytes], start: int) -> bool:
    return pattern.search(mail, start) is not None


def _ends_as_base64(lines: list[bytes]) -> bool:
    last = lines[-1]
    return last.endswith(b"=") or (len(last) % 4 == 0 and len(lines) > 1 and len(last) < len(lines[-2]))
