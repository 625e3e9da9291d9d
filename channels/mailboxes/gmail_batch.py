"""Many calls of the Gmail API in one (https://developers.google.com/workspace/gmail/api/guides/batch)."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from zenvoices.lib.net.https import body_of, whole

_LONGEST_AROUND: Final = 64 * 1024  # bytes before the first answer and after the last
_LONGEST_LINE: Final = 8 * 1024
_MOST_HEADERS: Final = 100
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
