"""A channel as one line of a list: what its pill says, what is going on, what the reader can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels import services
from channels.errors import needs_somebody
from channels.fetching import health, outages
from channels.models import Channel, FetchRun
from channels.notices import is_reconnecting
from channels.pages.queries import DOCUMENTS_COUNTED
from channels.words.phrases import Phrase, about, outage_of
from channels.words.reminders import shown_at
from channels.words.silence import shown_at as shown_silence
from zenvoices.lib import health as health_of_parts

#: a fetch that waits longer is asked why
STARTS_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Pill:
    kind: str
    icon: str
    text: str | Promise


BUSY = Pill("busy", "loader-circle", _("Busy"))
ACTIVE = Pill("ok", "circle-check", _("Active"))
RECONNECT = Pill("warn", "triangle-alert", _("Reconnect"))
OUTAGE = Pill("warn", "cloud-off", _("Provider outage"))
NOTHING = Pill("warn", "triangle-alert", _("Retrieves nothing"))
SILENT = Pill("warn", "bell-off", _("Silent"))
DRAFT = Pill("rest", "pencil-line", _("Draft"))
PAUSED = Pill("rest", "circle-pause", _("Inactive"))
STOPPED = Pill("bad", "octagon-alert", _("Inactive"))
#: of a channel, whatever it does
ICONS = sorted({pill.icon for pill in (BUSY, ACTIVE, RECONNECT, OUTAGE, NOTHING, SILENT, DRAFT, PAUSED, STOPPED)})

OUTCOMES = {
    FetchRun.Outcome.SUCCEEDED: Pill("ok", "circle-check", FetchRun.Outcome.SUCCEEDED.label),
    FetchRun.Outcome.WARNING: Pill("warn", "triangle-alert", FetchRun.Outcome.WARNING.label),
    FetchRun.Outcome.FAILED: Pill("bad", "octagon-alert", FetchRun.Outcome.FAILED.label),
    FetchRun.Outcome.BUSY: Pill("rest", "hourglass", FetchRun.Outcome.BUSY.label),
}


@dataclass(frozen=True, slots=True)
class Row:
    """`run` is the fetch under way; `result` the one that a person started and that ended just now."""

    channel: Channel
    pill: Pill
    phrase: Phrase | None
    run: FetchRun | None
    result: FetchRun | None
    result_phrase: Phrase | None
    poll_seconds: int
    needs_mending: bool
    #: active, and yet without a success for hours
    nothing_since: datetime | None
    #: that nothing arrives, although it works: *nothing for 23 days, usually every week*
    silence: str
    #: its host fails for everybody
    in_outage: bool
    #: mended by signing in at the provider again
    reconnects: bool
    #: a draft that nobody authorised at its provider yet
    unlinked: bool
    #: the fetch waits, and nothing takes it up: broker or schedule are gone
    waits_for_us: bool
    #: mails that could not be had and are still waited for
    not_taken_in: int

    @property
    def limit(self) -> int:
        """Failures in a row until the channel becomes inactive."""
        return settings.FAILURES_UNTIL_INACTIVE

    @property
    def reminder(self) -> str:
        """What ended by itself at this channel."""
        return shown_at(self.channel, timezone.localdate())

    @property
    def not_put_away(self) -> Phrase | None:
        """Why its mails are not moved or labelled."""
        return about(self.channel, self.channel.not_put_away) if self.channel.not_put_away else None

    @property
    def disappears_on(self) -> datetime | None:
        """A draft that nobody asked to keep is deleted by the schedule."""
        left = self.channel.left_since
        return left + timedelta(days=settings.DRAFTS_KEPT_DAYS) if left else None

    @property
    def documents(self) -> str:
        """How many it gave that are still there; *1,000+* where they are not counted any further."""
        count: int = self.channel.documents_count  # type: ignore[attr-defined]
        return number_format(count) if count <= DOCUMENTS_COUNTED else f"{number_format(DOCUMENTS_COUNTED)}+"

    @property
    def done(self) -> int:
        """Mails dealt with; with `total`, the progress bar."""
        return min(self.run.seen, self.run.total) if self.run else 0


def row_of(channel: Channel) -> Row:
    """`channel` as channels.pages.queries lists it, with its runs and `not_taken_in`."""
    run: FetchRun | None = channel.open_run  # type: ignore[attr-defined]
    result = _result(channel)
    in_outage, nothing_since = _is_in_outage(channel), health.nothing_since(channel)
    needs_somebody_now = needs_somebody(channel.error_code, channel.failures) and not in_outage
    silence = shown_silence(channel, timezone.localdate())
    works = SILENT if silence else ACTIVE
    pill = OUTAGE if in_outage else RECONNECT if needs_somebody_now else NOTHING if nothing_since else works
    return Row(
        channel=channel,
        pill=BUSY if run else _not_active(channel) or pill,
        phrase=outage_of(channel) if in_outage else error_of(channel, channel),
        run=run,
        result=None if run else result,
        result_phrase=error_of(channel, result) if result else None,
        poll_seconds=_pace(run) if run else 0,
        needs_mending=needs_somebody_now or channel.inactive_reason == "failures",
        nothing_since=nothing_since,
        silence=silence,
        in_outage=in_outage,
        reconnects=is_reconnecting(channel) and not in_outage,
        unlinked=services.needs_link(channel),
        waits_for_us=run is not None and _waits_for_us(run),
        not_taken_in=channel.not_taken_in,  # type: ignore[attr-defined]
    )


def outcome_pill(run: FetchRun) -> Pill:
    return OUTCOMES.get(FetchRun.Outcome(run.outcome), BUSY) if run.outcome else BUSY


def error_of(channel: Channel, failed: Channel | FetchRun) -> Phrase | None:
    """The sentence of the error that stands at a channel or ended a run."""
    if not failed.error_code:
        return None
    return about(channel, failed.error_code, failed.error_detail)


def _not_active(channel: Channel) -> Pill | None:
    if channel.state == Channel.State.DRAFT:
        return DRAFT
    if channel.state == Channel.State.INACTIVE:
        return STOPPED if channel.inactive_reason else PAUSED
    return None


def _is_in_outage(channel: Channel) -> bool:
    """What stands at it is everybody's at that host, and its own settings are no cause."""
    if channel.state != Channel.State.ACTIVE or channel.outage_code is None:  # type: ignore[attr-defined]
        return False
    return bool(channel.outage_code) or channel.error_code in outages.TRANSIENT  # type: ignore[attr-defined]


def _result(channel: Channel) -> FetchRun | None:
    """What a fetch by hand brought stays when the schedule looks after it; its failure is then of before."""
    asked: FetchRun | None = channel.asked_run  # type: ignore[attr-defined]
    is_newest = asked == channel.last_run  # type: ignore[attr-defined]
    return asked if asked and (is_newest or asked.outcome in FetchRun.WENT_WELL) else None


def _waits_for_us(run: FetchRun) -> bool:
    late = run.state == FetchRun.State.QUEUED and timezone.now() - run.queued_at > STARTS_WITHIN
    return late and not health_of_parts.work_is_done()


def _pace(run: FetchRun) -> int:
    """Seconds until the row looks again: eager at first, patient with a long fetch."""
    age = (timezone.now() - run.queued_at).total_seconds()
    return 1 if age < 30 else 2 if age < 120 else 5
