"""Telling the operator what only the operator can mend: in the log, in /metrics and /readyz, and once by e-mail
(notifications.operator_mail).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
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


def end_quiet() -> int:
    now = database_clock.now()
    return OperatorAlert.objects.filter(ended_at=None, last_at__lt=now - QUIET).update(ended_at=now)
