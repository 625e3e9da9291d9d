"""The Gmail API on the wire: HTTP/1.1 on our own connection, and no more calls than Google grants.

Our own connection, so that the deadline, the lease and the certificate are watched as for every other mailbox.
"""

from __future__ import annotations

import http.client
import io
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from channels.mailboxes.base import Watch
from zenvoices.lib import net

CHUNK: Final = 64 * 1024
LONGEST_ANSWER: Final = 4 * 1024 * 1024
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


def is_json(answer: http.client.HTTPResponse) -> bool:
    """Whether it is the API that speaks. A page is somebody else's: of a proxy, or of Google's own front."""
    return answer.headers.get_content_type() == "application/json"


def words_of(answer: http.client.HTTPResponse) -> bytes:
    """The body of a refusal; b"" when it is not the API's."""
    body = whole(body_of(answer), LONGEST_ANSWER)
    return body if is_json(answer) else b""


def whole(chunks: Iterator[bytes], limit: int) -> bytes:
    """A short body. Raises ValueError for a long one."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise ValueError("too long")
    return body
