"""Looking in a logbook: by outcome, period and code, and by the sender and subject of a mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from channels.models import Channel, FetchRun, ReceivedMail
from channels.pages import queries
from zenvoices.lib.days import midnight
from zenvoices.lib.fields import NameField
from zenvoices.lib.keyset import FIRST_YEAR, LAST_YEAR, Position
from zenvoices.lib.paging import LONGEST, with_words
from zenvoices.lib.scoping import administration_scope

PAGE: Final = 50
#: Words are looked for in so many mails, of so many fetches, for one page: a mailbox may have a million. "Further"
#: goes on where that ended.
MAILS_READ: Final = 5_000
RUNS_READ: Final = 2_000
_SANE_DAYS: Final = [
    MinValueValidator(date(FIRST_YEAR, 1, 1), _("Choose a date between 1970 and 2200.")),
    MaxValueValidator(date(LAST_YEAR, 12, 31), _("Choose a date between 1970 and 2200.")),
]
_OUTCOMES: Final = [("", _("All outcomes")), *FetchRun.Outcome.choices]


class LogbookFilter(forms.Form):
    q = NameField(label=_("Sender or subject"), required=False, max_length=LONGEST)
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=_OUTCOMES)
    code = forms.CharField(label=_("Code"), required=False, max_length=40)
    since = forms.DateField(label=_("From date"), required=False, validators=_SANE_DAYS)
    until = forms.DateField(label=_("Up to and including"), required=False, validators=_SANE_DAYS)

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})
        self.is_valid()

    @property
    def words(self) -> str:
        return str(self.cleaned_data.get("q", ""))

    @property
    def narrowed(self) -> bool:
        return any(self.cleaned_data.values())

    def wanted(self) -> Q:
        """Of runs. What was filled in badly stands as an error at its field and narrows nothing."""
        given, wanted = self.cleaned_data, Q()
        if outcome := given.get("outcome"):
            wanted &= Q(outcome=outcome)
        if code := given.get("code"):
            wanted &= Q(error_code=code)
        if since := given.get("since"):
            wanted &= Q(queued_at__gte=midnight(since))
        if until := given.get("until"):
            wanted &= Q(queued_at__lt=midnight(until + timedelta(days=1)))
        return wanted


@dataclass(frozen=True, slots=True)
class Found:
    runs: list[FetchRun]
    #: where the next page begins; None at the end
    after: Position | None
    #: mails of each run in which the words are
    mails: dict[UUID, int] = field(default_factory=dict)
    #: words were looked for back to here, and not further yet
    looked_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Logbook:
    """The runs of one channel that a filter finds."""

    channel: Channel
    wanted: Q
    words: str = ""

    def page(self, before: Position | None, size: int = PAGE) -> Found:
        """Newest first."""
        if self.words:
            return self._with_words(before, size)
        runs = queries.logbook(self.channel, self.wanted, before=before, limit=size + 1)
        return Found(runs[:size], _position(runs[size - 1]) if len(runs) > size else None)

    def all(self, size: int = 500) -> Iterator[FetchRun]:
        """In memory is one page. Enters its scope for each, so that it may be read after the view returned."""
        before: Position | None = None
        while True:
            with administration_scope(self.channel.administration_id):
                found = self.page(before, size)
            yield from found.runs
            if found.after is None:
                return
            before = found.after

    def _with_words(self, before: Position | None, size: int) -> Found:
        runs, ended = self._worth_reading(before)
        with_all = with_words(self.words, *queries.SENDER_AND_SUBJECT)
        mails = ReceivedMail.objects.filter(with_all, run__in=[run.pk for run in runs])
        counted = dict(mails.order_by().values_list("run_id").annotate(found=Count("pk")))
        found = [run for run in runs if run.pk in counted]
        if len(found) > size:
            return Found(found[:size], _position(found[size - 1]), counted)
        if ended:
            return Found(found, None, counted)
        return Found(found, _position(runs[-1]), counted, looked_to=runs[-1].queued_at)

    def _worth_reading(self, before: Position | None) -> tuple[list[FetchRun], bool]:
        """Those with the next `MAILS_READ` mails, and whether there are no others."""
        wanted = self.wanted & Q(seen__gt=0)
        runs = queries.logbook(self.channel, wanted, before=before, limit=RUNS_READ + 1)  # one more: is there any?
        mails = 0
        for place, run in enumerate(runs, start=1):
            mails += run.seen
            if (mails >= MAILS_READ or place == RUNS_READ) and place < len(runs):
                return runs[:place], False
        return runs, True


def _position(run: FetchRun) -> Position:
    return Position(run.queued_at, run.pk)
