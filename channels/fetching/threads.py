"""The threads of a process in which the runs of bundles are carried out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Condition
from typing import Final

#: fewer than these do not begin a bundle of more, while others soon come free
LEAST: Final = 16
#: seconds that a bundle waits for free threads, before another process may have it
WAITS: Final = 1.0


class Threads:
    """None is there before it is needed. They end with the process, when what they do has ended."""

    def __init__(self, number: int) -> None:
        self._number = self._free = number
        self._one_came_free = Condition()
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="fetch")

    def take(self, wanted: int) -> int:
        """How many of them are taken now: each is to be given something to do."""
        least = min(wanted, LEAST, self._number)
        with self._one_came_free:
            self._one_came_free.wait_for(lambda: self._free >= least, WAITS)
            taken = min(wanted, self._free)
            self._free -= taken
        return taken

    def submit(self, work: Callable[[], None]) -> None:
        """In the context of who asks, so that its log lines tell of which task."""
        self._pool.submit(copy_context().run, work).add_done_callback(self._is_free)

    def end(self) -> None:
        """Returns when what they do has ended."""
        self._pool.shutdown()

    def _is_free(self, _done: Future[None]) -> None:
        with self._one_came_free:
            self._free += 1
            self._one_came_free.notify_all()
