"""How channels stand, decided by the database: trouble first, a page at a time, however many there are."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import Any, Final

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from channels.errors import CODES, DOUBTFUL, NEEDS_SOMEBODY_AFTER, is_permanent
from channels.fetching import health, outages
from channels.models import Channel, HostOutage, ReceivedMail

_PERMANENT: Final = [code for code in CODES if is_permanent(code)]


class Standing(IntEnum):
    """The worst is the highest. channels.pages.rows says the same of one channel in words."""

    REST = 0  # draft, paused, or none at all
    FINE = 1
    SILENT = 2  # longer than it ever is
    NOT_TAKEN_IN = 3
    NOTHING = 4  # retrieved for hours
    MENDING = 5  # by somebody, now


#: what a list may be narrowed to
GROUPS: Final[dict[str, tuple[Standing, ...]]] = {
    "attention": (Standing.MENDING, Standing.NOTHING, Standing.NOT_TAKEN_IN),
    "silent": (Standing.SILENT,),
    "fine": (Standing.FINE,),
    "rest": (Standing.REST,),
}


def standing() -> Case:
    """Of a channel; use it inside `every_administration`, or in the scope of its administration."""
    not_taken_in = ReceivedMail.objects.filter(standing=True).order_by().values("channel")
    return Case(
        When(Q(inactive_reason="failures") | _needs_somebody() & ~_in_outage(), then=Value(Standing.MENDING)),
        When(health.fetches_nothing(), state=Channel.State.ACTIVE, then=Value(Standing.NOTHING)),
        When(pk__in=not_taken_in, then=Value(Standing.NOT_TAKEN_IN)),
        When(silent_since__isnull=False, state=Channel.State.ACTIVE, then=Value(Standing.SILENT)),
        When(state=Channel.State.ACTIVE, then=Value(Standing.FINE)),
        default=Value(Standing.REST),
    )


def counted(rows: QuerySet[Any]) -> dict[str, int]:
    """How many rows with `standing` are in each group."""
    found = Counter(rows.order_by().values_list("standing", flat=True))
    return {group: sum(found[each] for each in known) for group, known in GROUPS.items()}


def _needs_somebody() -> Q:
    """channels.errors.needs_somebody"""
    return Q(error_code__in=_PERMANENT) | Q(error_code__in=DOUBTFUL, failures__gte=NEEDS_SOMEBODY_AFTER)


def _in_outage() -> Q:
    """Everybody's at that host; asked of channels with an error only."""
    open_at_host = HostOutage.objects.filter(host=OuterRef("host"), ended_at=None)
    same = Q(Exists(open_at_host.filter(code=OuterRef("error_code"))))
    any_code = Q(Exists(open_at_host.filter(code="")), error_code__in=outages.TRANSIENT)
    return Q(state=Channel.State.ACTIVE) & (same | any_code)
