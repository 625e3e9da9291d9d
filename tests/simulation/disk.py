"""The disk under the portal's storage: what was not flushed is lost when the machine loses its power.

The files are real, fsync is not: it is noted, and nothing is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from documents import filestore
from tests.simulation.hub import Hub


@dataclass
class Disk:
    hub: Hub
    #: files without a name of their own yet, whose bytes are safe
    _flushed: set[Path] = field(default_factory=set)
    #: names that their folder would lose
    _unsafe: set[Path] = field(default_factory=set)
    #: named, and never flushed
    _hollow: set[Path] = field(default_factory=set)

    @contextmanager
    def mounted(self) -> Iterator[None]:
        rename = filestore._rename

        def named(unfinished: Path, place: Path, size: int) -> None:
            self.hub.step("flushed")
            is_new = filestore._size(place) != size
            rename(unfinished, place, size)
            if is_new:
                self._unsafe.add(place)
                (self._hollow.discard if unfinished in self._flushed else self._hollow.add)(place)
            self._flushed.discard(unfinished)
            self.hub.step("named")

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(os, "fsync", self._fsync))
            stack.enter_context(mock.patch.object(filestore, "_rename", named))
            stack.enter_context(mock.patch.object(filestore, "_flushers", AtOnce))
            stack.enter_context(mock.patch.object(filestore.FileBlobs, "lock", return_value=nullcontext()))
            yield

    def _fsync(self, handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        if path.is_dir():
            self._unsafe = {place for place in self._unsafe if place.parent != path}
        else:
            self._flushed.add(path)
            self._hollow.discard(path)

    def lose_power(self) -> None:
        """Of names that were not flushed some are gone; a file that was not has its length, and zeros."""
        for place in sorted(self._unsafe):
            if self.hub.random.random() < 0.5:
                place.unlink(missing_ok=True)
        for place in filter(Path.exists, self._hollow):
            place.write_bytes(bytes(place.stat().st_size))
        self._unsafe.clear()
        self._hollow.clear()
        self._flushed.clear()


class AtOnce:
    """Instead of threads, whose turn nobody knows."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments))
        except OSError as problem:
            done.set_exception(problem)
        return done

    def map(self, work: Callable[..., Any], each: Iterable[Any]) -> list[Any]:
        return [work(one) for one in each]
