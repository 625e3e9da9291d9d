"""A TCP proxy in a process of its own that holds every byte back for half a round trip, each way.

The connection to the proxy itself costs nothing: round trips are counted from the first byte on.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

UNDER_WAY = 32 << 20  # bytes at most in each direction: a path, not a disk


class _Way(asyncio.BufferedProtocol):
    """One end of a connection; what it hears goes to the other end, later."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray(1 << 18)
        self._held: deque[tuple[float, bytes | None]] = deque()
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.other: _Way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(high=UNDER_WAY)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._hold(bytes(memoryview(self._buffer)[:nbytes]))
        self._size += nbytes
        if self._size > UNDER_WAY:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._hold(None)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._hold(None)

    def _hold(self, data: bytes | None) -> None:
        self._held.append((self._loop.time() + self._delay, data))
        if self._timer is None:
            self._timer = self._loop.call_at(self._held[0][0], self._pass_on)

    def _pass_on(self) -> None:
        other = self.other._transport
        while self._held and self._held[0][0] <= self._loop.time() + 0.0005:
            _, data = self._held.popleft()
            if data is None:
                other.close()
            else:
                self._size -= len(data)
                other.write(data)
        if self._size < UNDER_WAY // 2 and not self._transport.is_closing():
            self._transport.resume_reading()
        self._timer = self._loop.call_at(self._held[0][0], self._pass_on) if self._held else None


async def _relay(target: int, delay: float, client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    near, far = _Way(delay), _Way(delay)
    near.other, far.other = far, near
    await loop.create_connection(lambda: far, "127.0.0.1", target)
    await loop.connect_accepted_socket(lambda: near, client)


async def _serve(target: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    relays: set[asyncio.Task[None]] = set()
    while True:
        client, _ = await loop.sock_accept(listener)
        relay = loop.create_task(_relay(target, delay, client))
        relays.add(relay)
        relay.add_done_callback(relays.discard)


@contextmanager
def delayed(target: int, round_trip_ms: int) -> Iterator[int]:
    """The port behind which `target` is that far away; the port itself when it is not away at all."""
    if not round_trip_ms:
        yield target
        return
    command = [sys.executable, "-m", "bench.delay", str(target), str(round_trip_ms / 2000)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
