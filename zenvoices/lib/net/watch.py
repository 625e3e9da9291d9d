"""How long a way out may take, and how it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


class NetError(Exception):
    """`code` is one of channels/errors.py; `detail` fills its sentence in."""

    def __init__(self, code: str, /, **detail: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(slots=True)
class Watch:
    """Looked at on every read from the socket: ends a dripping server, renews a lease.

    `deadline`: time.monotonic() seconds after which `server_too_slow` is raised, or None. `tick` is called
    before every read of the socket; it may raise to abandon the session.
    """

    deadline: float | None = None
    tick: Callable[[], None] = field(default=lambda: None)

    def allowance(self, timeout: float) -> float:
        """`timeout` seconds, or what is left until the deadline when that is less."""
        if self.deadline is None:
            return timeout
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NetError("server_too_slow")
        return min(timeout, left)
