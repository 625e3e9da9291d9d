"""One e-mail a day, for who wants that: what came since the morning before, in one."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

import structlog
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import ngettext

from administrations.models import User
from notifications.models import Notification
from notifications.outgoing import NotReached, hand_over
from notifications.queries import due_daily, of_the_day, this_morning
from notifications.services import claim_email, in_language, release_email, settle_email

log = structlog.get_logger(__name__)
#: the rest stands in the portal
MOST_TOLD = 100


def send(most: int) -> int:
    """Returns how many left; stops where the mail server does not answer. Inside `every_administration`."""
    sent = 0
    for user in due_daily(most):
        notes = [one for one in of_the_day(user, MOST_TOLD) if claim_email(one.pk, this_morning())]
        try:
            sent += bool(notes) and _send(user, notes)
        except (SMTPDataError, SMTPRecipientsRefused) as refusal:  # this one only: its claims run out
            log.warning("e-mail of the day refused", user=str(user.pk), problem=type(refusal).__name__)
        except (NotReached, SMTPSenderRefused) as problem:
            for one in notes:
                release_email(one.pk)
            failed = type(problem.__cause__ or problem).__name__
            log.warning("e-mail of the day did not leave", user=str(user.pk), problem=failed)
            break
        except (OSError, SMTPException) as problem:  # the line broke: it may have left, and its claims run out
            log.warning("e-mail of the day may have left", user=str(user.pk), problem=type(problem).__name__)
            break
    return sent


def _send(user: User, notes: Sequence[Notification]) -> bool:
    wanted = user.is_active and user.email_notifications
    if wanted:
        _mail(user, notes)
    for one in notes:
        settle_email(one.pk)
    return wanted


def _mail(user: User, notes: Sequence[Notification]) -> None:
    language = user.language or settings.LANGUAGE_CODE
    with translation.override(language):
        count = ngettext("%(n)s notification", "%(n)s notifications", len(notes)) % {"n": len(notes)}
        told = [(one, *in_language(one, language), _url("notification-open", one.pk)) for one in notes]
        context = {"name": user, "told": told, "all_url": _url("notifications"), "settings_url": _url("my-settings")}
        body = render_to_string("notifications/daily.txt", context)
    about = f"day.{user.pk}.{this_morning():%Y%m%d}"
    hand_over(f"{count} · Zenvoices", body, user.email, about)


def _url(name: str, *args: object) -> str:
    return settings.BASE_URL + reverse(name, args=args)
