"""Who is due. Every decision is a conditional UPDATE in the database: two schedulers, or ten, change nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels.fetching.places import Places, one_at_a_time, with_a_place
from channels.models import Channel, FetchRun
from zenvoices.lib.statements import select_once

#: A queued run that nobody started by then was lost with its message: it is offered again.
RESEND_AFTER: Final = timedelta(seconds=120)
RESENT_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Due:
    administration_id: UUID
    run_id: UUID


def next_slot(channel_id: UUID, after: datetime) -> datetime:
    """The channel's own second of each half hour, spread by its id: the first one after `after`."""
    interval = int(settings.FETCH_INTERVAL.total_seconds())
    phase = channel_id.int % interval
    seconds = math.floor(after.timestamp())
    return datetime.fromtimestamp(seconds - (seconds - phase) % interval + interval, tz=UTC)


def claim_due(due_by: datetime | None = None) -> list[Due]:
    """Fills every free place with who waits longest. To be called in `every_administration`."""
    claimed: list[Due] = []
    while some := _claim_some(due_by or timezone.now()):
        claimed += some
    return claimed


def hand_on(due_by: datetime | None = None) -> list[Due]:
    """After a run has ended: its places go to who waits for one. One statement when nobody does."""
    limits = settings.FETCH_PER_HOST, settings.FETCH_PER_ADMINISTRATION
    return claim_due(due_by) if _first_with_a_place(due_by or timezone.now(), *limits) else []


@select_once
def _first_with_a_place(due_by: datetime, per_host: int, per_administration: int) -> QuerySet[Channel]:
    return with_a_place(_due(due_by), per_host, per_administration).only("pk").order_by("next_fetch_at")[:1]


def _due(by: datetime) -> QuerySet[Channel]:
    return Channel.objects.filter(
        state=Channel.State.ACTIVE, deleted_at=None, administration__plan="premium", next_fetch_at__lte=by
    )


@transaction.atomic
def _claim_some(due_by: datetime) -> list[Due]:
    """As many as there are places for among those who wait longest; none when no place or nobody is left."""
    one_at_a_time()
    places = Places.taken()
    limits = settings.FETCH_PER_HOST, settings.FETCH_PER_ADMINISTRATION
    # A running fetch may be changing its channel: it is passed over, and found due again a moment later.
    waiting = with_a_place(_due(due_by), *limits).select_for_update(skip_locked=True, no_key=True, of=("self",))
    chosen: list[Channel] = []
    for some in _in_turn(waiting, due_by):
        for channel in some.order_by("next_fetch_at", "id")[: places.left_in_line]:
            if places.take(channel.host, channel.administration_id):
                chosen.append(channel)
    return _queue(chosen)


def _in_turn(waiting: QuerySet[Channel], due_by: datetime) -> Iterable[QuerySet[Channel]]:
    """A mailbox that goes on lets those go first who wait for their half hour, for half an hour at most."""
    goes_on = Q(goes_on=True, next_fetch_at__gt=due_by - settings.FETCH_INTERVAL)
    return waiting.exclude(goes_on), waiting.filter(goes_on)


def _queue(channels: list[Channel]) -> list[Due]:
    """A run for each, and their next half hour. One slot is one run: unique in the database."""
    now = timezone.now()
    runs = [
        FetchRun(
            administration_id=channel.administration_id, channel=channel, trigger=FetchRun.Trigger.SCHEDULE,
            slot=channel.next_fetch_at, queued_at=now,
        )
        for channel in channels
    ]  # fmt: skip
    for channel in channels:
        channel.next_fetch_at = next_slot(channel.pk, now)
    Channel.objects.bulk_update(channels, ["next_fetch_at"])
    # A clock that was set back gives a slot again that had its run: then the channel waits for the next one.
    FetchRun.objects.bulk_create(runs, ignore_conflicts=True)
    made = set(FetchRun.objects.filter(pk__in=[run.pk for run in runs]).values_list("pk", flat=True))
    return [Due(run.administration_id, run.pk) for run in runs if run.pk in made]


def unstarted() -> list[Due]:
    """Runs whose message was lost on the way; starting one twice is harmless, it starts once."""
    lost = FetchRun.objects.filter(
        state=FetchRun.State.QUEUED, queued_at__lt=timezone.now() - RESEND_AFTER, started_at=None
    )
    found = [Due(*row) for row in lost.order_by("queued_at").values_list("administration_id", "id")[:RESENT_AT_ONCE]]
    FetchRun.objects.filter(pk__in=[due.run_id for due in found]).update(queued_at=timezone.now())
    return found
