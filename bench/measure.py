"""What a process and all below it cost: seconds, processor time, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVERY = 0.02  # seconds between two looks at the memory


@dataclass
class Run:
    """`peak`: bytes of resident anonymous memory of the process and its children, at the same moment.

    Mapped files are left out: the kernel takes their pages back whenever it likes.
    """

    seconds: float
    cpu: float
    peak: int
    result: dict[str, Any]


def contender(name: str, task: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Run:
    """Runs one of bench.contenders in a process of its own; what it needs to start is not counted."""
    command = [sys.executable, "-m", "bench.contenders", name, json.dumps(dict(task))]
    env = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        _expect(process, "ready")
        with _Watched(process.pid) as memory:
            process.stdin.write("go\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or "{}")
        process.stdin.close()
        if process.wait() or not answer:
            raise RuntimeError(f"{name} failed")
    return Run(answer["seconds"], answer["cpu"], memory.peak, answer["result"])


def command(words: list[str], **options: Any) -> Run:
    """Runs a program; its start is counted, which takes a few milliseconds."""
    began, before = time.perf_counter(), os.times()
    process = subprocess.Popen(words, **options)
    with _Watched(process.pid) as memory:
        code = process.wait()
    seconds, after = time.perf_counter() - began, os.times()
    if code:
        raise RuntimeError(f"{words[0]} failed with {code}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(seconds, cpu, memory.peak, {})


def _expect(process: subprocess.Popen[str], word: str) -> None:
    if process.stdout.readline().strip() != word:
        raise RuntimeError(f"{process.args} did not start")


class _Watched:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.peak = max(self.peak, sum(map(anonymous, tree(self._pid))))

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def tree(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:  # it has ended meanwhile
        return
    for task in tasks:
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def anonymous(pid: int) -> int:
    """Bytes of its resident anonymous memory."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0
