"""How channels stand, decided by the database: trouble first, a page at a time, however many there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from django.core.paginator import Page
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.http import QueryDict

from channels.errors import CODES, DOUBTFUL, NEEDS_SOMEBODY_AFTER, is_permanent
from channels.fetching import health, outages
from channels.models import Channel, HostOutage, ReceivedMail
from zenvoices.lib.paging import PAGE, page_of

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


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of rows with `pk` and `standing`, of the group that was asked for, and how many are in each group."""

    page: Page[Any]
    counts: dict[str, int]
    group: str


def listed(found: QuerySet[Any], asked: QueryDict, most: int = PAGE) -> Listed:
    """Of rows with `standing`, in their order. They are asked for once: how all of them stand is most of the work."""
    rows = list(found.values_list("pk", "standing", named=True))
    count = Counter(row.standing for row in rows)
    counts = {group: sum(count[each] for each in known) for group, known in GROUPS.items()}
    group = asked.get("show", "")
    group = group if group in GROUPS else ""
    shown = [row for row in rows if row.standing in GROUPS[group]] if group else rows
    return Listed(page_of(shown, asked.get("page"), most), counts, group)


def _needs_somebody() -> Q:
    """channels.errors.needs_somebody"""
    return Q(error_code__in=_PERMANENT) | Q(error_code__in=DOUBTFUL, failures__gte=NEEDS_SOMEBODY_AFTER)


def _in_outage() -> Q:
    """Everybody's at that host; asked of channels with an error only."""
    open_at_host = HostOutage.objects.filter(host=OuterRef("host"), ended_at=None)
    same = Q(Exists(open_at_host.filter(code=OuterRef("error_code"))))
    any_code = Q(Exists(open_at_host.filter(code="")), error_code__in=outages.TRANSIENT)
    return Q(state=Channel.State.ACTIVE) & (same | any_code)
