"""The e-mail that carries an invitation's link."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from administrations.models import Environment, Invitation, User
from zenvoices.lib.own_addresses import absolute
from zenvoices.lib.rates import within_rate

log = structlog.get_logger(__name__)


def refused_for_now(environment: Environment, by: User) -> str:
    """Why this person may send no more for a while; "" when they may, and then it counts."""
    who = f"{by.pk} {environment.pk}"
    if within_rate("invitation-sent", who, amount=settings.INVITATIONS_PER_HOUR, seconds=3600):
        return ""
    return _("Wait an hour before you invite more people.")


def send_invitation(invitation: Invitation, token: str) -> bool:
    """In the language of the request, so the inviter's. False when the mail server refused it."""
    words = {
        "invitation": invitation,
        "link": absolute(reverse("invitation", args=[token])),
        "by": invitation.invited_by,
    }
    subject = render_to_string("administrations/email/invitation_subject.txt", words).strip()
    message = render_to_string("administrations/email/invitation_message.txt", words)
    try:
        send_mail(subject, message, None, [invitation.email])
    except (SMTPException, OSError) as error:
        log.warning("invitation_not_sent", invitation=str(invitation.pk), reason=type(error).__name__)
        return False
    return True
