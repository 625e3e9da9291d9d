"""A TLS front for servers that speak plain text only: the portal never does. It also writes down what was said."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from tests.servers.certificates import Certificate

LONGEST = 200  # bytes of a line that is written down
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Gives a new connection to the server.
Upstream = Callable[[], Awaitable[Streams]]


class Front:
    """Listens on a free loopback port with TLS, in a thread of its own; `wire`: where what was said is written."""

    def __init__(self, upstream: Upstream, certificate: Certificate, wire: Path | None = None) -> None:
        self._upstream = upstream
        self._wire = wire
        self._numbers = itertools.count(1)
        self._open: set[asyncio.StreamWriter] = set()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.chain, certificate.key)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        serving = asyncio.start_server(self._serve, sock=listener, ssl=context)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for writer in self._open:
            with suppress(AttributeError):  # of a TLS transport that is closed, before Python 3.11.4
                writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=2)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        note = _Note(self._wire, next(self._numbers))
        try:
            from_server, to_server = await self._upstream()
        except OSError:
            writer.close()
            return
        self._open |= {writer, to_server}
        await asyncio.gather(
            _pass_on(reader, to_server, note, b"C: "),
            _pass_on(from_server, writer, note, b"S: "),
        )


class _Note:
    """What one connection said, line by line, each cut short."""

    def __init__(self, wire: Path | None, number: int) -> None:
        self._file: BinaryIO | None = wire and wire.with_name(f"{wire.name}-{number:02}.txt").open("wb", buffering=0)
        self._rest = {b"C: ": b"", b"S: ": b""}

    def take(self, who: bytes, data: bytes) -> None:
        if not self._file:
            return
        *lines, self._rest[who] = (self._rest[who] + data).split(b"\n")
        for line in lines:
            self._file.write(who + line.rstrip(b"\r")[:LONGEST] + b"\n")


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, note: _Note, who: bytes) -> None:
    """Until one side ends: then both do."""
    with suppress(OSError):
        while data := await source.read(65536):
            note.take(who, data)
            target.write(data)
            await target.drain()
    note.take(who, b"(ends)\n")
    target.close()


def listening(port: int, *, tls: bool = False) -> Upstream:
    """A server that listens on this loopback port; its own TLS is not judged here."""

    async def connect() -> Streams:
        context = None
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return await asyncio.open_connection("127.0.0.1", port, ssl=context)

    return connect


def started(start: Callable[[socket.socket], object]) -> Upstream:
    """A server that inetd starts for each connection: `start` gives it the socket, which is TCP as some ask whose."""

    async def connect() -> Streams:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            theirs, _ = listener.accept()
        with theirs:
            start(theirs)
        ours.setblocking(False)
        return await asyncio.open_connection(sock=ours)

    return connect
