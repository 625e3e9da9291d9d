"""The Gmail API on the wire: HTTP/1.1 on our own connection, the parts of a batch, a mail inside JSON.

Our own connection, so that the deadline, the lease and the certificate are watched as for every other mailbox;
a mail goes from the line into its file and is never whole in memory.
"""

from __future__ import annotations

import http.client
import io
import re
import time
from binascii import Error as BrokenBase64
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pybase64

from channels.mailboxes.base import Watch
from zenvoices.lib import net

CHUNK: Final = 64 * 1024
_LONGEST_LINE: Final = 8 * 1024
_LONGEST_AROUND: Final = 64 * 1024  # bytes of JSON before and after a mail
_LONGEST_END: Final = 16  # three characters and padding, which may be written as \u003d
_MOST_HEADERS: Final = 100
# As a key only: inside a JSON string its quotes would be escaped.
_RAW: Final = re.compile(rb'"raw"\s*:\s*"')

# https://developers.google.com/workspace/gmail/api/reference/quota: what one user may cost in a minute, and
# what each call costs. Projects from before May 2026 may do more; they wait here for nothing only above 300 mails.
UNITS_A_MINUTE: Final = 6000
MINUTE: Final = 60.0


class Http(http.client.HTTPConnection):
    """http.client on a connection that is open and secured already; it never opens one itself."""

    default_port = http.client.HTTPS_PORT
    auto_open = 0

    def __init__(self, connection: net.Connection, host: str, port: int) -> None:
        super().__init__(host, port)
        self.sock: Any = _Socket(connection)


class _Socket:
    """What http.client asks of a socket."""

    def __init__(self, connection: net.Connection) -> None:
        self._connection = connection
        self.sendall = connection.sendall

    def makefile(self, mode: str) -> _Reader:
        return _Reader(self._connection.reader)

    def close(self) -> None:
        """Not yet: http.client lets go of it before the last answer was read."""


class _Reader:
    """The connection's reader, which outlives the answer that http.client reads from it."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self.read, self.read1, self.readinto = reader.read, reader.read1, reader.readinto
        self.readline, self.peek = reader.readline, reader.peek

    def flush(self) -> None:
        """Nothing to flush."""

    def close(self) -> None:
        """The connection goes on."""


class Quota:
    """What would be refused at Google waits here: no more units in any minute than Google grants one user."""

    def __init__(self, watch: Watch, pause: Callable[[float], None] = time.sleep) -> None:
        self._watch = watch
        self._pause = pause
        self._spent: deque[tuple[float, int]] = deque()

    def spend(self, units: int) -> None:
        """Returns when the minute has room. Raises server_too_slow when the deadline comes first."""
        while sum(cost for _, cost in self._recent()) + units > UNITS_A_MINUTE:
            self._watch.tick()
            self._pause(self._watch.allowance(1.0))
        self._spent.append((time.monotonic(), units))

    def _recent(self) -> deque[tuple[float, int]]:
        while self._spent and self._spent[0][0] <= time.monotonic() - MINUTE:
            self._spent.popleft()
        return self._spent


def body_of(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes in, to its end: the connection can be used again then."""
    while chunk := answer.read1(CHUNK):
        yield chunk
    answer.read()


def whole(chunks: Iterator[bytes], limit: int) -> bytes:
    """A short body. Raises ValueError for a long one."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise ValueError("too long")
    return body


# --- A mail inside JSON ----------------------------------------------------------------------------------


class CutOff(ValueError):
    """The mail in this answer is not whole."""


def raw_mail(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The decoded `raw` of a Message (base64url, RFC 4648 5) while the answer comes in."""
    head = b""
    while not (found := _RAW.search(head)):
        chunk = next(chunks, None)
        if chunk is None or len(head) > _LONGEST_AROUND:
            raise CutOff
        head += chunk
    held = head[found.end() :]
    while b'"' not in held:
        ready = _fours(held)
        yield _decoded(held[:ready])
        chunk = next(chunks, None)
        if chunk is None or len(held) - ready > _LONGEST_END:
            raise CutOff
        held = held[ready:] + chunk
    text, _, tail = held.partition(b'"')
    yield _last(text)
    if len(whole(chunks, _LONGEST_AROUND)) + len(tail) == 0:
        raise CutOff  # not even the closing brace


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


# --- Many calls in one (https://developers.google.com/workspace/gmail/api/guides/batch) -------------------

_BOUNDARY: Final = "calls"
BATCH_TYPE: Final = f"multipart/mixed; boundary={_BOUNDARY}"


def batch_body(paths: Sequence[str]) -> bytes:
    calls = [
        f"--{_BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\nGET {path}\r\n\r\n"
        for number, path in enumerate(paths)
    ]
    return "".join([*calls, f"--{_BOUNDARY}--\r\n"]).encode()


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to call `number`. `chunks` must be read before the next part is asked for."""

    number: int
    status: int
    chunks: Iterator[bytes]


def parts(answer: http.client.HTTPResponse) -> Iterator[Part]:
    """The answers in a batch, in whatever order they come. Raises ValueError for what is no batch."""
    boundary = answer.headers.get_boundary()
    if not boundary:
        raise ValueError("no batch")
    mark = b"\r\n--" + boundary.encode()
    # The first boundary may stand at the very beginning (RFC 2046 5.1.1).
    stream = _Stream(body_of(answer), b"\r\n")
    stream.skip(mark)
    while not stream.line().startswith(b"--"):
        number = re.search(r"response-(\d{1,6})>", stream.headers().get("content-id", ""))
        status = re.match(rb"HTTP/1\.\d (\d{3})\b", stream.line())
        if number is None or status is None:
            raise ValueError("no part of a batch")
        stream.headers()
        chunks = stream.until(mark)
        yield Part(int(number[1]), int(status[1]), chunks)
        for _left in chunks:
            pass
    stream.drain()


class _Stream:
    """An incoming body that is read by lines and up to marks."""

    def __init__(self, chunks: Iterator[bytes], held: bytes) -> None:
        self._chunks = chunks
        self._held = held

    def line(self) -> bytes:
        while b"\n" not in self._held and self._more():
            if len(self._held) > _LONGEST_LINE:
                raise ValueError("line too long")
        if not self._held:
            raise ValueError("ended too early")
        line, _, self._held = self._held.partition(b"\n")
        return line.rstrip(b"\r")

    def headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _count in range(_MOST_HEADERS):
            name, _, value = self.line().decode("latin-1").partition(":")
            if not name:
                return found
            found[name.lower()] = value.strip()
        raise ValueError("too many headers")

    def until(self, mark: bytes) -> Iterator[bytes]:
        """What comes before the mark, which is taken away too."""
        while (at := self._held.find(mark)) < 0:
            safe = max(0, len(self._held) - len(mark) + 1)
            ready, self._held = self._held[:safe], self._held[safe:]
            if ready:
                yield ready
            if not self._more():
                raise ValueError("ended too early")
        ready, self._held = self._held[:at], self._held[at + len(mark) :]
        if ready:
            yield ready

    def skip(self, mark: bytes) -> None:
        whole(self.until(mark), _LONGEST_AROUND)

    def drain(self) -> None:
        self._held = whole(self._chunks, _LONGEST_AROUND)

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._held += chunk
        return bool(chunk)
