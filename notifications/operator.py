"""Telling the operator what only the operator can mend: in the log, in /metrics and /readyz, and once by e-mail."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPException
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.utils import timezone

from notifications.models import OperatorAlert
from zenvoices.lib import database_clock

log = structlog.get_logger(__name__)

#: without a sign for so long it is over; each channel tries every half hour
QUIET: Final = timedelta(hours=1)


def tell(code: str, *, text_nl: str, text_en: str) -> None:
    """`text_*`: what is the matter and what to do, without anything of a customer. The same code is told once."""
    log.error("the operator must act", code=code, text=text_en)
    now = database_clock.now()
    alert, is_new = OperatorAlert.objects.get_or_create(
        code=code, ended_at=None, defaults={"text_nl": text_nl, "text_en": text_en, "since": now, "last_at": now}
    )
    if not is_new:
        OperatorAlert.objects.filter(pk=alert.pk).update(last_at=now)


def was_told(code: str) -> bool:
    """Ever: for what is told once, however long ago."""
    return OperatorAlert.objects.filter(code=code).exists()


def over(code: str) -> None:
    """Ends it at once, with every reason of it."""
    OperatorAlert.objects.filter(code__startswith=code, ended_at=None).update(ended_at=timezone.now())


def open_alerts() -> QuerySet[OperatorAlert]:
    return OperatorAlert.objects.filter(ended_at=None).order_by("since", "pk")


def settle() -> int:
    """Ends what is quiet, and e-mails what is not told yet. Returns how many e-mails left."""
    now = database_clock.now()
    OperatorAlert.objects.filter(ended_at=None, last_at__lt=now - QUIET).update(ended_at=now)
    return sum(_mail(alert) for alert in open_alerts().filter(mailed_at=None)) if settings.OPERATOR_EMAIL else 0


def _mail(alert: OperatorAlert) -> bool:
    """The claim comes first: of two schedulers one sends. What does not leave is tried again at the next tick."""
    mine = OperatorAlert.objects.filter(pk=alert.pk, mailed_at=None).update(mailed_at=timezone.now())
    if not mine:
        return False
    body = (
        f"{alert.text_en}\n\n{alert.text_nl}\n\n{alert.code}, {alert.since:%Y-%m-%d %H:%M} UTC\n{settings.BASE_URL}\n"
    )
    subject = f"Zenvoices {settings.BASE_URL}: {alert.text_en}"
    try:
        send_mail(" ".join(subject.split())[:200], body, settings.DEFAULT_FROM_EMAIL, [settings.OPERATOR_EMAIL])
    except (OSError, SMTPException) as problem:
        OperatorAlert.objects.filter(pk=alert.pk).update(mailed_at=None)
        log.warning("e-mail to the operator did not leave", code=alert.code, problem=type(problem).__name__)
        return False
    return True
