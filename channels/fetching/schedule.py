"""Who is due, and whose turn it is. Decided in the database by one at a time: ten schedulers change nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from channels.fetching.places import Places, one_at_a_time, open_runs, with_a_place
from channels.models import Channel, FetchRun
from zenvoices.lib import database_clock

#: A queued run that nobody started by then was lost with its message: it is offered again.
RESEND_AFTER: Final = timedelta(seconds=120)
#: from one look at what is due to the next
LOOKS: Final = timedelta(seconds=1)
#: rows of one statement
AT_ONCE: Final = 500
EVERYBODY: Final = Q()


@dataclass(frozen=True, slots=True)
class Due:
    administration_id: UUID
    run_id: UUID
    #: of a mailbox that had more than one run takes: it lets others go first
    goes_on: bool = False


def next_slot(channel_id: UUID, after: datetime) -> datetime:
    """The channel's own second of each half hour, spread by its id: the first one after `after`."""
    interval = int(settings.FETCH_INTERVAL.total_seconds())
    phase = channel_id.int % interval
    seconds = math.floor(after.timestamp())
    return datetime.fromtimestamp(seconds - (seconds - phase) % interval + interval, tz=UTC)


def claim_due(due_by: datetime | None = None, only: Q = EVERYBODY, *, waits: bool = True) -> list[Due]:
    """Fills every free place with who waits longest. To be called in `every_administration`.

    By the database's clock: a worker whose own is a day ahead would take everybody's half hours of that day away.

    `waits`: for somebody else who is at it; without that nobody gets a place then.
    """
    claimed: list[Due] = []
    more = True
    while more:
        some, more = _claim_some(due_by or database_clock.now(), only, waits)
        claimed += some
    return claimed


def claim_what_came_due() -> list[Due]:
    """The same, for whoever looks each second: one statement when nobody is due."""
    return claim_due() if due(timezone.now()).exists() else []


class Ended(NamedTuple):
    """Where a run gave its two places free."""

    host: str
    administration_id: UUID


def hand_on(ended: Sequence[Ended]) -> list[Due]:
    """After runs have ended: their places go to who waits for one, where places are scarce, or to a mailbox that goes
    on. One statement when nobody waits. To be called in `every_administration`.

    Whoever waits for another place finds it taken as before, so nobody else is looked at. Who came due just now, or
    where most places are free, waits for the look of the next second, and so does who finds somebody else giving out
    places: with thousands of open runs each claim takes its time, and all threads of all workers would wait for one
    lock.
    """
    scarce = _scarce_and_waited_for(ended)
    return [] if scarce is None else claim_due(only=scarce, waits=False)


def _scarce_and_waited_for(ended: Sequence[Ended]) -> Q | None:
    """Which of these hosts and administrations. One that is full all the same is passed over without reading who waits
    for it.
    """
    now = timezone.now()
    hosts = Counter(one.host for one in ended)
    administrations = Counter(one.administration_id for one in ended)
    passed_over = Q(goes_on=True) | Q(next_fetch_at__lte=now - LOOKS)
    here = Q(host__in=list(hosts)) | Q(administration_id__in=list(administrations))
    if not due(now).filter(passed_over, here).exists():
        return None
    places = Places.taken(Q(channel__host__in=list(hosts)) | Q(administration_id__in=list(administrations)))
    scarce = Q(host__in=[host for host, number in hosts.items() if places.were_scarce_on(host, number)])
    scarce |= Q(administration_id__in=[
        one for one, number in administrations.items() if places.were_scarce_in(one, number)
    ])  # fmt: skip
    # Its own run may have ended now.
    scarce |= Q(goes_on=True, host__in=list(hosts), administration_id__in=list(administrations))
    return scarce if with_a_place(_waiting(now, scarce)).exists() else None


def due(by: datetime) -> QuerySet[Channel]:
    return Channel.objects.filter(
        state=Channel.State.ACTIVE, deleted_at=None, administration__plan="premium", next_fetch_at__lte=by
    )


def _waiting(due_by: datetime, only: Q) -> QuerySet[Channel]:
    """Who still has a run that is open waits for its end, and is no candidate.

    A list that is made once: PostgreSQL believes that next to no run is open, and would go through all of them for each
    channel of a backlog.
    """
    return due(due_by).filter(only).exclude(pk__in=open_runs().values("channel"))


@transaction.atomic
def _claim_some(due_by: datetime, only: Q, waits: bool) -> tuple[list[Due], bool]:
    """Says too whether more may find a place."""
    if not one_at_a_time(waits=waits):
        return [], False
    places = Places.taken()
    looked_at = _in_turn(_waiting(due_by, only), due_by)
    chosen = [channel for channel in looked_at if places.claim(channel)]
    return _queue(chosen, due_by), bool(chosen) and len(looked_at) == AT_ONCE


def _in_turn(channels: QuerySet[Channel], due_by: datetime) -> list[Channel]:
    """Some with a place, who waits longest first. But a mailbox that goes on lets those go first who wait for their
    half hour, for half an hour at most."""
    had_a_run = FetchRun.objects.filter(channel=OuterRef("pk"), slot=OuterRef("next_fetch_at"))
    waiting = with_a_place(channels)
    # A running fetch may be changing its channel: it is passed over, and found due again a moment later.
    waiting = waiting.select_for_update(skip_locked=True, no_key=True, of=("self",))
    waiting = waiting.annotate(had_a_run=Exists(had_a_run)).order_by("next_fetch_at", "id")
    lately = due_by - settings.FETCH_INTERVAL
    found = list(waiting[:AT_ONCE])
    if len(found) == AT_ONCE:  # a backlog, of which we do not see the end
        found = list(waiting.exclude(goes_on=True, next_fetch_at__gt=lately)[:AT_ONCE]) or found
    return sorted(found, key=lambda channel: channel.goes_on and channel.next_fetch_at > lately)  # type: ignore[operator]


def _queue(channels: list[Channel], now: datetime) -> list[Due]:
    """Their next half hour, and a run for each. One slot is one run: unique in the database."""
    runs = [
        FetchRun(
            administration_id=channel.administration_id, channel=channel, trigger=FetchRun.Trigger.SCHEDULE,
            slot=channel.next_fetch_at, queued_at=now,
        )
        for channel in channels
        if not channel.had_a_run  # type: ignore[attr-defined]  # a clock that was set back gives a slot again
    ]  # fmt: skip
    for channel in channels:
        channel.next_fetch_at = next_slot(channel.pk, now)
    Channel.objects.bulk_update(channels, ["next_fetch_at"])
    FetchRun.objects.bulk_create(runs)
    return [Due(run.administration_id, run.pk, run.channel.goes_on) for run in runs]


def unstarted() -> list[Due]:
    """Runs whose message was lost on the way; starting one twice is harmless, it starts once."""
    by = timezone.now() - RESEND_AFTER
    lost = open_runs().filter(state=FetchRun.State.QUEUED, queued_at__lte=by, started_at=None)
    oldest = lost.order_by("queued_at").values_list("administration_id", "id", "channel__goes_on")
    found = [Due(*row) for row in oldest[:AT_ONCE]]
    FetchRun.objects.filter(pk__in=[due.run_id for due in found]).update(queued_at=timezone.now())
    return found


def make_lost(runs: Sequence[UUID]) -> None:
    """Of runs whose message was not taken: they are unstarted() from now on."""
    queued = FetchRun.objects.filter(pk__in=runs, state=FetchRun.State.QUEUED)
    queued.update(queued_at=timezone.now() - RESEND_AFTER)
