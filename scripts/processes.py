"""Starts the programs of `make run`, keeps their logs, and sees to it that none outlives the launcher."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.bootstrap import ROOT

TAIL_LINES = 15


class ProcessEnded(Exception):
    """A program that should run on has ended."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        tail = "\n".join(f"    {line}" for line in lines)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        super().__init__(f"{name} {how}. The last lines of {log}:\n{tail}")


class Processes:
    """`keep_open`: the descriptor of the lock file, which stays locked until the last process has ended."""

    def __init__(self, logs: Path, keep_open: int) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)
        # A socket's path may have 107 bytes at most: DATA_DIR may lie too deep for one.
        folder = tempfile.mkdtemp(prefix="zv-", dir="/tmp")  # of its own # nosec
        self.folder = Path(folder)
        reading, self._pipe = os.pipe()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-m", "scripts.watchdog", str(reading), str(self.folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._open_log("watchdog"),
            pass_fds=(reading, keep_open),
            start_new_session=True,
        )
        os.close(reading)

    def start(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        def tell_watchdog() -> None:
            os.write(self._pipe, b"%d\n" % os.getpid())

        self._running[name] = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._open_log(name),
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the launcher only
            preexec_fn=tell_watchdog,
        )

    def run(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        """To its end, which has to be a good one."""
        self.start(name, command, env)
        code = self._running.pop(name).wait()
        if code:
            raise ProcessEnded(name, code, self._log(name))

    def check(self) -> None:
        for name, process in {**self._running, "watchdog": self._watchdog}.items():
            code = process.poll()
            if code is not None:
                raise ProcessEnded(name, code, self._log(name))

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} took longer than {seconds:.0f} seconds; see {self._logs}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Lets go of the pipe, so that the watchdog ends everything; reaps what it ended."""
        os.close(self._pipe)
        while self._watchdog.poll() is None:
            for process in self._running.values():
                process.poll()
            time.sleep(0.02)
        for process in self._running.values():
            if process.poll() is None:  # only if somebody killed the watchdog
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open_log(self, name: str) -> int:
        return os.open(self._log(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"
