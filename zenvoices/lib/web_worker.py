"""gunicorn's worker for the web: a request meets a thread when it is whole, and its answer leaves without one.

gunicorn's own threads read and write themselves, so that twenty clients who send half a request, or read half an
answer, hold all of them. waitress does both in one loop; gunicorn keeps the processes and their signals.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher

#: at the same time in one process; each is a socket, and a file while its request or answer is large
CONNECTIONS = 1000
#: a connection on which nothing moves, and no view works, ends
IDLE_SECONDS = 60
#: Head and body are there after so long, and a second for so many bytes that came: mod_reqtimeout's values.
REQUEST_SECONDS, BYTES_A_SECOND = 20, 500
#: beyond this an answer waits for its reader; what is above 1 MB lies in a file
ANSWER_BYTES = 500_000_000


class BufferingWorker(Worker):
    """For gunicorn's --worker-class; --threads is how many views run at the same time."""

    def run(self) -> None:
        _allow_open_files(4 * CONNECTIONS)
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(self.cfg.threads)
        channels: dict[int, Any] = {}
        servers = [self._server(listener.sock, channels, dispatcher) for listener in self.sockets]
        while self.alive and os.getppid() == self.ppid:
            self._turn(channels)
        for server in servers:
            server.accepting = False
        self._finish(channels)
        dispatcher.shutdown()

    def _server(self, sock: Any, channels: dict[int, Any], dispatcher: ThreadedTaskDispatcher) -> Any:
        family = UnixWSGIServer if isinstance(sock.getsockname(), str) else TcpWSGIServer
        return family(
            self.wsgi,
            channels,
            _sock=sock,
            dispatcher=dispatcher,
            adj=adjustments(),
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            bind_socket=False,
        )

    def _turn(self, channels: dict[int, Any]) -> None:
        self.notify()
        wasyncore.loop(timeout=1, use_poll=True, map=channels, count=1)
        send_slow_ones_away(_open(channels), time.monotonic())

    def _finish(self, channels: dict[int, Any]) -> None:
        """What was asked for is answered first, for as long as gunicorn waits."""
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < deadline and any(one.requests or one.total_outbufs_len for one in _open(channels)):
            self._turn(channels)


def adjustments() -> Adjustments:
    return Adjustments(
        ident=None,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=5,
        max_request_header_size=65_536,
        max_request_body_size=settings.REQUEST_MAX_BYTES,
        outbuf_high_watermark=ANSWER_BYTES,
        log_socket_errors=False,
        # What is forwarded is believed, or not, by zenvoices.lib.addresses alone.
        clear_untrusted_proxy_headers=False,
    )


def send_slow_ones_away(channels: Iterable[Any], now: float) -> None:
    """Whoever takes too long over head and body; `now` on any clock."""
    for channel in channels:
        request = channel.request
        if request is None:
            continue
        begun = vars(request).setdefault("begun", now)
        came = request.header_bytes_received + request.body_bytes_received
        if now - begun > REQUEST_SECONDS + came / BYTES_A_SECOND:
            channel.will_close = True


def _open(channels: dict[int, Any]) -> list[HTTPChannel]:
    return [one for one in channels.values() if isinstance(one, HTTPChannel)]


def _allow_open_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number if hard < 0 else min(number, hard), hard))
