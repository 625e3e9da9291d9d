"""What the operator was not told by e-mail yet. Not a step of the tick: who ticks knows no mail server."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.utils import timezone

from notifications.models import OperatorAlert
from notifications.operator import open_alerts
from notifications.outgoing import NotReached, answers_of, hand_over

log = structlog.get_logger(__name__)


def send() -> int:
    """Returns how many left; stops where the mail server does not answer."""
    sent = 0
    for alert in open_alerts().filter(mailed_at=None) if settings.OPERATOR_EMAIL else ():
        # The claim comes first: of two workers one sends.
        if not OperatorAlert.objects.filter(pk=alert.pk, mailed_at=None).update(mailed_at=timezone.now()):
            continue
        try:
            _mail(alert)
        except (NotReached, OSError, SMTPException) as problem:
            if isinstance(problem, NotReached) or all(answers_of(problem)):  # else it may have left
                OperatorAlert.objects.filter(pk=alert.pk).update(mailed_at=None)
            failed = type(problem.__cause__ or problem).__name__
            log.warning("e-mail to the operator did not leave", code=alert.code, problem=failed)
            break
        sent += 1
    return sent


def _mail(alert: OperatorAlert) -> None:
    body = (
        f"{alert.text_en}\n\n{alert.text_nl}\n\n{alert.code}, {alert.since:%Y-%m-%d %H:%M} UTC\n{settings.BASE_URL}\n"
    )
    subject = f"Zenvoices {settings.BASE_URL}: {alert.text_en}"
    hand_over(" ".join(subject.split())[:200], body, settings.OPERATOR_EMAIL, f"operator.{alert.pk}")
