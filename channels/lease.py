"""Who fetches a channel now: a lease on the database's clock, and a fence that every commit of a fetch carries.

Claimed by a conditional UPDATE, which is right on PostgreSQL and on SQLite alike. A killed process is known at once on
its own machine (its pid is gone); elsewhere its lease runs out.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from channels.errors import OurProblem
from channels.models import Channel


class LeaseLost(OurProblem):
    """Another process fetches this channel now: whatever we hold must not be written."""

    def __init__(self) -> None:
        super().__init__("interrupted")


@dataclass(slots=True)
class Lease:
    channel_id: UUID
    fence: int
    _due: float = field(default_factory=lambda: _next_renewal())

    def renew(self) -> None:
        """Also the guard of every commit: call it first inside the transaction. Raises LeaseLost."""
        held = Channel.objects.filter(pk=self.channel_id, fence=self.fence, lease_until__isnull=False)
        if not held.update(lease_until=_lease_end()):
            raise LeaseLost
        self._due = _next_renewal()

    def renew_if_due(self) -> None:
        if time.monotonic() >= self._due:  # asked at every read of the line
            self.renew()

    def release(self) -> None:
        Channel.objects.filter(pk=self.channel_id, fence=self.fence).update(lease_until=None, lease_owner="")


def claim(channel_id: UUID) -> Lease | None:
    """The lease, or None when a living fetch holds it."""
    while True:
        known = Channel.objects.filter(pk=channel_id).values_list("fence", "lease_owner").first()
        if known is None:
            return None
        fence, holder = known
        free = Q(lease_until__isnull=True) | expired()
        if holder and _is_dead(holder):
            free |= Q(lease_owner=holder)
        # The fence is one that this very statement made, never read afterwards: by then it may be another's.
        mine = Channel.objects.filter(free, pk=channel_id, fence=fence)
        if mine.update(fence=fence + 1, lease_until=_lease_end(), lease_owner=_this_process()):
            return Lease(channel_id, fence + 1)
        if not Channel.objects.filter(pk=channel_id).exclude(fence=fence).exists():
            return None  # nobody came between: it is held


def claim_all(channels: Sequence[Channel]) -> list[Lease]:
    """Of channels that are free, and that nobody changes before the caller's transaction ends: it locked their rows.
    Raises LeaseLost when somebody did all the same."""
    free = Channel.objects.filter(pk__in=[channel.pk for channel in channels], lease_until__isnull=True)
    claimed = free.update(fence=F("fence") + 1, lease_until=_lease_end(), lease_owner=_this_process())
    if claimed != len(channels):
        raise LeaseLost
    return [Lease(channel.pk, channel.fence + 1) for channel in channels]


def revoke(channel_id: UUID) -> None:
    """The channel was changed under a running fetch: what that fetch still brings must decide nothing."""
    Channel.objects.filter(pk=channel_id).update(fence=F("fence") + 1, lease_until=None, lease_owner="")


def expired() -> Q:
    """Channels whose fetch is dead by the clock."""
    return Q(lease_until__lt=Now())


def _next_renewal() -> float:
    return time.monotonic() + settings.FETCH_LEASE_SECONDS / 4


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.FETCH_LEASE_SECONDS)


def _this_process() -> str:
    return _name_of(os.getpid())


@lru_cache(maxsize=1)
def _name_of(pid: int) -> str:
    return f"{_machine()}:{pid}:{_started(pid)}"


def _is_dead(owner: str) -> bool:
    """True only when we know: same machine and boot, and no process of that number and start."""
    machine, pid, started = owner.rsplit(":", 2)
    return machine == _machine() and Path("/proc/self/stat").exists() and _started(int(pid)) != started


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    # Containers share a boot id but not a process table: their host names differ.
    return f"{socket.gethostname()}/{boot.read_text().strip() if boot.exists() else ''}"


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), field 22); "" when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
