"""Five in a row: what a finished fetch means for its channel.

One scheduled slot ends in success, failure or neither. Counted is what the channel or its server did; never what we
did, a busy lease, throttling, one bad mail, or a fetch somebody started by hand. Every decision is made in the one
transaction that finishes the run.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from channels import notices
from channels.errors import CODES, ChannelError, OurProblem, TransientProblem
from channels.models import Channel, FetchRun, HostOutage
from zenvoices.lib.scoping import every_administration

log = structlog.get_logger(__name__)

OUTAGE_WINDOW = timedelta(minutes=30)
OUTAGE_CHANNELS = 5
OUTAGE_ENVIRONMENTS = 3
NO_NETWORK_HOSTS = 3
NO_ANSWER = "connect_timeout"
TRANSIENT_CODES = [code for code, known in CODES.items() if known.kind is TransientProblem]


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
    if told and notices.close(channel, notices.ATTENTION, notices.DEACTIVATED):
        notices.tell(channel, notices.RECOVERED, f"recovered:{run.pk}")


def record_failure(channel: Channel, run: FetchRun, error: ChannelError, *, partial: bool) -> None:
    """`partial`: the session brought mails in before it broke, which is no failure of the slot."""
    if isinstance(error, OurProblem):
        return
    channel.error_code, channel.error_detail = error.code, dict(error.detail)
    channel.failing_since = channel.failing_since or run.started_at
    if counts(error, run, partial=partial) and not _is_everybodys(channel, error):
        channel.failures += 1
        if channel.failures >= settings.FAILURES_UNTIL_INACTIVE:
            _deactivate(channel)
            return
    if error.permanent and run.trigger != FetchRun.Trigger.MANUAL:
        notices.tell(channel, notices.ATTENTION, f"attention:{channel.failing_since:%Y%m%d%H%M%S%f}")


def counts(error: ChannelError, run: FetchRun, *, partial: bool) -> bool:
    """Whether this error is one of five: a pure function of what happened."""
    return error.strikes and not partial and run.trigger == FetchRun.Trigger.SCHEDULE


def _deactivate(channel: Channel) -> None:
    channel.state, channel.inactive_reason = Channel.State.INACTIVE, "failures"
    channel.inactive_since, channel.next_fetch_at = timezone.now(), None
    notices.close(channel, notices.ATTENTION)
    notices.tell(channel, notices.DEACTIVATED, f"deactivated:{channel.inactive_since:%Y%m%d%H%M%S%f}")


# --- One host fails for many: that is nobody's channel ---------------------------------------------------


def _is_everybodys(channel: Channel, error: ChannelError) -> bool:
    """The provider is *in storing*, or nothing at all answers us: neither is this channel's doing."""
    if not isinstance(error, TransientProblem):
        return False
    with every_administration():
        if HostOutage.objects.filter(host=channel.host, ended_at=None).exists():
            return True
        recent = FetchRun.objects.filter(
            trigger=FetchRun.Trigger.SCHEDULE, finished_at__gte=timezone.now() - OUTAGE_WINDOW
        )
        return _open_outage(channel, recent) or _nothing_answers(channel, error, recent)


def _open_outage(channel: Channel, recent: QuerySet[FetchRun]) -> bool:
    """At least five channels of three offices, and at least half of the host's fetches. The schedule tells of it."""
    failing = Q(error_code__in=TRANSIENT_CODES)
    other_office = ~Q(administration__environment=channel.administration.environment_id)
    found = recent.filter(channel__host=channel.host).aggregate(
        runs=Count("pk"),
        failing=Count("pk", filter=failing),
        channels=Count("channel", distinct=True, filter=failing & ~Q(channel=channel)),
        offices=Count("administration__environment", distinct=True, filter=failing & other_office),
    )
    channels, offices = found["channels"] + 1, found["offices"] + 1
    if channels < OUTAGE_CHANNELS or offices < OUTAGE_ENVIRONMENTS or 2 * found["failing"] < found["runs"]:
        return False
    _outage, opened = HostOutage.objects.get_or_create(host=channel.host, ended_at=None)
    if opened:
        log.warning("host in outage", host=channel.host, channels=channels)
    return True


def _nothing_answers(channel: Channel, error: TransientProblem, recent: QuerySet[FetchRun]) -> bool:
    """Three hosts or more are silent and none answers: it is our own line. A refusal is an answer."""
    if error.code != NO_ANSWER or recent.exclude(error_code=NO_ANSWER).exists():
        return False
    others = recent.exclude(channel__host=channel.host).order_by().values("channel__host").distinct()
    return len(others[: NO_NETWORK_HOSTS - 1]) + 1 >= NO_NETWORK_HOSTS


def end_outage(host: str) -> None:
    """Any fetch that succeeds is the probe that ends it. Not in its transaction; in as many statements for any number
    of channels."""
    with every_administration(), transaction.atomic():
        if HostOutage.objects.filter(host=host, ended_at=None).update(ended_at=timezone.now()):
            close_outage_notices(host)


def close_outage_notices(host: str) -> None:
    notices.close_all(Channel.objects.filter(host=host), notices.OUTAGE)
