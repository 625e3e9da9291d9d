"""Who is due. Every decision is a conditional UPDATE in the database: two schedulers, or ten, change nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels import expiry
from channels.expiry import Resting
from channels.fetching import ending
from channels.fetching.spool import sweep_spool
from channels.lease import expired
from channels.links import tokens
from channels.models import Channel, ChannelSecret, FetchRun
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.statements import select_once

#: A queued run that nobody started by then was lost with its message: it is offered again.
RESEND_AFTER = timedelta(seconds=120)
PURGE_AFTER = timedelta(seconds=60)
PURGED_A_TICK = 50
MIN_RELEASE = 20


@dataclass(frozen=True, slots=True)
class Due:
    administration_id: UUID
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Tick:
    """What one minute of the schedule found to do."""

    due: list[Due]
    lost: list[Due]
    reaped: int
    purged: int
    #: links that must be used to stay alive
    resting: list[Resting]


def tick() -> Tick:
    """Every minute: close what died, erase what was deleted, take what is due, offer again what got lost.

    And once a day for each channel: warn of what is about to end.
    """
    sweep_spool()
    with every_administration():
        return Tick(reaped=reap(), purged=purge_deleted(), due=claim_due(), lost=unstarted(), resting=expiry.look())


def next_slot(channel_id: UUID, after: datetime) -> datetime:
    """The channel's own second of each half hour, spread by its id: the first one after `after`."""
    interval = int(settings.FETCH_INTERVAL.total_seconds())
    phase = channel_id.int % interval
    seconds = math.floor(after.timestamp())
    return datetime.fromtimestamp(seconds - (seconds - phase) % interval + interval, tz=UTC)


def claim_due(*, limit: int | None = None) -> list[Due]:
    """Takes what is due, at most twice the mean rate at once, so that an outage's backlog does not storm."""
    now = timezone.now()
    active = Channel.objects.filter(
        state=Channel.State.ACTIVE, deleted_at=None, administration__plan="premium", next_fetch_at__isnull=False
    )
    ticks_per_interval = settings.FETCH_INTERVAL.total_seconds() / 60
    release = limit or max(MIN_RELEASE, math.ceil(2 * active.count() / ticks_per_interval))
    due = active.filter(next_fetch_at__lte=now).order_by("next_fetch_at", "id")
    return [one for one in map(_claim, _fairly(due.iterator(chunk_size=500), release)) if one]


def _fairly(due: Iterable[Channel], release: int) -> list[Channel]:
    """At most so many fetches at once for one host and for one administration; the rest waits for the next tick."""
    hosts: Counter[str] = Counter()
    tenants: Counter[UUID] = Counter()
    for host, tenant in _open_runs().values_list("channel__host", "administration_id"):
        hosts[host] += 1
        tenants[tenant] += 1
    taken = []
    for channel in due:
        full = hosts[channel.host] >= settings.FETCH_PER_HOST
        if full or tenants[channel.administration_id] >= settings.FETCH_PER_ADMINISTRATION:
            continue
        hosts[channel.host] += 1
        tenants[channel.administration_id] += 1
        taken.append(channel)
        if len(taken) == release:
            break
    return taken


def _open_runs() -> QuerySet[FetchRun]:
    return FetchRun.objects.exclude(state=FetchRun.State.FINISHED)


def _claim(channel: Channel) -> Due | None:
    """One run for one slot: unique in the database, so a second scheduler comes away empty."""
    slot = channel.next_fetch_at
    try:
        with transaction.atomic():
            mine = Channel.objects.filter(pk=channel.pk, state=Channel.State.ACTIVE, next_fetch_at=slot).update(
                next_fetch_at=next_slot(channel.pk, timezone.now())
            )
            if not mine:
                return None
            run = FetchRun.objects.create(
                administration_id=channel.administration_id,
                channel=channel,
                trigger=FetchRun.Trigger.SCHEDULE,
                slot=slot,
            )
    except IntegrityError:
        return None
    return Due(run.administration_id, run.pk)


def go_on(channel_id: UUID) -> Due | None:
    """The next run of a channel whose budget ended before its mailbox did, at the back of the queue."""
    channels = _due_at(channel_id, timezone.now())
    return _claim(channels[0]) if channels else None


@select_once
def _due_at(channel_id: UUID, now: datetime) -> QuerySet[Channel]:
    return Channel.objects.filter(pk=channel_id, deleted_at=None, next_fetch_at__lte=now).order_by()


def unstarted() -> list[Due]:
    """Runs whose message was lost on the way; starting one twice is harmless, it starts once."""
    lost = FetchRun.objects.filter(
        state=FetchRun.State.QUEUED, queued_at__lt=timezone.now() - RESEND_AFTER, started_at=None
    )
    found = [Due(*row) for row in lost.order_by("queued_at").values_list("administration_id", "id")[:500]]
    FetchRun.objects.filter(pk__in=[due.run_id for due in found]).update(queued_at=timezone.now())
    return found


def reap() -> int:
    """Closes runs whose process died and lets their channels be fetched again at once. Returns how many."""
    dead = FetchRun.objects.filter(state=FetchRun.State.RUNNING).filter(
        Q(channel__in=Channel.objects.filter(expired())) | Q(channel__lease_until=None)
    )
    dead = dead.filter(started_at__lt=timezone.now() - timedelta(seconds=settings.FETCH_LEASE_SECONDS))
    for run in dead:
        ending.close_interrupted(run)
        Channel.objects.filter(pk=run.channel_id, state=Channel.State.ACTIVE).update(next_fetch_at=timezone.now())
    return len(dead)


def purge_deleted() -> int:
    """Erases what was deleted and not undone: secrets first, then the channel with its logbook and ledger.

    Its link ends at the provider before, outside the transaction; a provider that is down holds up nothing.
    """
    fetched_by_nobody = Q(lease_until__isnull=True) | expired()
    gone = Channel.objects.filter(fetched_by_nobody, deleted_at__lt=timezone.now() - PURGE_AFTER)
    erased = 0
    for channel in gone.order_by("deleted_at")[:PURGED_A_TICK]:
        tokens.forget(channel)
        erased += _erase(channel.pk)
    return erased


@transaction.atomic
def _erase(channel_id: UUID) -> bool:
    """Under the row's lock, so that an undo either came before and counts, or comes too late."""
    channel = Channel.objects.select_for_update().filter(pk=channel_id).exclude(deleted_at=None).first()
    if channel is None:
        return False
    ChannelSecret.objects.filter(channel=channel).delete()
    channel.delete()
    return True
