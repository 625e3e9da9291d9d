"""Figures for Prometheus, read from the database at each scrape: right across all processes."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from channels.errors import CODES
from channels.fetching import schedule
from channels.fetching.places import open_runs
from channels.links.providers import portal_ends
from channels.models import Channel, FailingStep, HostOutage
from notifications.operator import open_alerts
from zenvoices.lib.scoping import every_administration


class ChannelCollector(Collector):
    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Named beforehand, so that registering asks no database."""
        yield GaugeMetricFamily("zenvoices_channels", "Channels by state", labels=["state"])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with every_administration():
            yield _by_state()
            yield from _lateness()
            yield from _troubles()
            yield _failing_steps()
            yield _in_error()
            yield _operator_alerts()
            yield _registrations()


def _by_state() -> GaugeMetricFamily:
    family = GaugeMetricFamily("zenvoices_channels", "Channels by state", labels=["state"])
    counted = dict(Channel.objects.filter(deleted_at=None).order_by().values_list("state").annotate(Count("pk")))
    for state in Channel.State.values:
        family.add_metric([state], counted.get(state, 0))
    return family


def _lateness() -> Iterator[GaugeMetricFamily]:
    now = timezone.now()
    late = schedule.due(now)
    oldest = late.aggregate(oldest=Min("next_fetch_at"))["oldest"]
    seconds = (now - oldest).total_seconds() if oldest else 0
    yield GaugeMetricFamily("zenvoices_channels_due", "Channels that are due and not yet taken", late.count())
    yield GaugeMetricFamily("zenvoices_fetch_lateness_seconds", "How long the longest of them waits", seconds)


def _troubles() -> Iterator[GaugeMetricFamily]:
    fetches = open_runs().count()
    failing = Channel.objects.filter(failures__gt=0, deleted_at=None).count()
    outages = HostOutage.objects.filter(ended_at=None).count()
    steps = FailingStep.objects.count()
    yield GaugeMetricFamily("zenvoices_fetches_open", "Fetches queued or under way", fetches)
    yield GaugeMetricFamily("zenvoices_channels_failing", "Channels with a failure that counts", failing)
    yield GaugeMetricFamily("zenvoices_host_outages", "Mail hosts in an outage now", outages)
    yield GaugeMetricFamily("zenvoices_schedule_steps_failing", "Steps of the schedule that raise at each try", steps)


def _failing_steps() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "zenvoices_schedule_step_failing_seconds", "How long a step of the schedule raises at each try", labels=["step"]
    )
    for step in FailingStep.objects.all():
        family.add_metric([step.name], (timezone.now() - step.since).total_seconds())
    return family


def _in_error() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "zenvoices_channels_in_error", "Active channels by the error that stands", labels=["code", "whose", "class"]
    )
    failing = Channel.objects.filter(state=Channel.State.ACTIVE, deleted_at=None).exclude(error_code="")
    for code, channels in failing.order_by().values_list("error_code").annotate(Count("pk")):
        if code in CODES:
            family.add_metric([code, CODES[code].whose.value, CODES[code].kind.__name__], channels)
    return family


def _operator_alerts() -> GaugeMetricFamily:
    family = GaugeMetricFamily("zenvoices_operator_alerts", "What only the operator can mend, by code", labels=["code"])
    for alert in open_alerts():
        family.add_metric([alert.code], 1)
    return family


def _registrations() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "zenvoices_registration_days_left", "Until the portal's own registration ends", labels=["provider"]
    )
    for provider, day in portal_ends().items():
        family.add_metric([provider], (day - timezone.localdate()).days)
    return family
