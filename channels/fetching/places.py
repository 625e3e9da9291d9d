"""Places: how many fetches at the same time on each mail host and in each administration.

A limit is a number at the same time, never a rate: whoever ends a run gives its places to those who wait for one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, QuerySet

from channels.models import Channel, FetchRun

#: names the lock of PostgreSQL under which places are given out
_LOCK: Final = 0x7A76_706C
EVERY_RUN: Final = Q()
#: More than workers begin in a second, after which more is claimed. Each claim reads every open run: a backlog that is
#: queued whole would make itself longer.
MOST_QUEUED: Final = 500


@dataclass(slots=True)
class Places:
    """Taken by runs that are queued or under way; by those that somebody asked for too, though they wait for none."""

    hosts: Counter[str]
    administrations: Counter[UUID]
    #: runs that no worker has begun, but those of mailboxes that go on
    queued: int = 0

    @classmethod
    def taken(cls, by: Q = EVERY_RUN) -> Places:
        """`by`: which runs are counted."""
        places = cls(Counter(), Counter())
        runs = open_runs().filter(by)
        for host, administration_id, goes_on, state in runs.values_list(
            "channel__host", "administration_id", "channel__goes_on", "state"
        ):
            places.hosts[host] += 1
            places.administrations[administration_id] += 1
            places.queued += state == FetchRun.State.QUEUED and not goes_on
        return places

    def take(self, host: str, administration_id: UUID) -> bool:
        """False when one of the limits is reached; then nothing is taken."""
        free = (
            self.hosts[host] < settings.FETCH_PER_HOST
            and self.administrations[administration_id] < settings.FETCH_PER_ADMINISTRATION
        )
        if free:
            self.hosts[host] += 1
            self.administrations[administration_id] += 1
        return free

    def claim(self, channel: Channel) -> bool:
        """The same for the schedule, which has no more queued than is begun in a moment."""
        if self.queued >= MOST_QUEUED and not channel.goes_on:
            return False
        is_taken = self.take(channel.host, channel.administration_id)
        self.queued += is_taken and not channel.goes_on
        return is_taken

    def were_scarce_on(self, host: str, ended: int) -> bool:
        """One is left, and before so many runs ended there no more than half of them were free. So the other."""
        return _were_scarce(self.hosts[host], ended, settings.FETCH_PER_HOST)

    def were_scarce_in(self, administration_id: UUID, ended: int) -> bool:
        return _were_scarce(self.administrations[administration_id], ended, settings.FETCH_PER_ADMINISTRATION)


def _were_scarce(taken: int, ended: int, most: int) -> bool:
    return taken < most and taken + ended >= (most + 1) // 2


def open_runs() -> QuerySet[FetchRun]:
    """Queued or running."""
    return FetchRun.objects.filter(finished_at=None).order_by()


def with_a_place(channels: QuerySet[Channel]) -> QuerySet[Channel]:
    """Those whose host and administration have a place left: the database passes over the others by itself."""
    return channels.exclude(host__in=_full("channel__host", settings.FETCH_PER_HOST)).exclude(
        administration_id__in=_full("administration_id", settings.FETCH_PER_ADMINISTRATION)
    )


def _full(kind: str, most: int) -> QuerySet[FetchRun, Any]:
    return open_runs().values(kind).annotate(n=Count("pk")).filter(n__gte=most).values(kind)


def one_at_a_time(lock: int = _LOCK, *, waits: bool = True) -> bool:
    """Until this transaction ends nobody else gives out places under this lock, so none is given twice. False when
    somebody else has it, for who does not wait. SQLite's transactions exclude each other by themselves.
    """
    if connection.vendor != "postgresql":
        return True
    take = "pg_advisory_xact_lock(%s)::text IS NOT NULL" if waits else "pg_try_advisory_xact_lock(%s)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {take}", [lock])
        (taken,) = cursor.fetchone()
    return bool(taken)
