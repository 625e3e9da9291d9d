"""The same mail, though a server rewrote it.

Servers that keep mails in mbox files write headers of their own into them, as GNU imap4d and UW do
(https://doc.dovecot.org/main/core/config/mailbox_formats/mbox.html), and a mail that moved to another server may have
other line ends.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterator
from typing import Final

_PIECE: Final = 1024 * 1024
_LONGEST_HEAD: Final = 64 * 1024
#: behind the head: a server ends all lines of a mail alike
_LOOKED_AT: Final = 8 * 1024
_HEAD_ENDS: Final = re.compile(rb"(?:\A|\n)\r*\n")
_ADDED: Final = re.compile(
    rb"(?:\A>?From (?!:)|^(?:(?:X-)?Status|X-UIDL?|X-Keywords|X-IMAP(?:base)?|X-Mozilla-[!-9;-~]*|Content-Length|Lines)"
    rb"[ \t]*:)[^\n]*(?:\n[ \t][^\n]*)*\n",
    re.IGNORECASE | re.MULTILINE,
)
#: a head in which none of these stands, in lower case, is not looked through
_HINTS: Final = (b"\nstatus", b"\nx-status", b"x-uid", b"x-keywords", b"x-imap", b"x-mozilla", b"content-l", b"\nlines")
_FIRST: Final = (b"status", b"x-status", b"lines", b"from ", b">from ")


def content_sha256(raw: bytes | mmap.mmap, raw_sha256: str) -> str:
    """The hash of the mail without what servers add to its head, and with CRLF at the end of each line.

    Of most mails that is `raw_sha256`, which costs a look at their head.
    """
    found = _HEAD_ENDS.search(raw, 0, _LONGEST_HEAD)
    head = raw[: found.end() if found else 0]
    own = _ADDED.sub(b"", head) if _may_hold_more(head.lower()) else head
    other_ends = _has_bare_lf(own) or _has_bare_lf(raw[len(head) : len(head) + _LOOKED_AT])
    is_ended = raw[-1:] == b"\n"
    if len(own) == len(head) and is_ended and not other_ends:
        return raw_sha256
    digest = hashlib.sha256()
    for piece in (own, *_pieces(raw, len(head))):
        digest.update(_with_crlf(piece) if other_ends else piece)
    if not is_ended:
        digest.update(b"\r\n")
    return digest.hexdigest()


def _may_hold_more(head: bytes) -> bool:
    return head.startswith(_FIRST) or any(hint in head for hint in _HINTS)


def _has_bare_lf(lines: bytes) -> bool:
    return lines.count(b"\n") != lines.count(b"\r\n")


def _with_crlf(lines: bytes) -> bytes:
    return lines.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _pieces(raw: bytes | mmap.mmap, start: int) -> Iterator[bytes]:
    """No CR is parted from its LF."""
    while start < len(raw):
        end = start + _PIECE
        if raw[end - 1 : end] == b"\r":
            end += 1
        yield raw[start:end]
        start = end
