"""Calls functions in a process of their own, because what they read may be hostile.

The process is started when it is first needed, serves every thread, and is replaced when it dies, hangs or has
served long enough. It has limits of memory and time, no secret in its environment and no file or socket of ours but
its own. When our process ends, however that may be, the kernel ends it too (`apart_process`).
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MEMORY_BYTES = 512 * 1024 * 1024
#: of the clock, on top of what a function may use of the processor: the machine may be busy
PATIENCE_SECONDS = 10.0
START_SECONDS = 30.0
#: shorter than a fetch holds its lease
TURN_SECONDS = 30.0
LENGTH = 4  # bytes in front of each answer
_LONGEST_ANSWER = 16 * 1024 * 1024
_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
_OUT_OF_TIME = (-signal.SIGPROF, -signal.SIGALRM)


class NotDone(Exception):
    """The process gave no answer. `why`: "killed", "time", "memory", or the name of an exception in the function."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoProcess(OSError):
    """Our own machine has no process to offer."""


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of a file on this machine."""

    file: IO[bytes]
    start: int
    size: int


class Pool:
    """At most `processes` at a time for the functions that `module` lists in its FUNCTIONS."""

    def __init__(self, module: str, processes: int = 2) -> None:
        self._module = module
        self._turns = threading.BoundedSemaphore(processes)
        self._processes = processes
        self._idle: list[_Process] = []
        _pools.add(self)

    def call(self, function: str, source: Region, target: IO[bytes], seconds: float, **arguments: Any) -> Any:
        """What the function returns; it has written to `target`. Raises NotDone, or OSError for our own machine."""
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise NoProcess(errno.EAGAIN, "every process is busy")
        try:
            process = self._waiting() or _Process(self._module)
            try:
                answer = process.ask(function, source, target, seconds, arguments)
            except BaseException:
                process.end()
                raise
            if answer.get("last"):
                process.end()
            else:
                self._idle.append(process)
        finally:
            self._turns.release()
        if "our_errno" in answer:
            raise OSError(answer["our_errno"], os.strerror(answer["our_errno"]))
        if "failed" in answer:
            raise NotDone(answer["failed"])
        return answer["result"]

    def _waiting(self) -> _Process | None:
        """One that is still there; none that died since, which is no function's fault."""
        with contextlib.suppress(IndexError):
            while True:
                process = self._idle.pop()
                if process.is_alive():
                    return process
                process.end()
        return None

    def close(self) -> None:
        """Ends the processes that wait; the next call starts a new one."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().end()

    def forget(self) -> None:
        """In a forked child: the processes are the parent's."""
        for process in self._idle:
            process.forget()
        self._idle = []
        self._turns = threading.BoundedSemaphore(self._processes)


class _Process:
    def __init__(self, module: str) -> None:
        self._line, theirs = socket.socketpair()
        lifeline, self._life = os.pipe()
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "zenvoices.lib.apart_process"),
                    *(module, str(theirs.fileno()), str(lifeline), str(MEMORY_BYTES)),
                ],
                cwd=_ROOT,
                env=kept | {"LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), lifeline),
            )
        except OSError:
            self._line.close()
            os.close(self._life)
            raise
        finally:
            theirs.close()
            os.close(lifeline)
        try:
            self._answer(START_SECONDS)
        except NotDone as dead:
            self.end()
            raise NoProcess(errno.ECHILD, f"the process did not start: {dead.why}") from dead

    def ask(
        self, function: str, source: Region, target: IO[bytes], seconds: float, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        order = json.dumps([function, source.start, source.size, seconds, arguments]).encode()
        try:
            self._line.settimeout(START_SECONDS)
            socket.send_fds(self._line, [order], [source.file.fileno(), target.fileno()])
        except OSError as problem:
            raise NotDone("killed") from problem
        return self._answer(seconds + PATIENCE_SECONDS + 1)

    def _answer(self, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        try:
            length = int.from_bytes(self._received(LENGTH, deadline), "big")
            if length > _LONGEST_ANSWER:
                raise ValueError("an answer without end")
            answer: dict[str, Any] = json.loads(self._received(length, deadline))
        except TimeoutError as problem:
            raise NotDone("time") from problem
        except (OSError, EOFError, ValueError) as problem:
            self.end()
            raise NotDone("time" if self._process.returncode in _OUT_OF_TIME else "killed") from problem
        return answer

    def _received(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._line.settimeout(max(deadline - time.monotonic(), 0.001))
            piece = self._line.recv(min(size - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kills it unless it is dead, and waits until it is gone. Twice is harmless."""
        self.forget()
        # One that died by itself still has the signal to tell; it is given the moment that takes.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
            return
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        self._line.close()
        life, self._life = self._life, -1
        if life >= 0:
            os.close(life)


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _forget() -> None:
    for pool in _pools:
        pool.forget()


def _close() -> None:
    for pool in _pools:
        pool.close()


os.register_at_fork(after_in_child=_forget)
atexit.register(_close)
