"""http.client on a Connection, so that the deadline and the certificate are watched as for every mailbox."""

from __future__ import annotations

import http.client
import io
from collections.abc import Iterator
from typing import Any, Final

from zenvoices.lib.net.connection import Connection
from zenvoices.lib.net.watch import NetError

_CHUNK: Final = 64 * 1024


class Http(http.client.HTTPConnection):
    """http.client on a connection that is open and secured already; it never opens one itself."""

    default_port = http.client.HTTPS_PORT
    auto_open = 0

    def __init__(self, connection: Connection, host: str, port: int) -> None:
        super().__init__(host, port)
        self.sock: Any = _Socket(connection)


class _Socket:
    """What http.client asks of a socket."""

    def __init__(self, connection: Connection) -> None:
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


def body_of(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes in, to its end: the connection can be used again then."""
    while chunk := answer.read1(_CHUNK):
        yield chunk
    answer.read()


def page_of(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """A short body; one without a length ends with the connection (RFC 9112 6.3). Raises ValueError for a long one."""
    return whole(_until_closed(answer), limit)


def _until_closed(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    by_closing = answer.length is None and not answer.chunked
    try:
        yield from body_of(answer)
    except NetError as error:
        if not by_closing or error.code != "connection_lost":
            raise


def whole(chunks: Iterator[bytes], limit: int) -> bytes:
    """These in one piece. Raises ValueError when that is long."""
    pieces, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ValueError("too long")
        pieces.append(chunk)
    return b"".join(pieces)
