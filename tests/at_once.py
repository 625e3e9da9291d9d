"""Threads of a worker that ask the database at the same moment, whatever the machine is doing."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from zenvoices.lib import together


class Gathering(deque[Any]):
    """Who asks waits until so many do."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.all_wait = threading.Event()

    def append(self, turn: Any) -> None:
        super().append(turn)
        if len(self) == self.number:
            self.all_wait.set()


@contextmanager
def gathered(number: int) -> Iterator[Callable[[], None]]:
    """The function holds the queue until so many wait. Call it while nobody is in it."""
    queue = together._QUEUE
    waiting = Gathering(number)

    def begin() -> None:
        waiting.all_wait.wait()
        waiting.all_wait.clear()
        queue.hand_over([])

    def hold() -> None:
        queue.somebody_works = True
        threading.Thread(target=begin, daemon=True).start()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queue, "waiting", waiting)
        yield hold


def at_once(works: Sequence[Callable[[], Any]]) -> list[Future[Any]]:
    """Each in a thread of its own, which ends with its connection closed."""

    def in_thread(work: Callable[[], Any]) -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [pool.submit(in_thread, work) for work in works]
