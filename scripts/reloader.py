"""Runs a program, and starts it anew when a file of the portal changes.

    python -m scripts.reloader PROGRAM ARGUMENT...

A program that ended, by a half-typed file for instance, is started again at the next change. Django's own reloader
ends with such settings, does not see what changes while it starts, and leaves no thread the time to finish.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from scripts.bootstrap import ROOT, say
from scripts.prepared import APPS

FOLDERS = (*APPS, "templates")
SUFFIXES = (".py", ".html", ".txt", ".mo")
LOOK_SECONDS = 0.5
#: A worker ends when its tasks have; a fetch that takes longer is killed, and the next one goes on with it.
GRACE_SECONDS = 30


def main(command: list[str]) -> None:
    signal.signal(signal.SIGTERM, _end)
    while True:
        seen = snapshot()
        program = subprocess.Popen(command)
        try:
            while snapshot() == seen:
                time.sleep(LOOK_SECONDS)
        finally:
            _stop(program)
        say("--- a file changed, starting anew")


def snapshot() -> set[tuple[str, int]]:
    """Every file that the portal reads when it starts, with the time of its last change."""
    found = set()
    for folder in FOLDERS:
        for path, _, names in os.walk(ROOT / folder):
            for name in names:
                if name.endswith(SUFFIXES):
                    found.add(_changed(os.path.join(path, name)))
    return found


def _changed(file: str) -> tuple[str, int]:
    try:
        return file, os.stat(file).st_mtime_ns
    except FileNotFoundError:  # an editor is putting the new one in its place
        return file, 0


def _stop(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit()


if __name__ == "__main__":
    main(sys.argv[1:])
