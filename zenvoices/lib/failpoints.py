"""Named steps at which a test may end the process as `kill -9` would.

`PORTAL_FAILPOINT=NAME` or `NAME:N` (the N-th time), honoured only with DEBUG=true. The process ends
without flushing, closing or rolling anything back: exactly what a crash leaves behind.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

NAMES: Final = (
    "claimed", "listed", "fetched", "blob_written", "before_commit",
    "committed", "before_seen", "seen", "before_finish",
)  # fmt: skip

_lock = threading.Lock()
_armed: tuple[str, int] | None = None
_reached = 0


def arm(spec: str) -> None:
    """Reads `NAME` or `NAME:N`; an unknown name is refused so that no test passes by a typing error."""
    global _armed, _reached
    name, _, count = spec.partition(":")
    if name not in NAMES:
        raise ValueError(f"PORTAL_FAILPOINT names no step: {name!r}")
    _armed, _reached = (name, int(count or 1)), 0


def reach(name: str) -> None:
    """Marks a step of a fetch; ends the process when it is the armed one."""
    global _reached
    if _armed is None or _armed[0] != name:
        return
    with _lock:
        _reached += 1
        if _reached == _armed[1]:
            os.kill(os.getpid(), signal.SIGKILL)
