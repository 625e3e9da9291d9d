"""Programs run side by side, told in lines that bear their names, and summed up at the end."""

from __future__ import annotations

import os
import subprocess
import textwrap
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from xml.etree import ElementTree

from scripts.bootstrap import ROOT, say


def cores() -> int:
    """As many as this process may use, which a container or taskset may have made fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


#: characters of what a test that failed says for itself, in the summary
SAID = 400


@dataclass(frozen=True)
class Step:
    """`report`: where a run of pytest writes its counts. `fine`: the exit codes that are no failure."""

    name: str
    command: list[str]
    environment: dict[str, str]
    report: Path | None = None
    fine: tuple[int, ...] = (0,)


@dataclass
class Summary:
    rows: list[tuple[str, str, float]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"failed": 0, "passed": 0, "skipped": 0})
    started: float = field(default_factory=time.monotonic)

    def row(self, name: str, ok: bool, seconds: float) -> None:
        self.rows.append((name, "ok" if ok else "FAILED", seconds))

    @property
    def ok(self) -> bool:
        return all(outcome == "ok" for _, outcome, _ in self.rows)

    def count(self, report: Path) -> None:
        root = ElementTree.parse(report).getroot()  # noqa: S314 -- pytest's own # nosec
        for case in root.iter("testcase"):
            for problem in (*case.iter("failure"), *case.iter("error")):
                said = textwrap.shorten(problem.get("message", ""), SAID, placeholder=" ...")
                self.failed.append(f"{case.get('classname')}::{case.get('name')}: {said}")
        for suite in root.iter("testsuite"):
            numbers = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
            failed = numbers["failures"] + numbers["errors"]
            self.counts["failed"] += failed
            self.counts["skipped"] += numbers["skipped"]
            self.counts["passed"] += numbers["tests"] - failed - numbers["skipped"]

    def tell(self) -> None:
        say("\n" + "-" * 60)
        for name, outcome, seconds in self.rows:
            say(f"{outcome:7} {seconds:6.1f} s  {name}")
        for reason in self.skipped:
            say(f"SKIPPED           {reason}")
        failed_checks = [name for name, outcome, _ in self.rows if outcome != "ok"]
        for name in self.failed:
            say(f"FAILED            {name}")
        if failed_checks:
            say(f"Failed: {', '.join(failed_checks)}")
        counted = ", ".join(f"{count} {word}" for word, count in self.counts.items() if count or word == "passed")
        say(f"====== {counted} in {time.monotonic() - self.started:.2f}s ======")


class SideBySide:
    """Lanes of steps: those of one lane run one after the other, the lanes beside each other."""

    def __init__(self, summary: Summary) -> None:
        self._summary, self._lock = summary, Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_over = False

    def run(self, *lanes: Sequence[Step]) -> None:
        with ThreadPoolExecutor(len(lanes)) as pool:
            begun = [pool.submit(self._lane, lane) for lane in lanes]
            try:
                for one in begun:
                    one.result()
            except BaseException:
                self._is_over = True
                for process in tuple(self._running):
                    process.terminate()
                raise

    def _lane(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if not self._is_over:
                self._step(step)

    def _step(self, step: Step) -> None:
        started = time.monotonic()
        with subprocess.Popen(
            step.command, cwd=ROOT, env=step.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        ) as process:  # fmt: skip
            self._running.add(process)
            for line in process.stdout or ():
                self._say(f"{step.name:14} | {line.rstrip()}")
        self._running.discard(process)
        with self._lock:
            self._summary.row(step.name, process.returncode in step.fine, time.monotonic() - started)
            if step.report and step.report.exists():
                self._summary.count(step.report)

    def _say(self, line: str) -> None:
        with self._lock:
            say(line)
