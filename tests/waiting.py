"""Waiting for what happens in another process."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 60.0


def wait_until(
    happened: Callable[[], object], *, told: Callable[[], str] = str, goes_on: Callable[[], bool] = lambda: True,
    seconds: float = SECONDS,
) -> None:  # fmt: skip
    """Fails with what is `told` by then, after so many seconds or as soon as whoever should do it no longer goes on."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert goes_on(), told()
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
