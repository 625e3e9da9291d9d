"""Ends every process of `make run` once its launcher is gone, however it went: Ctrl-C, a crash, kill -9.

The launcher holds the writing end of a pipe and so does, for a moment, each child before it becomes its program:
it writes its own process group there, so that none can be missed. End of file means that the launcher is gone.
The first group is the broker; it ends last, because the others say goodbye to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

GRACE_SECONDS = 8.0


def main(pipe: int, folder: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(pipe) as groups_told:
        groups = [int(line) for line in groups_told]
    deadline = time.monotonic() + GRACE_SECONDS
    _end(groups[1:], deadline)
    _end(groups[:1], deadline + 2)
    shutil.rmtree(folder, ignore_errors=True)


def _end(groups: Iterable[int], deadline: float) -> None:
    """Asks each leader, which knows how to end its own children; then kills what is left of its group."""
    alive = [group for group in groups if _signal(os.kill, group, signal.SIGTERM)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = [group for group in alive if _signal(os.kill, group, 0)]
    for group in groups:
        _signal(os.killpg, group, signal.SIGKILL)


def _signal(send: Callable[[int, int], None], target: int, number: int) -> bool:
    """0 is no signal: it only asks whether the target is still there."""
    try:
        send(target, number)
    except (ProcessLookupError, PermissionError):  # macOS answers "not permitted" for a zombie
        return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
