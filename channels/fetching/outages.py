"""One cause, many channels: when a host fails for everybody it is nobody's channel, and when no host works it is ours.

Judged from the runs of the last half hour, whatever their code. Any success ends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from channels import notices
from channels.errors import CODES, ChannelError, OurProblem, TransientProblem
from channels.models import Channel, FetchRun, HostOutage
from channels.words.notices import Kind
from zenvoices.lib.scoping import every_administration

log = structlog.get_logger(__name__)

WINDOW: Final = timedelta(minutes=30)
CHANNELS: Final = 5
ENVIRONMENTS: Final = 3
#: so many hosts that fail alike, and none that works
HOSTS: Final = 3
NO_HOST_WORKS: Final = "no_host_works"
TRANSIENT: Final = [code for code, known in CODES.items() if known.kind is TransientProblem]
#: What our own network, resolver, clock, CA store, or a proxy in between, looks like at every host: one look a line.
_OURS: Final = (
    ("connect_timeout",),
    ("connection_refused",),
    ("host_unknown",),
    ("connection_lost", "server_silent"),
    ("not_a_mail_server", "server_answer_unreadable"),
    tuple(code for code in CODES if code.startswith(("certificate_", "tls_", "starttls_"))),
)


def judged(channel: Channel, error: ChannelError) -> ChannelError:
    """What is recorded of this failure: itself, or that no mail server works for us at all."""
    alike = next((codes for codes in _OURS if error.code in codes), None)
    if alike is None:
        return error
    with every_administration():
        recent, now = _recent(), timezone.now()
        # A server that refuses somebody was reached.
        reached = Q(outcome__in=FetchRun.WENT_WELL) | Q(error_code__in=_said_by_a_server())
        since = _last(recent.filter(reached)) or now - WINDOW
        failing = Q(error_code__in=alike) | Q(error_code=NO_HOST_WORKS, error_detail__reason__in=alike)
        elsewhere = recent.filter(failing, finished_at__gt=since).exclude(channel__host=channel.host)
        hosts = elsewhere.order_by().values("channel__host").distinct()
        if len(hosts[: HOSTS - 1]) + 1 < HOSTS:
            return error
    return OurProblem(NO_HOST_WORKS, reason=error.code)


def is_everybodys(channel: Channel, error: ChannelError) -> bool:
    """The host is *in storing*: it fails, or refuses alike, for channels of several offices at once."""
    kind = "" if isinstance(error, TransientProblem) else error.code
    with every_administration():
        if HostOutage.objects.filter(host=channel.host, code=kind, ended_at=None).exists():
            return True
        here = _recent().filter(channel__host=channel.host)
        found = _found(channel, here, kind)
        channels, offices = found["channels"] + 1, found["offices"] + 1
        if channels < CHANNELS or offices < ENVIRONMENTS or 2 * found["failing"] < found["runs"]:
            return False
        _outage, opened = HostOutage.objects.get_or_create(host=channel.host, code=kind, ended_at=None)
    if opened:
        log.warning("host in outage", host=channel.host, code=kind, channels=channels)
    return True


def _found(channel: Channel, here: QuerySet[FetchRun], kind: str) -> dict[str, int]:
    """Of a host that works now and then half of its runs must fail; a refusal must have come to everybody."""
    failing = Q(error_code=kind) if kind else Q(error_code__in=TRANSIENT)
    if kind and (since := _last(here.filter(outcome__in=FetchRun.WENT_WELL))):
        here = here.filter(finished_at__gt=since)
    other_office = ~Q(administration__environment=channel.administration.environment_id)
    return here.aggregate(
        runs=Count("pk"),
        failing=Count("pk", filter=failing),
        channels=Count("channel", distinct=True, filter=failing & ~Q(channel=channel)),
        offices=Count("administration__environment", distinct=True, filter=failing & other_office),
    )


def _recent() -> QuerySet[FetchRun]:
    return FetchRun.objects.filter(trigger=FetchRun.Trigger.SCHEDULE, finished_at__gte=timezone.now() - WINDOW)


def _last(runs: QuerySet[FetchRun]) -> datetime | None:
    return runs.order_by("-finished_at").values_list("finished_at", flat=True).first()


def _said_by_a_server() -> list[str]:
    line = {code for codes in _OURS for code in codes} | {"provider_unavailable", "provider_busy"}
    return [code for code, known in CODES.items() if known.kind is not OurProblem and code not in line]


def end(host: str) -> None:
    """Any fetch that succeeds is the probe that ends it. Not in its transaction; in as many statements for any number
    of channels."""
    with every_administration(), transaction.atomic():
        if HostOutage.objects.filter(host=host, ended_at=None).update(ended_at=timezone.now()):
            close_notices(host)


def close_notices(host: str) -> None:
    notices.close_all(Channel.objects.filter(host=host), Kind.OUTAGE)
