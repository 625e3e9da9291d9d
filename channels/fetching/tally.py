"""What the schedule counts for whoever looks from outside: its own ticks, and how fetches end.

Counted by the tick and not by each fetch, which would wait for one another at the row of their outcome.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F

from channels.models import FetchRun, RunTally, TickTally

#: A fetch says when it ended a moment before its commit, by the clock of its own machine.
SETTLED_AFTER: Final = timedelta(seconds=60)
#: times TICK_SECONDS: a tick that begins so long after the one before is late
LATE: Final = 2


@transaction.atomic
def take(began: datetime) -> int:
    """`began`: this tick. Of two at once one waits, so nothing is counted twice. Returns how many fetches were added.

    A quiet fetch is folded into the next of its channel half an hour later: long after it was counted.
    """
    first = {"last_at": began, "runs_counted_to": began - SETTLED_AFTER}
    TickTally.objects.get_or_create(pk=TickTally.ONLY, defaults=first)
    tally = TickTally.objects.select_for_update().get(pk=TickTally.ONLY)
    is_late = began - tally.last_at > timedelta(seconds=LATE * settings.TICK_SECONDS)
    upto = max(tally.runs_counted_to, began - SETTLED_AFTER)
    added = _count(tally.runs_counted_to, upto)
    tally.ticks, tally.late = tally.ticks + 1, tally.late + is_late
    tally.last_at, tally.runs_counted_to = max(tally.last_at, began), upto
    tally.save()
    return added


def _count(after: datetime, upto: datetime) -> int:
    ended = FetchRun.objects.filter(finished_at__gt=after, finished_at__lte=upto).order_by()
    counted = ended.values_list("outcome", "error_code").annotate(Count("pk"))
    for outcome, code, runs in counted:
        RunTally.objects.get_or_create(outcome=outcome, code=code)
        RunTally.objects.filter(outcome=outcome, code=code).update(runs=F("runs") + runs)
    return sum(runs for *_, runs in counted)
