"""The other side of `apart`: run as a process of its own, it serves one function at a time.

    python -m zenvoices.lib.apart_process MODULE LINE LIFELINE MEMORY

No Django here, and nothing secret: it starts in a tenth of a second. The kernel keeps the limits, also where a
library never comes back to Python: the default action of SIGPROF, SIGALRM and SIGIO is to end the process.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import io
import json
import mmap
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from zenvoices.lib.apart import LENGTH, PATIENCE_SECONDS

WRITTEN_BYTES = 1 << 30
JOBS = 1_000
#: kilobytes that it may have used at most to be asked again
SLIM = 128 * 1024
_LONGEST_ORDER = 64 * 1024
_CHUNK = 1 << 20
_OURS = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE])


class Source(io.RawIOBase):
    """A stretch of an open file, as a file of its own; whoever else reads that file is not disturbed."""

    def __init__(self, handle: int, start: int, size: int) -> None:
        self._handle, self._start, self.size = handle, start, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer).cast("B") as view:
            wanted = max(0, min(len(view), self.size - self._at))
            data = os.pread(self._handle, wanted, self._start + self._at)
            view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def view(self) -> memoryview:
        """All of it, without a copy."""
        if not self.size:
            return memoryview(b"")
        skipped = self._start - self._start % mmap.ALLOCATIONGRANULARITY
        size = self._start - skipped + self.size
        mapped = mmap.mmap(self._handle, size, access=mmap.ACCESS_READ, offset=skipped)
        return memoryview(mapped)[self._start - skipped :]

    def copy(self, start: int, size: int, target: Target) -> None:
        """As much of a stretch as there is."""
        self.seek(start)
        end = min(start + size, self.size)
        while self._at < end and (chunk := self.read(min(_CHUNK, end - self._at))):
            target.write(chunk)

    def count(self, needle: bytes) -> int:
        found, kept = 0, b""
        self.seek(0)
        while chunk := self.read(_CHUNK):
            piece = kept + chunk
            found += piece.count(needle)
            kept = piece[len(piece) - len(needle) + 1 :] if len(needle) > 1 else b""
        self.seek(0)
        return found


class Target:
    """Where a function writes; `at` is how far it came."""

    def __init__(self, handle: int) -> None:
        self._handle, self.at = handle, 0

    def write(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        while left:
            written = os.write(self._handle, left)
            self.at += written
            left = left[written:]


def main(module: str, line: str, lifeline: str, memory: str) -> None:
    _die_with_parent(int(lifeline))
    _limit(int(memory))
    functions = importlib.import_module(module).FUNCTIONS
    with socket.socket(fileno=int(line)) as asked:
        _tell(asked, {"result": "ready"})
        for number in range(JOBS):
            order, handles, _, _ = socket.recv_fds(asked, _LONGEST_ORDER, 2)
            if not order:
                return
            answer = _done(functions, order, handles)
            answer["last"] = answer.get("last") or number == JOBS - 1 or _used() > SLIM
            _tell(asked, answer)


def _die_with_parent(lifeline: int) -> None:
    """Nobody writes to this pipe. When its other end closes, whatever closed it, SIGIO ends us."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    watch = select.poll()
    watch.register(lifeline, select.POLLHUP)
    if watch.poll(0):
        sys.exit()


def _limit(memory: int) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, WRITTEN_BYTES),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        _, ceiling = resource.getrlimit(kind)
        most = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(kind, (most, most))


def _done(functions: dict[str, Callable[..., Any]], order: bytes, handles: list[int]) -> dict[str, Any]:
    function, start, size, seconds, arguments = json.loads(order)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds + PATIENCE_SECONDS)
    try:
        return _called(functions[function], Source(handles[0], start, size), Target(handles[1]), arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for handle in handles:
            os.close(handle)


def _called(function: Callable[..., Any], source: Source, target: Target, arguments: dict[str, Any]) -> dict[str, Any]:
    """Whatever happens in there, here comes an answer."""
    try:
        result = function(source, target, **arguments)
    except MemoryError:
        return {"failed": "memory", "last": True}
    except OSError as problem:
        if problem.errno in _OURS:
            return {"our_errno": problem.errno}
        return {"failed": type(problem).__name__}
    except Exception as mistake:  # noqa: BLE001 (told to the caller, who says what it costs)
        return {"failed": type(mistake).__name__}
    return {"result": result}


def _used() -> int:
    """At most, since we are this program: Linux's rusage counts what our parent used before exec() as well."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def _tell(asked: socket.socket, answer: dict[str, Any]) -> None:
    data = json.dumps(answer).encode()
    asked.sendall(len(data).to_bytes(LENGTH, "big") + data)


if __name__ == "__main__":
    main(*sys.argv[1:])
