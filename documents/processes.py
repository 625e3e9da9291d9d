"""Work on files that may be hostile, in a process of its own: it limits itself, knows no secret, and may die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from django.conf import settings

SECONDS = 20


class Killed(Exception):
    """Ended by its limit of processor time, or by a fault in a library: the file's doing."""


class TimedOut(Exception):
    """Not ready in `SECONDS`: a hard file, or a busy machine."""


class Failed(Exception):
    """It did not do what it always does: our doing."""


def answer_of(module: str, *arguments: str) -> dict[str, Any]:
    """The line of JSON that `python -m module arguments` prints. Raises Killed, TimedOut or Failed."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=settings.BASE_DIR,
            env=kept | {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise TimedOut from problem
    if done.returncode < 0:
        raise Killed
    if done.returncode != 0:
        raise Failed
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
