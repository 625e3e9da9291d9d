"""Figures for Prometheus about the portal's own mail, read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from notifications.models import OutgoingMail


class MailCollector(Collector):
    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Named beforehand, so that registering asks no database."""
        yield _failing()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        mail = OutgoingMail.objects.filter(pk=OutgoingMail.ONLY).first() or OutgoingMail()
        sent, failed = mail.last_sent_at, mail.last_failed_at
        if sent:
            yield _moment("sent", "When mail of the portal last left", sent.timestamp())
        if failed:
            yield _moment("failed", "When mail of the portal last did not leave", failed.timestamp())
        failing = _failing()
        if mail.failing_since:
            failing.add_metric([mail.reason], 1)
        yield failing


def _moment(what: str, meaning: str, seconds: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"zenvoices_mail_last_{what}_timestamp_seconds", meaning, seconds)


def _failing() -> GaugeMetricFamily:
    return GaugeMetricFamily("zenvoices_mail_failing", "1 while the last mail did not leave", labels=["reason"])
