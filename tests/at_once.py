"""Several requests at the same moment, each in a thread with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def all_at_once(*acts: Callable[[], int]) -> list[int]:
    together = Barrier(len(acts))

    def do(act: Callable[[], int]) -> int:
        try:
            together.wait(timeout=60)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return sorted(threads.map(do, acts))
