"""Many channels at their half hour, and what breaks meanwhile: python -m bench.scale (make bench ARGS=--scale)

The processes that compose starts, on PostgreSQL as the role that serves and on a broker of its own; mail servers are
simulated (bench.scale_server). Linux alone: it takes loopback addresses by the hundred.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench import scale_figures as figures
from bench import scale_watch as watch
from bench.scale_figures import Cost, Harm, Seen
from bench.scale_portal import LARGE, ROOT, Portal, addresses, portal
from scripts.steps import cores

WORK: Final = ROOT / "var" / "bench"
ROWS: Final = ("flood", "held", "quiet", "worker", "broker", "database", "import")
#: worker processes of the rows that compare them
PROCESSES: Final = (1, 2, 4)
#: For who shows what processes carry: how many connections one provider allows is no matter of processes.
NO_LIMITS: Final = {"FETCH_PER_HOST": "1000", "FETCH_PER_ADMINISTRATION": "1000"}
#: of a core, for each worker process, in the rows that this machine has too few cores for
SHARE: Final = 0.2
PERIOD: Final = 0.1  # seconds
#: a fault lasts so long, but a worker is started again at once, as compose does
DOWN: Final = 5.0
#: what is late after a window is waited for so long
GRACE: Final = 240.0


@dataclass
class Found:
    """Lines of the three tables, and the promises that were broken."""

    scale: list[list[str]] = field(default_factory=list)
    faults: list[list[str]] = field(default_factory=list)
    floods: list[list[str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass
class Bench:
    options: argparse.Namespace
    portal: Portal
    found: Found = field(default_factory=Found)

    def run(self) -> Found:
        rows = [row for row in ROWS if row in self.options.rows]
        if {"flood", "held"} & set(rows):
            self._floods(held="held" in rows)
        for row in rows:
            if row in ("quiet", "import"):
                self._window(row, self._import if row == "import" else None)
            elif row in ("worker", "broker", "database"):
                self._window(row, fault=getattr(self, f"_kill_{row}"))
        return self.found

    # --- A window of the half hour --------------------------------------------------------------------

    def _window(
        self, name: str, before: Callable[[], object] | None = None, fault: Callable[[], object] | None = None
    ) -> None:
        options = self.options
        with self._running(options.workers):
            if before:
                before()
            time.sleep(options.warm_up)
            mails, watched = watch.mails(self.portal), watch.Watch(self.portal)
            began = time.time()
            watched.start()
            killed = self._middle(fault)
            time.sleep(max(0.0, began + options.window - time.time()))
            until, cost = time.time(), watched.stop()
            mails = watch.mails(self.portal) - mails
            watch.wait_for(self.portal, began, until, GRACE)
            slots, harm = watch.slots(self.portal, began, until), watch.harm(self.portal, began, until)
        self._note(name, slots, cost, harm, (began, until), killed, mails)

    def _middle(self, fault: Callable[[], object] | None) -> float | None:
        """The moment of the fault."""
        if fault is None:
            return None
        time.sleep(self.options.window / 2)
        moment = time.time()
        fault()
        return moment

    def _note(
        self, name: str, slots: Sequence[figures.Slot], cost: Cost, harm: Harm, window: tuple[float, float],
        killed: float | None, mails: int,
    ) -> None:  # fmt: skip
        seen = watch.sessions(self.portal, *window)
        begun = [began for host, began, _ in seen if host != LARGE]
        others = f"{figures.most_at_once(seen)} at most at one host"
        others += f", {cost.processor.get('servers', 0) / (window[1] - window[0]):.0%} of a core for the servers"
        if mails:
            others += f", {mails} mails imported"
        seconds = window[1] - window[0]
        runs = sum(ended < window[1] for ended in watch.finished_since(self.portal, window[0]))
        row = Seen(name, self.options.channels, self.options.workers, seconds, slots, runs, begun, cost, others)
        self.found.scale.append(figures.scale_line(row))
        if killed is not None:
            self.found.faults.append(figures.fault_line(row, harm, killed))
        self.found.broken += figures.broken(row, harm, killed)
        say(figures.table(figures.SCALE_HEAD, [self.found.scale[-1]]))
        for took, calls, words in watch.slowest(self.portal) if self.options.slowest else ():
            say(f"{took:9.3f} s {calls:8} times {words}")

    def _import(self) -> None:
        watch.import_begins(self.portal)

    def _kill_worker(self) -> None:
        self.portal.kill("fetch1")
        self.portal.start("fetch1")

    def _kill_broker(self) -> None:
        self.portal.broker.kill()
        time.sleep(DOWN)
        self.portal.broker.start()

    def _kill_database(self) -> None:
        self.portal.database.stop_at_once()
        time.sleep(DOWN)
        self.portal.database.start()

    # --- As much work as there is ---------------------------------------------------------------------

    def _floods(self, *, held: bool) -> None:
        free = [self._flood(processes, 1.0) for processes in PROCESSES]
        slow = [self._flood(processes, SHARE) if held else float("nan") for processes in PROCESSES]
        for processes, one, other in zip(PROCESSES, free, slow, strict=True):
            times = [f"{one:.1f}", f"{one / free[0]:.2f}", f"{other:.1f}", f"{other / slow[0]:.2f}"]
            self.found.floods.append([str(processes), *times])

    def _flood(self, processes: int, share: float) -> float:
        """Runs a second while all are due."""
        due = min(self.options.flood, self.options.channels)
        if share < 1:
            due = min(due, int(due * SHARE * processes))
        with self._running(processes, due, NO_LIMITS), held_to(self.portal, share):
            began = time.time()
            deadline = began + self.options.window + GRACE
            finished: list[float] = []
            while len(finished) < due and time.time() < deadline:
                time.sleep(2)
                finished = watch.finished_since(self.portal, began)
        rate = figures.rate(finished)
        say(f"flood of {due}, {processes} processes, {share} of a core each: {rate:.1f} runs a second")
        return rate

    @contextmanager
    def _running(
        self, workers: int, due: int | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[None]:
        """Everything that compose starts but the web, after a rest; nothing at the end."""
        names = [f"fetch{number + 1}" for number in range(workers)]
        self.portal.kill_all()
        self.portal.forget_queued()
        try:
            for name in (*names, "checks", "documents"):
                self.portal.start(name, **settings)
            self.portal.wait_until_ready((*names, "checks", "documents"))
            watch.rest(self.portal, due)
            self.portal.start("beat", **settings)
            yield
        finally:
            self.portal.kill_all()


@contextmanager
def held_to(portal: Portal, share: float) -> Iterator[None]:
    """Each worker process goes on for this share of the time and stands still for the rest, in turns."""
    over = threading.Event()

    def turns() -> None:
        while not over.is_set():
            began = time.monotonic()
            for worker in portal.workers:
                worker.send_signal(signal.SIGCONT)
                time.sleep(share * PERIOD)
                worker.send_signal(signal.SIGSTOP)
            over.wait(max(0.0, began + PERIOD - time.monotonic()))

    thread = threading.Thread(target=turns, daemon=True)
    if share < 1:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if share < 1:
            thread.join()
            for worker in portal.workers:
                worker.send_signal(signal.SIGCONT)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what was started is ended
        signal.signal(number, signal.default_int_handler)
    try:
        return _measure(options)
    except KeyboardInterrupt:
        say("stopped")
        return 130


def _measure(options: argparse.Namespace) -> int:
    began, hosts = time.monotonic(), addresses(options.hosts)
    with portal(options.work, hosts, options.mails) as ground:
        seed = [sys.executable, "-m", "bench.scale_seed", str(options.channels), str(options.administrations), LARGE]
        subprocess.run([*seed, *hosts], cwd=ROOT, env=os.environ | ground.environment, check=True)
        watch.note_slots(ground)
        say(f"{options.channels} channels seeded in {time.monotonic() - began:.0f} s")
        found = Bench(options, ground).run()
    print(f"{platform.machine()}, {cores()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}; "
          f"{options.channels} channels, {options.administrations} administrations, {options.hosts} hosts, "
          f"window {options.window} s; {time.monotonic() - began:.0f} s in all")  # fmt: skip
    for head, lines in (
        (figures.SCALE_HEAD, found.scale), (figures.FAULT_HEAD, found.faults), (figures.FLOOD_HEAD, found.floods),
    ):  # fmt: skip
        if lines:
            print(f"\n{figures.table(head, lines)}")
    print("\n" + ("\n".join(f"NOT KEPT: {words}" for words in found.broken) or "Every promise was kept."))
    return 1 if found.broken else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--channels", type=int, default=100_000)
    parser.add_argument("--administrations", type=int, default=2_000)
    parser.add_argument("--hosts", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2, help="fetch worker processes of 64 threads")
    parser.add_argument("--window", type=int, default=300, help="seconds; at most 1,500")
    parser.add_argument("--warm-up", type=int, default=60, help="seconds before it that do not count")
    parser.add_argument("--flood", type=int, default=6_000, help="channels that are due at once")
    parser.add_argument("--mails", type=int, default=100_000, help="in the mailbox that is imported")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--slowest", action="store_true", help="tells the statements that took longest in each window")
    parser.add_argument("--work", type=Path, default=WORK, help="on the disk that the documents go to")
    options = parser.parse_args(arguments)
    if options.window > 1_500:
        parser.error("a channel may have one half hour in a window, so 1,500 seconds at most")
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
