"""Figures for Prometheus about channels, fetches and the schedule, read from the database at each scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from administrations.models import Administration
from channels.errors import CODES
from channels.fetching import schedule
from channels.fetching.places import open_runs
from channels.links.providers import portal_ends
from channels.models import Channel, FailingStep, FetchRun, HostOutage, ReceivedMail, RunTally, TickTally
from notifications.operator import open_alerts
from zenvoices.lib.scoping import every_administration

#: minutes without a success: one half hour missed, and nearly three
SILENT: Final = (40, 90)
_ENDS: Final = (
    *((outcome.value, "") for outcome in FetchRun.Outcome if outcome != FetchRun.Outcome.FAILED),
    *((FetchRun.Outcome.FAILED.value, code) for code in CODES),
)


def families() -> Iterator[Metric]:
    now = timezone.now()
    with every_administration():
        rows = list(_by_state_and_error(now))
        yield _by_state(rows)
        yield from _successes(rows, now)
        yield _in_error(rows)
        yield from _lateness(now)
        yield from _troubles()
        yield from _failing_steps(now)
        yield _finished()
        yield from _ticks()
        yield _operator_alerts()
        yield _registrations()


def _by_state_and_error(now: datetime) -> QuerySet[Channel, Any]:
    """One look at the channels for all that is counted of them. Who never had a success is waited for from the moment
    that it was made active."""
    begun = Coalesce("activated_at", "created_at")
    # not by a join: under row-level security PostgreSQL expects few channels, and would look up the plan of each
    premium = Administration.objects.filter(plan="premium")
    fetched = Q(state=Channel.State.ACTIVE, administration__in=premium.values("pk"))
    channels = Channel.objects.filter(deleted_at=None).order_by().values("state", "error_code")
    return channels.alias(since=Greatest(Coalesce("last_success_at", begun), begun)).annotate(
        channels=Count("pk"),
        failing=Count("pk", filter=Q(failures__gt=0)),
        oldest=Min("since", filter=fetched),
        **{f"silent_{m}": Count("pk", filter=fetched & Q(since__lt=now - timedelta(minutes=m))) for m in SILENT},
    )


def _by_state(rows: Iterable[dict[str, Any]]) -> Metric:
    family = GaugeMetricFamily("zenvoices_channels", "Channels by state", labels=["state"])
    for state in Channel.State.values:
        family.add_metric([state], sum(row["channels"] for row in rows if row["state"] == state))
    return family


def _successes(rows: Iterable[dict[str, Any]], now: datetime) -> Iterator[Metric]:
    failing = sum(row["failing"] for row in rows)
    yield GaugeMetricFamily("zenvoices_channels_failing", "Channels with a failure that counts", failing)
    silent = GaugeMetricFamily(
        "zenvoices_channels_without_success",
        "Active channels without a success for so many minutes",
        labels=["minutes"],
    )
    for minutes in SILENT:
        silent.add_metric([str(minutes)], sum(row[f"silent_{minutes}"] for row in rows))
    yield silent
    oldest = min((row["oldest"] for row in rows if row["oldest"]), default=now)
    age = (now - oldest).total_seconds()
    yield GaugeMetricFamily(
        "zenvoices_oldest_success_age_seconds", "Of active channels, how long ago the oldest last success was", age
    )


def _in_error(rows: Iterable[dict[str, Any]]) -> Metric:
    family = GaugeMetricFamily(
        "zenvoices_channels_in_error", "Active channels by the error that stands", labels=["code", "whose", "class"]
    )
    for row in rows:
        code = row["error_code"]
        if code in CODES and row["state"] == Channel.State.ACTIVE:
            family.add_metric([code, CODES[code].whose.value, CODES[code].kind.__name__], row["channels"])
    return family


def _lateness(now: datetime) -> Iterator[Metric]:
    late = schedule.due(now).aggregate(number=Count("pk"), oldest=Min("next_fetch_at"))
    seconds = (now - late["oldest"]).total_seconds() if late["oldest"] else 0
    yield GaugeMetricFamily("zenvoices_channels_due", "Channels that are due and not yet taken", late["number"])
    yield GaugeMetricFamily("zenvoices_fetch_lateness_seconds", "How long the longest of them waits", seconds)


def _troubles() -> Iterator[Metric]:
    fetches = open_runs().count()
    outages = HostOutage.objects.filter(ended_at=None).count()
    not_taken_in = ReceivedMail.objects.filter(standing=True).count()  # read from ledger_unsettled alone
    yield GaugeMetricFamily("zenvoices_fetches_open", "Fetches queued or under way", fetches)
    yield GaugeMetricFamily("zenvoices_host_outages", "Mail hosts in an outage now", outages)
    yield GaugeMetricFamily("zenvoices_mails_not_taken_in", "Mails that were listed and could not be had", not_taken_in)


def _failing_steps(now: datetime) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "zenvoices_schedule_step_failing_seconds", "How long a step of the schedule raises at each try", labels=["step"]
    )
    steps = list(FailingStep.objects.all())
    for step in steps:
        family.add_metric([step.name], (now - step.since).total_seconds())
    yield GaugeMetricFamily(
        "zenvoices_schedule_steps_failing", "Steps of the schedule that raise at each try", len(steps)
    )
    yield family


def _finished() -> Metric:
    """Each end is there from the beginning, at 0: what Prometheus sees for the first time is no increase."""
    family = CounterMetricFamily(
        "zenvoices_fetches_finished", "Fetches that have ended, ever", labels=["outcome", "code", "whose"]
    )
    counted = Counter(dict.fromkeys(_ENDS, 0))
    for tally in RunTally.objects.all():
        known = (tally.outcome, tally.code) in counted
        counted[(tally.outcome, tally.code if known else "other")] += tally.runs
    for (outcome, code), runs in counted.items():
        family.add_metric([outcome, code, CODES[code].whose.value if code in CODES else ""], runs)
    return family


def _ticks() -> Iterator[Metric]:
    tally = TickTally.objects.filter(pk=TickTally.ONLY).first()
    ticks, late = (tally.ticks, tally.late) if tally else (0, 0)
    yield CounterMetricFamily("zenvoices_schedule_ticks", "Ticks of the schedule, ever", ticks)
    yield CounterMetricFamily("zenvoices_schedule_ticks_late", "Those that began late", late)
    if tally:
        yield GaugeMetricFamily(
            "zenvoices_schedule_last_tick_timestamp_seconds", "When the last one began", tally.last_at.timestamp()
        )


def _operator_alerts() -> Metric:
    family = GaugeMetricFamily("zenvoices_operator_alerts", "What only the operator can mend, by code", labels=["code"])
    for alert in open_alerts():
        family.add_metric([alert.code], 1)
    return family


def _registrations() -> Metric:
    family = GaugeMetricFamily(
        "zenvoices_registration_days_left", "Until the portal's own registration ends", labels=["provider"]
    )
    for provider, day in portal_ends().items():
        family.add_metric([provider], (day - timezone.localdate()).days)
    return family
