"""Figures for Prometheus about the portal's own mail, read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from notifications.models import OutgoingMail, UnsentMail
from notifications.outgoing import REASONS


def families() -> Iterator[Metric]:
    mail = OutgoingMail.objects.filter(pk=OutgoingMail.ONLY).first() or OutgoingMail()
    sent, failed = mail.last_sent_at, mail.last_failed_at
    if sent:
        yield _moment("sent", "When mail of the portal last left", sent.timestamp())
    if failed:
        yield _moment("failed", "When mail of the portal last did not leave", failed.timestamp())
    failing = GaugeMetricFamily("zenvoices_mail_failing", "1 while the last mail did not leave", labels=["reason"])
    if mail.failing_since:
        failing.add_metric([mail.reason], 1)
    yield failing
    yield CounterMetricFamily("zenvoices_mail_sent", "Mails of the portal that left, ever", mail.sent)
    yield _unsent()


def _moment(what: str, meaning: str, seconds: float) -> Metric:
    return GaugeMetricFamily(f"zenvoices_mail_last_{what}_timestamp_seconds", meaning, seconds)


def _unsent() -> Metric:
    """Each reason is there from the beginning, at 0: what Prometheus sees for the first time is no increase."""
    family = CounterMetricFamily("zenvoices_mail_failed", "Mails of the portal that did not leave", labels=["reason"])
    counted = dict.fromkeys(REASONS, 0) | dict(UnsentMail.objects.values_list("reason", "mails"))
    for reason, mails in counted.items():
        family.add_metric([reason], mails)
    return family
