"""What a worker does with its memory."""

from __future__ import annotations

import ctypes
import gc

_M_ARENA_MAX = -8  # mallopt(3)
_ARENAS = 2


def share_arenas() -> None:
    """glibc gives each thread an arena of its own, which keeps what the thread once used: 64 threads keep a lot.

    Like MALLOC_ARENA_MAX, but for whoever starts the process. Call it before the threads start; other C libraries
    have no arenas.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def leave_out_what_is_loaded() -> None:
    """Code and settings stay as long as the worker: looking through them for garbage, again and again, finds none.

    Call it when everything is loaded.
    """
    gc.collect()
    gc.freeze()
