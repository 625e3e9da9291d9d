"""The e-mail that carries an invitation's link."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from administrations.models import Invitation
from zenvoices.lib.addresses import absolute

log = structlog.get_logger(__name__)


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
