"""A line to a mail server that breaks where a test says: it speaks TLS to both sides, so it knows what passes.

with Proxy(dovecot.ports.imaps, certificates) as proxy:
    proxy.cut_within(re.compile(rb"BODY\\[\\] "), 100)
    ...
    proxy.mend()
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from typing import Self

from tests.servers.certificates import Certificates


class Proxy:
    """Every connection is cut at the same place until `mend()`. `commands`: what the last client said."""

    def __init__(self, port: int, certificates: Certificates) -> None:
        self._upstream = port
        self._certificates = certificates
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._relays: set[asyncio.Task[None]] = set()
        self.port = 0
        self.commands: list[bytes] = []
        self.mend()

    def cut_after(self, command: int, *, answered: bool) -> None:
        """At the n-th command: it never arrives, or (`answered`) it does and its answer is lost."""
        self._command, self._answered = command, answered

    def cut_within(self, mark: re.Pattern[bytes], after: int) -> None:
        """So many bytes after the first mark in what the server says."""
        self._mark, self._after = mark, after

    def mend(self) -> None:
        self._command, self._answered = 0, False
        self._mark: re.Pattern[bytes] | None = None
        self._after = 0

    def all_commands(self) -> list[bytes]:
        """What the last client said, once every client is gone: the last word may still be under way."""
        asyncio.run_coroutine_threadsafe(self._silence(), self._loop).result(10)
        return self.commands

    async def _silence(self) -> None:
        await asyncio.gather(*self._relays, return_exceptions=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> int:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(self._certificates.good.chain, self._certificates.good.key)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=ours)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        relay = self._loop.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        theirs = ssl.create_default_context(cafile=self._certificates.ca_file)
        ends, ways = [writer], []
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._upstream, ssl=theirs)
            ends.append(upstream[1])
            self.commands = []
            lost = asyncio.Event()
            ways = [
                asyncio.ensure_future(self._from_client(reader, upstream[1], lost)),
                asyncio.ensure_future(self._from_server(upstream[0], writer, lost)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in ends:
                end.close()
            await asyncio.gather(*ways, *(end.wait_closed() for end in ends), return_exceptions=True)

    async def _from_client(self, reader: StreamReader, upstream: StreamWriter, lost: asyncio.Event) -> None:
        while line := await reader.readline():
            self.commands.append(line)
            if len(self.commands) == self._command:
                if not self._answered:
                    return
                lost.set()
            upstream.write(line)
            await upstream.drain()

    async def _from_server(self, upstream: StreamReader, writer: StreamWriter, lost: asyncio.Event) -> None:
        said = b""
        while data := await upstream.read(65536):
            if lost.is_set():
                return
            end = self._end_of(said + data) - len(said)
            writer.write(data[: max(end, 0)])
            await writer.drain()
            if end < len(data):
                return
            said += data

    def _end_of(self, said: bytes) -> int:
        found = self._mark.search(said) if self._mark else None
        return min(len(said), found.end() + self._after) if found else len(said)
