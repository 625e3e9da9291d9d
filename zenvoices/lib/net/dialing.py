"""A race between the addresses of one host (RFC 8305, Happy Eyeballs): a dead one costs a quarter of a second."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from zenvoices.lib.net.lookups import Address
from zenvoices.lib.net.watch import NetError, Watch

ATTEMPT_DELAY: Final = 0.25  # seconds (RFC 8305 5)
#: no way to an address of this family from here
_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
_OURS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def dial(addresses: Sequence[Address], timeout: float, watch: Watch) -> socket.socket:
    """The socket that was connected first, within `timeout` seconds for all of them together.

    Raises connection_refused, connect_timeout, or no_network when there is no way to any of them.
    """
    waiting = deque(addresses)
    end = time.monotonic() + watch.allowance(timeout)
    with _Race() as race:
        while waiting or race.is_on:
            if waiting:
                race.begin(waiting.popleft())
            left = end - time.monotonic()
            if left <= 0:
                break
            winner = race.winner(min(left, ATTEMPT_DELAY) if waiting else left)
            if winner is not None:
                return winner
        watch.allowance(timeout)  # when it was the deadline, says so
        raise NetError(_reason(race.failures, timed_out=bool(waiting) or race.is_on))


def _reason(failures: Sequence[int], *, timed_out: bool) -> str:
    if any(failure in _OURS for failure in failures):
        return "internal"
    if errno.ECONNREFUSED in failures:
        return "connection_refused"
    if timed_out or any(failure not in _NO_WAY for failure in failures):
        return "connect_timeout"
    return "no_network"


class _Race:
    """Attempts that are under way. At the end, all but the winner's socket are closed."""

    def __init__(self) -> None:
        self._attempts = selectors.PollSelector()  # unlike epoll it needs no file descriptor of its own
        self.failures: list[int] = []

    @property
    def is_on(self) -> bool:
        return len(self._attempts.get_map()) > 0

    def begin(self, address: Address) -> None:
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:
            self.failures.append(error.errno or 0)
            return
        sock.setblocking(False)
        # Nagle's algorithm and a client that writes a command in two pieces cost 40 ms each time.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failure = sock.connect_ex(address.sockaddr)
        if failure in (0, errno.EINPROGRESS):
            self._attempts.register(sock, selectors.EVENT_WRITE, sock)
        else:
            self._lost(sock, failure)

    def winner(self, seconds: float) -> socket.socket | None:
        """Waits until an attempt ends, for so many seconds; None when none has succeeded by then."""
        for key, _ in self._attempts.select(seconds) if self.is_on else ():
            sock: socket.socket = key.data
            failure = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._attempts.unregister(sock)
            if not failure:
                return sock
            self._lost(sock, failure)
        return None

    def _lost(self, sock: socket.socket, failure: int) -> None:
        sock.close()
        self.failures.append(failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for key in list(self._attempts.get_map().values()):
            key.data.close()
        self._attempts.close()
