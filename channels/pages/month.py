"""The last thirty days of a channel, as a small chart: what came, and how the fetches went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Case, Count, Q, Sum, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from channels.models import Channel, FetchRun
from zenvoices.lib.days import midnight

DAYS: Final = 30
#: in units of the drawing
_DAY, _BAR, _TALL = 20, 14, 80
_ENDED = (*FetchRun.WENT_WELL, FetchRun.Outcome.FAILED)


@dataclass(slots=True)
class Day:
    date: date
    fetches: int = 0
    failed: int = 0
    documents: int = 0
    #: of its bar
    x: int = 0
    y: int = 0
    height: int = 0

    @property
    def went(self) -> str:
        """`none` was looked, it went `well`, failed `some` times, or `all` of them."""
        if not self.fetches:
            return "none"
        return "well" if not self.failed else "all" if self.failed >= self.fetches else "some"


@dataclass(frozen=True, slots=True)
class Month:
    days: list[Day]

    width: int = DAYS * _DAY
    tall: int = _TALL
    bar: int = _BAR

    @property
    def fetches(self) -> int:
        return sum(day.fetches for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    @property
    def documents(self) -> int:
        return sum(day.documents for day in self.days)

    @property
    def most(self) -> int:
        """Documents of the day with most of them."""
        return max(day.documents for day in self.days)


def month_of(channel: Channel) -> Month:
    """One grouped query over the runs of thirty days, by the index of the logbook."""
    today = timezone.localdate()
    days = [Day(today - timedelta(days=ago)) for ago in reversed(range(DAYS))]
    known = {day.date: day for day in days}
    for group in _groups(channel, days[0].date):
        _add(known, group)
    _draw(days)
    return Month(days)


def _groups(channel: Channel, first: date) -> Iterable[Mapping[str, Any]]:
    since = midnight(first)
    runs = FetchRun.objects.filter(channel=channel, queued_at__gte=since, outcome__in=_ENDED).order_by()
    last = TruncDate("finished_at")
    # A quiet run stands for those before it, since `started_at`.
    begin = Case(When(repeats__gt=0, then=TruncDate("started_at")), default=last)
    return runs.annotate(begin=begin, last=last).values("begin", "last").annotate(
        looks=Count("pk") + Sum("repeats"),
        lost=Count("pk", filter=Q(outcome=FetchRun.Outcome.FAILED)),
        brought=Sum("documents"),
    )  # fmt: skip


def _add(known: dict[date, Day], group: Mapping[str, Any]) -> None:
    last = group["last"]
    if last in known:
        known[last].failed += group["lost"]
        known[last].documents += group["brought"]
    span = (last - group["begin"]).days + 1
    each, over = divmod(group["looks"], span)
    for ago in range(span):
        if day := known.get(last - timedelta(days=ago)):
            day.fetches += each + (ago < over)


def _draw(days: list[Day]) -> None:
    most = max(day.documents for day in days)
    for place, day in enumerate(days):
        # One document among hundreds is still seen.
        day.height = max(day.documents * _TALL // most, 3) if day.documents else 0
        day.x, day.y = place * _DAY + (_DAY - _BAR) // 2, _TALL - day.height
