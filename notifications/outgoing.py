"""Every mail that the portal sends passes here: whether it left, and why not, is noted for the operator."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notifications import operator
from notifications.models import OutgoingMail, UnsentMail

log = structlog.get_logger(__name__)

#: how the operator's alerts of it begin
ALERT: Final = "outgoing_mail"
RECIPIENT_REFUSED: Final = "recipient_refused"
#: RFC 5321, 4.2.1: 4yz passes by itself, as where a server takes nothing from a stranger at first
DEFERRED: Final = "deferred"
#: so long without one mail that left, and it does not
_PASSES_WITHIN: Final = timedelta(hours=1)
#: exception -> class of the failure; the first that fits counts
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (SMTPAuthenticationError, "sign_in_refused"),
    (SMTPRecipientsRefused, RECIPIENT_REFUSED),
    (SMTPSenderRefused, "sender_refused"),
    (SMTPNotSupportedError, "not_offered"),  # no STARTTLS, or no way to sign in
    (SMTPConnectError, "unreachable"),
    (SMTPHeloError, "unreachable"),
    (SMTPServerDisconnected, "unreachable"),
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "not_offered"),  # as where TLS is spoken to a port that begins without
    (TimeoutError, "timeout"),
)
#: every class there is
REASONS: Final = (*sorted({reason for _, reason in _REASONS}), DEFERRED, "refused")


class NotReached(Exception):
    """Nothing was given to the mail server."""


@contextmanager
def reached() -> Iterator[BaseEmailBackend]:
    """A line to the mail server. What fails until then surely did not leave. Raises NotReached."""
    line = get_connection()
    try:
        line.open()
    except (SMTPException, OSError) as failure:
        raise NotReached from failure
    try:
        yield line
    finally:
        with suppress(SMTPException, OSError):
            line.close()


def hand_over(subject: str, body: str, to: str, about: str) -> None:
    """One mail to one person, over a line of its own. Raises NotReached, and what the server makes of it."""
    with reached() as line:
        headers = {"Message-ID": message_id(about)}
        EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [to], connection=line, headers=headers).send()


def message_id(about: str) -> str:
    """The same however often a mail is sent, so that its reader knows it again."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{about}@{domain}>"


def answers_of(failure: Exception) -> list[int]:
    """What the server said to it; 0 where the line broke: it may have taken the mail."""
    if isinstance(failure, SMTPRecipientsRefused):
        return [code for code, _words in failure.recipients.values()]
    return [getattr(failure, "smtp_code", 0)]


class WatchedBackend(BaseEmailBackend):
    """Sends through EMAIL_DELIVERY_BACKEND."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently)
        self._delivery = get_connection(settings.EMAIL_DELIVERY_BACKEND, **kwargs)

    def open(self) -> bool | None:
        """For who wants to know whether the server was reached before anything was given to it."""
        try:
            return self._delivery.open()
        except (SMTPException, OSError) as problem:
            self._has_failed(problem)
            if not self.fail_silently:
                raise
            return None

    def close(self) -> None:
        self._delivery.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        try:
            sent = self._delivery.send_messages(email_messages) or 0
        except (SMTPException, OSError) as problem:
            self._has_failed(problem)
            if not self.fail_silently:
                raise
            return 0
        if sent:
            _note_sent(sent)
        return sent

    def _has_failed(self, problem: Exception) -> None:
        with suppress(SMTPException, OSError):
            self._delivery.close()  # Django leaves the line open whose sign-in was refused
        _note_failed(problem)


def reason_of(problem: Exception) -> str:
    """The class of a failure: no address, no words of a server."""
    answers = answers_of(problem)
    if answers and all(400 <= code < 500 for code in answers):
        return DEFERRED
    for kind, reason in _REASONS:
        if isinstance(problem, kind):
            return reason
    return "refused" if isinstance(problem, SMTPException) else "unreachable"


def _note_sent(mails: int) -> None:
    try:
        with transaction.atomic():
            OutgoingMail.objects.get_or_create(pk=OutgoingMail.ONLY)
            ended = OutgoingMail.objects.exclude(failing_since=None).update(failing_since=None)
            OutgoingMail.objects.update(last_sent_at=timezone.now(), sent=F("sent") + mails)
            if ended:
                operator.over(ALERT)
    except DatabaseError:
        log.warning("that mail left was not noted", exc_info=True)  # it has left all the same
        return
    if ended:
        log.info("the portal's own mail leaves again")


def _note_failed(problem: Exception) -> None:
    reason = reason_of(problem)
    answer = getattr(problem, "smtp_code", None)
    log.warning("a mail did not leave", reason=reason, problem=type(problem).__name__, answer=answer)
    now = timezone.now()
    try:
        with transaction.atomic():
            OutgoingMail.objects.get_or_create(pk=OutgoingMail.ONLY)
            OutgoingMail.objects.update(
                last_failed_at=now, failing_since=Coalesce(F("failing_since"), now), reason=reason
            )
            UnsentMail.objects.get_or_create(reason=reason)
            UnsentMail.objects.filter(reason=reason).update(mails=F("mails") + 1)
            if _is_for_the_operator(reason, now):
                operator.tell(f"{ALERT}:{reason}", **_said(reason))
    except DatabaseError:
        log.exception("that mail did not leave was not noted")


def _is_for_the_operator(reason: str, now: datetime) -> bool:
    """One address that is wrong is not, nor what passes by itself."""
    if reason == DEFERRED:
        return OutgoingMail.objects.filter(failing_since__lte=now - _PASSES_WITHIN).exists()
    return reason != RECIPIENT_REFUSED


def _said(reason: str) -> dict[str, str]:
    said = {}
    for language in ("nl", "en"):
        with translation.override(language):
            text = _("Mail of this portal does not leave (%(reason)s): look at EMAIL_URL and its server.")
            said[f"text_{language}"] = text % {"reason": reason}
    return said
