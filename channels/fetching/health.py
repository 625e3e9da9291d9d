"""Five in a row: what a finished fetch means for its channel.

One scheduled slot ends in success, failure or neither. Counted is what the channel or its server did; never what we
did, a busy lease, throttling, one bad mail, or a fetch somebody started by hand. Every decision is made in the one
transaction that finishes the run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from administrations import audit
from channels import notices
from channels.errors import ChannelError, OurProblem, is_permanent, needs_somebody
from channels.fetching import outages
from channels.models import Channel, FetchRun, HostOutage
from channels.words.notices import Kind


def with_trouble(channels: QuerySet[Channel]) -> QuerySet[Channel]:
    """Says of each whether there is anything that a success ends."""
    outages = HostOutage.objects.filter(host=OuterRef("host"), ended_at=None)
    return channels.annotate(in_outage=Exists(outages), is_told_of=notices.open_about(OuterRef("pk")))


def record_success(channel: Channel, run: FetchRun) -> None:
    """A success, manual too, sets the count to zero and tells those who were told of trouble.

    `channel` was read by with_trouble().
    """
    channel.failures, channel.failing_since = 0, None
    channel.error_code, channel.error_detail = "", {}
    channel.last_success_at = run.finished_at
    # An inactive channel that a fetch by hand reached still fetches nothing by itself: that is no recovery.
    works = channel.state == Channel.State.ACTIVE
    told = works and channel.is_told_of  # type: ignore[attr-defined]
    if told and notices.close(channel, Kind.ATTENTION, Kind.DEACTIVATED, Kind.NOTHING_FETCHED):
        notices.tell(channel, Kind.RECOVERED, f"recovered:{run.pk}")


def record_failure(channel: Channel, run: FetchRun, error: ChannelError, *, partial: bool) -> None:
    """`partial`: the session brought mails in before it broke, which is no failure of the slot."""
    channel.failing_since = channel.failing_since or run.started_at
    if isinstance(error, OurProblem):
        if error.code == outages.NO_HOST_WORKS:  # what was said of the channel before was not so
            notices.close(channel, Kind.ATTENTION)
        elif is_permanent(channel.error_code):  # that still waits for somebody
            return
        channel.error_code, channel.error_detail = error.code, dict(error.detail)
        return
    channel.error_code, channel.error_detail = error.code, dict(error.detail)
    if counts(error, run, partial=partial):
        if outages.is_everybodys(channel, error):
            return
        channel.failures += 1
        if channel.failures >= settings.FAILURES_UNTIL_INACTIVE:
            _deactivate(channel)
            return
    if needs_somebody(error.code, channel.failures) and run.trigger != FetchRun.Trigger.MANUAL:
        notices.tell(channel, Kind.ATTENTION, f"attention:{channel.failing_since:%Y%m%d%H%M%S%f}")


def counts(error: ChannelError, run: FetchRun, *, partial: bool) -> bool:
    """Whether this error is one of five: a pure function of what happened."""
    return error.strikes and not partial and run.trigger == FetchRun.Trigger.SCHEDULE


def _deactivate(channel: Channel) -> None:
    channel.state, channel.inactive_reason = Channel.State.INACTIVE, "failures"
    channel.inactive_since, channel.next_fetch_at = timezone.now(), None
    notices.close(channel, Kind.ATTENTION, Kind.NOTHING_FETCHED)
    notices.tell(channel, Kind.DEACTIVATED, f"deactivated:{channel.inactive_since:%Y%m%d%H%M%S%f}")
    audit.note("channel.deactivated", channel.administration, channel)


# --- Whatever the class: so long without a success is shown and told ---------------------------------------


def fetches_nothing() -> Q:
    """Of active channels: failing for NO_SUCCESS_HOURS. A success ends that, so there was none."""
    return Q(failing_since__lt=_long_ago())


def nothing_since(channel: Channel) -> datetime | None:
    """The same of one channel: since when, or None."""
    failing = channel.failing_since if channel.state == Channel.State.ACTIVE else None
    return failing if failing is not None and failing < _long_ago() else None


def _long_ago() -> datetime:
    return timezone.now() - timedelta(hours=settings.NO_SUCCESS_HOURS)
