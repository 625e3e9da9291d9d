"""Functions for zenvoices.lib.apart as a hostile file would have them behave. Only its tests name this module."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import time
from typing import Any

from zenvoices.lib.apart_process import Source, Target


def copy(source: Source, target: Target, times: int = 1) -> dict[str, Any]:
    view = source.view()
    for _ in range(times):
        target.write(view)
    return {"written": target.at, "process": os.getpid()}


def surroundings(source: Source, target: Target) -> dict[str, Any]:
    names = {int(name) for name in os.listdir("/proc/self/fd")}
    kinds = sorted(os.readlink(f"/proc/self/fd/{name}").partition(":")[0] for name in names if _is_open(name))
    return {"environment": sorted(os.environ), "files": kinds, "process": os.getpid()}


def _is_open(name: int) -> bool:
    try:
        os.fstat(name)
    except OSError:
        return False
    return True


def grow(source: Source, target: Target) -> int:
    return len(bytearray(200_000_000)) and os.getpid()


def eat(source: Source, target: Target) -> None:
    kept = []
    while True:
        kept.append(bytearray(10_000_000))


def loop(source: Source, target: Target) -> None:
    while True:
        pass


def never_back_to_python(source: Source, target: Target) -> None:
    target.write(b"!")  # it has begun
    re.match(r"(a|a)*b", "a" * 60)


def sleep(source: Source, target: Target) -> None:
    time.sleep(3600)


def crash(source: Source, target: Target) -> None:
    ctypes.string_at(0)


def talk_without_end(source: Source, target: Target) -> str:
    return "x" * 20_000_000


def mistake(source: Source, target: Target) -> None:
    raise IndexError


def full_disk(source: Source, target: Target) -> None:
    raise OSError(errno.ENOSPC, "")


FUNCTIONS = {
    one.__name__: one
    for one in (
        copy,
        surroundings,
        grow,
        eat,
        loop,
        never_back_to_python,
        sleep,
        crash,
        talk_without_end,
        mistake,
        full_disk,
    )
}
