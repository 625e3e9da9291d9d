"""Half hours of a whole portal in seconds: the real schedule, claims and hand-ons, on a clock of the test.

Only the fetches are not real: each takes its time and a worker's thread.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from administrations.models import Administration, Environment
from channels import tasks
from channels.fetching import runs, schedule
from channels.models import Channel, FetchRun
from zenvoices.lib.scoping import every_administration

BEGIN = datetime(2026, 11, 22, 12, 0, 13, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: a fifth as often as beat asks for one: they take most of a test's time
LOOK = timedelta(seconds=5)


def office(name: str, administrations: int) -> list[Administration]:
    environment = Environment.objects.create(name=name)
    return Administration.objects.bulk_create(
        Administration(environment=environment, name=f"{name} {number}", plan="premium")
        for number in range(administrations)
    )


def channels_of(chance: random.Random, administration: Administration, host: str, number: int) -> list[Channel]:
    """`chance` gives the ids, and so the seconds of the half hour."""
    known = {"administration": administration, "name": f"box@{host}", "host": host, "port": 993, "username": "box"}
    ids = (UUID(int=chance.getrandbits(128), version=4) for _ in range(number))
    made = [Channel(pk=pk, **known, state="active") for pk in ids]
    for channel in made:
        channel.next_fetch_at = schedule.next_slot(channel.pk, BEGIN)
    with every_administration():
        return Channel.objects.bulk_create(made)


@dataclass
class World:
    """Its channels by id; `seconds`: how long a fetch takes; `goes_on`: how many runs more a mailbox has work for."""

    channels: dict[UUID, Channel]
    threads: int
    seconds: Callable[[Channel], float]
    goes_on: dict[UUID, int] = field(default_factory=dict)
    #: when each channel's fetches began
    begun: dict[UUID, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    #: the most fetches at the same time on each host and in each administration
    most: Counter[object] = field(default_factory=Counter)
    _now: Counter[object] = field(default_factory=Counter)
    _messages: list[tuple[int, int, tuple[str, str]]] = field(default_factory=list)
    _running: dict[UUID, FetchRun] = field(default_factory=dict)
    _events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def live(self, until: timedelta) -> None:
        with time_machine.travel(BEGIN, tick=False) as clock, self._patched():
            self._at(BEGIN, self._tick)
            self._at(BEGIN, self._look)
            while self._events and self._events[0][0] <= BEGIN + until:
                moment, _number, happen = heapq.heappop(self._events)
                clock.move_to(moment)
                happen()
                self._start_what_waits()

    def late(self, until: timedelta) -> dict[UUID, list[float]]:
        """Of each channel the minutes between two fetches that are not half an hour, give or take one.

        Its first and its last fetch have the begin and the end beside them.
        """
        found = {}
        for channel in self.channels:
            moments = self.begun[channel]
            gaps = [b - a for a, b in itertools.pairwise(moments)]
            odd = [gap for gap in gaps if abs(gap - settings.FETCH_INTERVAL) > MINUTE]
            around = [BEGIN, *moments[:1], *moments[-1:], BEGIN + until]
            odd += [b - a for a, b in (around[:2], around[-2:]) if b - a > settings.FETCH_INTERVAL + MINUTE]
            if odd:
                found[channel] = [gap / MINUTE for gap in odd]
        return found

    @contextmanager
    def _patched(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(tasks.fetch, "apply_async", self._send)
            patched.setattr(tasks.fetch_bundle, "apply_async", self._send_bundle)
            patched.setattr(runs, "perform", self._perform)
            yield

    def _send(self, args: tuple[str, str], *_: object, priority: int = 0, **__: object) -> None:
        heapq.heappush(self._messages, (priority, next(self._numbers), args))

    def _send_bundle(self, args: tuple[Sequence[tuple[str, str]]], *, priority: int) -> None:
        """Its runs are carried out side by side, each by a thread."""
        for one in args[0]:
            self._send(one, priority=priority)

    def _at(self, moment: datetime, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), happen))

    def _tick(self) -> None:
        tasks.tick()
        self._at(timezone.now() + timedelta(seconds=settings.TICK_SECONDS), self._tick)

    def _look(self) -> None:
        tasks.look()
        self._at(timezone.now() + LOOK, self._look)

    def _start_what_waits(self) -> None:
        while self._messages and len(self._running) < self.threads:
            _priority, _number, message = heapq.heappop(self._messages)
            with every_administration():
                run = FetchRun.objects.get(pk=message[1])
                run.channel = self.channels[run.channel_id]
                FetchRun.objects.filter(pk=run.pk).update(state="running", started_at=timezone.now())
            channel = self.channels[run.channel_id]
            self._running[run.pk] = run
            self._count(channel, 1)
            self.begun[channel.pk].append(timezone.now())
            self._at(timezone.now() + timedelta(seconds=self.seconds(channel)), partial(tasks.fetch, *message))

    def _perform(self, run_id: UUID, _budget: Any) -> FetchRun:
        run = self._running.pop(run_id)
        FetchRun.objects.filter(pk=run_id).update(state="finished", finished_at=timezone.now())
        self._count(self.channels[run.channel_id], -1)
        if self.goes_on.get(run.channel_id, 0):
            self.goes_on[run.channel_id] -= 1
            Channel.objects.filter(pk=run.channel_id).update(next_fetch_at=timezone.now(), goes_on=True)
        return run

    def _count(self, channel: Channel, change: int) -> None:
        for key in (channel.host, channel.administration_id):
            self._now[key] += change
            self.most[key] = max(self.most[key], self._now[key])
