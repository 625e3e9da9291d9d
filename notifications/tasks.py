"""The e-mails of notifications. The database says which are due; a mail server's hiccup leaves them due."""

from __future__ import annotations

from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from uuid import UUID

import structlog
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from notifications import daily, operator_mail
from notifications.models import Notification
from notifications.outgoing import NotReached, hand_over
from notifications.queries import due_emails
from notifications.services import claim_email, in_language, release_email, settle_email, subject_of
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import shared_task

log = structlog.get_logger(__name__)
BATCH = 200


@shared_task(name="notifications.tasks.send_emails")
def send_emails() -> int:
    """Returns how many left. Without a mail server it stops at once; the next minute tries again."""
    sent = 0
    with every_administration():
        for notification_id, due in due_emails(BATCH):
            if not claim_email(notification_id, due):
                continue
            try:
                sent += _send(notification_id)
            except (SMTPDataError, SMTPRecipientsRefused) as refusal:
                # This one only: its claim runs out, and it is tried again then. Any other refusal, of the sender for
                # one, would be given to each mail alike.
                log.warning("e-mail refused", notification=str(notification_id), problem=type(refusal).__name__)
            except (NotReached, SMTPSenderRefused) as problem:
                release_email(notification_id)
                failed = type(problem.__cause__ or problem).__name__
                log.warning("e-mail did not leave", notification=str(notification_id), problem=failed)
                break
            except (OSError, SMTPException) as problem:  # the line broke: it may have left, and its claim runs out
                log.warning("e-mail may have left", notification=str(notification_id), problem=type(problem).__name__)
                break
        else:
            sent += daily.send(BATCH) + operator_mail.send()
    return sent


def _send(notification_id: UUID) -> bool:
    notification = Notification.objects.select_related("user", "administration").get(pk=notification_id)
    wanted = notification.user.is_active and notification.user.email_notifications
    if wanted:
        _mail(notification)
    settle_email(notification_id)
    return wanted


def _mail(notification: Notification) -> None:
    user = notification.user
    language = user.language or settings.LANGUAGE_CODE
    text, action = in_language(notification, language)
    with translation.override(language):
        context = {
            "name": user, "text": text, "administration": notification.administration,
            "action": action or translation.gettext("Show notifications"),
            "url": settings.BASE_URL + reverse("notification-open", args=[notification.pk]),
            "settings_url": settings.BASE_URL + reverse("my-settings"),
        }  # fmt: skip
        body = render_to_string("notifications/email.txt", context)
    hand_over(subject_of(notification, language), body, user.email, f"notification.{notification.pk.hex}")
