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
_MOST_SILENT: Final = "60s"
EVERY_RUN: Final = Q()


@dataclass(slots=True)
class Places:
    """Taken by runs that are queued or under way; by those that somebody asked for too, though they wait for none."""

    hosts: Counter[str]
    administrations: Counter[UUID]

    @classmethod
    def taken(cls, by: Q = EVERY_RUN) -> Places:
        """`by`: which runs are counted."""
        places = cls(Counter(), Counter())
        for host, administration_id in open_runs().filter(by).values_list("channel__host", "administration_id"):
            places.hosts[host] += 1
            places.administrations[administration_id] += 1
        return places

    def take(self, host: str, administration_id: UUID) -> bool:
        """False when one of the limits is reached; then nothing is taken."""
        free = self.has_host(host) and self.has_administration(administration_id)
        if free:
            self.hosts[host] += 1
            self.administrations[administration_id] += 1
        return free

    def has_host(self, host: str) -> bool:
        """Whether it has a place left; so the other."""
        return self.hosts[host] < settings.FETCH_PER_HOST

    def has_administration(self, administration_id: UUID) -> bool:
        return self.administrations[administration_id] < settings.FETCH_PER_ADMINISTRATION


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


def one_at_a_time(lock: int = _LOCK) -> None:
    """Until this transaction ends nobody else gives out places under this lock, so none is given twice.

    The server puts out who falls silent meanwhile, as a frozen machine does: else nobody would be fetched any more.
    SQLite's transactions exclude each other by themselves.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', %s, true), pg_advisory_xact_lock(%s)",
                [_MOST_SILENT, lock],
            )
