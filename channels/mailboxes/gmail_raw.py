"""A mail inside the JSON of the Gmail API, decoded while the answer comes in: it is never whole in memory."""

from __future__ import annotations

import re
from binascii import Error as BrokenBase64
from collections.abc import Iterator
from typing import Final

import pybase64

from zenvoices.lib.net.https import whole

_LONGEST_AROUND: Final = 64 * 1024  # bytes of JSON before and after a mail
_LONGEST_END: Final = 16  # three characters and padding, which may be written as \u003d
# As keys only: inside a JSON string their quotes would be escaped.
_RAW: Final = re.compile(rb'"raw"\s*:\s*"')
_SIZE: Final = re.compile(rb'"sizeEstimate"\s*:\s*(\d{1,15})\b')


class CutOff(ValueError):
    """The mail in this answer is not whole."""


class RawMail:
    """The decoded `raw` of a Message (base64url, RFC 4648 5), in pieces.

    `stated`: the size that Google estimates, known when the mail was read to its end; None when it did not say.
    Reading raises CutOff, and ValueError for what is no JSON object: an error page, of whoever stands in between.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.stated: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        head, held = self._head()
        while b'"' not in held:
            ready = _fours(held)
            yield _decoded(held[:ready])
            chunk = next(self._chunks, None)
            if chunk is None or len(held) - ready > _LONGEST_END:
                raise CutOff
            held = held[ready:] + chunk
        text, _, tail = held.partition(b'"')
        yield _last(text)
        tail += whole(self._chunks, _LONGEST_AROUND)
        if not tail:
            raise CutOff  # not even the closing brace
        if found := _SIZE.search(head) or _SIZE.search(tail):
            self.stated = int(found[1])

    def _head(self) -> tuple[bytes, bytes]:
        """What comes before the mail, and what of the mail came with it."""
        head = b""
        while not (found := _RAW.search(head)):
            chunk = next(self._chunks, None)
            if chunk is None or len(head) > _LONGEST_AROUND:
                raise CutOff
            head += chunk
            if head.lstrip()[:1] not in (b"", b"{"):
                raise ValueError("no JSON object")
        return head[: found.start()], head[found.end() :]


def _fours(text: bytes) -> int:
    """How much of it can be decoded before the rest is there; padding, perhaps as \\u003d, comes last."""
    ends = [at for at in (text.find(b"="), text.find(b"\\")) if at >= 0]
    return min([len(text), *ends]) // 4 * 4


def _last(text: bytes) -> bytes:
    bare = text.replace(b"\\u003d", b"=").rstrip(b"=")
    return _decoded(bare + b"=" * (-len(bare) % 4))


def _decoded(text: bytes) -> bytes:
    try:
        return pybase64.b64decode(text, altchars=b"-_", validate=True)
    except BrokenBase64:
        raise CutOff from None
