"""One simulated clock, and processes that take turns on it: greenlets of one thread, so one seed gives one history."""

from __future__ import annotations

import heapq
import itertools
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest import mock

import time_machine
from django.db import connection
from greenlet import getcurrent, greenlet

from zenvoices.lib.scoping import announce_to_new_connection

#: how Django writes Now() for SQLite and for PostgreSQL
_NOW = re.compile(r"STRFTIME\('[^']*', 'NOW'\)|STATEMENT_TIMESTAMP\(\)")
#: steps between which an order is kept: there the power fails so many times as often
_KEEPS_ORDER = {"named": 10, "before_commit": 10, "committed": 50, "before_seen": 10, "store": 10, "finish": 10}
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Killed(BaseException):
    """`kill -9` inside a transaction: the database takes it back, nothing else happens."""


@dataclass(eq=False)
class Process:
    """Something that runs until it ends or is killed. `name`, its role and a number, holds its leases."""

    role: str
    name: str
    greenlet: greenlet
    dead: bool = False


@dataclass
class Hub:
    random: random.Random
    now: float = BEGIN.timestamp()
    #: how likely a process is killed at a step
    deadly: float = 0.0
    kills: int = 0
    #: how likely the machine loses its power at a step, while it may
    powerless: float = 0.0
    power_cuts: int = 0
    #: called after each, and after the end of each process that was killed
    on_power_cut: Callable[[], object] = lambda: None
    on_kill: Callable[[Process], object] = lambda process: None
    processes: dict[greenlet, Process] = field(default_factory=dict)
    _queue: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _graves: list[greenlet] = field(default_factory=list)
    _main: greenlet = field(default_factory=getcurrent)
    _traveller: time_machine.Coordinates | None = None

    # --- processes ---------------------------------------------------------------------------------------

    def start(self, work: Callable[[], object], role: str) -> Process:
        def live() -> None:
            try:
                work()
            except Killed:
                pass
            finally:
                self.processes.pop(process.greenlet).dead = True

        process = Process(role, f"{role}-{next(self._numbers)}", greenlet(live, self._main))
        self.processes[process.greenlet] = process
        self._wake_after(0, process)
        return process

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), what))

    def _wake_after(self, seconds: float, process: Process) -> None:
        self.after(seconds, lambda: self._wake(process))

    def _wake(self, process: Process) -> None:
        if not process.dead:
            process.greenlet.switch()
            _announce_scope()

    def run(self, seconds: float) -> None:
        """Everything that happens in this time."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            at, _, what = heapq.heappop(self._queue)
            self._move(at)
            what()
        self._move(end)

    def current(self) -> Process | None:
        return self.processes.get(getcurrent())

    def sleep(self, seconds: float) -> None:
        """Others have their turn, unless we hold a transaction: SQLite has one writer."""
        process = self.current()
        if process is None or process.dead or connection.in_atomic_block:
            return
        self._wake_after(max(seconds, 0.0), process)
        self._main.switch()
        _announce_scope()

    def step(self, name: str) -> None:
        """A named step: the process may end here as by `kill -9`, all may end with the power, or others go first."""
        process = self.current()
        if process is None or process.dead:  # dead: a transaction is being taken back
            return
        chance = self.random.random()
        powerless = self.powerless * _KEEPS_ORDER.get(name, 1)
        if chance < powerless:
            self.cut_power(process)
        elif chance < powerless + self.deadly:
            self.kill(process)
        self.sleep(self.random.random() * 0.2)

    def kill(self, process: Process) -> None:
        """The one whose turn it is. Nothing of it is run any more: no `finally`, no goodbye."""
        if connection.in_atomic_block:
            self._end(process)
            raise Killed
        self._bury(process)
        self._main.switch()

    def cut_power(self, process: Process) -> None:
        """All processes end at once, and what was not flushed is lost. Only `process`, whose turn it is, may be inside
        a transaction.
        """
        self.power_cuts += 1
        for other in [other for other in self.processes.values() if other is not process]:
            self._bury(other)
        self.on_power_cut()
        self.kill(process)

    def _end(self, process: Process) -> None:
        self.kills += 1
        process.dead = True
        self.on_kill(process)

    def _bury(self, process: Process) -> None:
        self._end(process)
        self._graves.append(self.processes.pop(process.greenlet).greenlet)

    def is_dead(self, name: str) -> bool:
        return not any(process.name == name for process in self.processes.values())

    # --- the clock ---------------------------------------------------------------------------------------

    def _move(self, at: float) -> None:
        self.now = max(self.now, at)
        if self._traveller:
            self._traveller.move_to(self.now)

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Inside, every clock of this process and of the database is ours."""
        with ExitStack() as stack:
            self._traveller = stack.enter_context(time_machine.travel(self.now, tick=False))
            stack.enter_context(mock.patch.object(time, "monotonic", self._seconds))
            stack.enter_context(mock.patch.object(time, "sleep", self.sleep))
            stack.enter_context(mock.patch.object(os, "urandom", self.random.randbytes))  # ids decide who is due when
            stack.enter_context(connection.execute_wrapper(self._with_our_now))
            yield

    def _with_our_now(self, execute: Callable[..., object], sql: str, *rest: object) -> object:
        """In what is sent, not in what is made: the SQL that is made once in a process stays as it was."""
        return execute(_NOW.sub(self._written(), sql), *rest)

    def _written(self) -> str:
        moment = datetime.fromtimestamp(self.now, UTC)
        written = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06}"
        return f"TIMESTAMPTZ '{written}+00'" if connection.vendor == "postgresql" else f"'{written}'"

    def _seconds(self) -> float:
        return self.now

    def date(self) -> str:
        return str(timedelta(seconds=round(self.now - BEGIN.timestamp())))


def _announce_scope() -> None:
    """Everybody has the one connection: it is told whose turn it is (zenvoices/lib/scoping.py)."""
    announce_to_new_connection(None, connection)
