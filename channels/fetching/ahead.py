"""Moments that lie further ahead than the portal ever plans: a machine whose clock was wrong wrote them.

Once its clock is right again nobody would look at such a row until that moment comes, be it hours or years, and nobody
would be told: nothing failed. Held against the database's clock, so a tick on that machine changes nothing wrongly.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels.models import Channel, ConnectionCheck, FetchRun, ReceivedMail, TickTally
from zenvoices.lib import database_clock

log = structlog.get_logger(__name__)

#: clocks of a portal differ by less
MARGIN: Final = timedelta(minutes=5)
#: no server is left alone for longer because it asked for it, and no mail that was not taken in
LONGEST_WAIT: Final = timedelta(seconds=100_000)


def mend() -> int:
    """A step of the tick. Returns how many there were, which the log says too."""
    now = database_clock.now()
    mended = sum(rows.update(**fields) for rows, fields in _ahead(now))
    if mended:
        log.warning("a clock was ahead", rows=mended)
    return mended


def _ahead(now: datetime) -> list[tuple[QuerySet[Any], dict[str, Any]]]:
    """What each would wait for, and what it says instead."""
    soon, today = now + MARGIN, timezone.localdate(now)
    planned = Q(next_fetch_at__gt=soon + settings.FETCH_INTERVAL, error_code="")
    planned |= Q(next_fetch_at__gt=soon + LONGEST_WAIT)
    queued = FetchRun.objects.filter(finished_at=None, state=FetchRun.State.QUEUED)
    running = FetchRun.objects.filter(finished_at=None, state=FetchRun.State.RUNNING)
    waiting = ConnectionCheck.objects.filter(finished_at=None)
    channels = Channel.objects.filter(deleted_at=None)
    return [
        (channels.filter(planned, state=Channel.State.ACTIVE), {"next_fetch_at": now}),
        (channels.filter(watched_on__gt=today), {"watched_on": today}),
        (channels.filter(listened_on__gt=today), {"listened_on": today}),
        (channels.filter(reconciled_at__gt=soon), {"reconciled_at": now}),
        (queued.filter(queued_at__gt=soon), {"queued_at": now}),
        (running.filter(started_at__gt=soon), {"started_at": now}),
        (waiting.filter(queued_at__gt=soon), {"queued_at": now, "offered_at": now}),
        (waiting.filter(started_at__gt=soon), {"started_at": now}),
        (ReceivedMail.objects.filter(next_try_at__gt=soon + LONGEST_WAIT), {"next_try_at": now}),
        (TickTally.objects.filter(last_at__gt=soon), {"last_at": now}),
        (TickTally.objects.filter(runs_counted_to__gt=soon), {"runs_counted_to": now}),
    ]
