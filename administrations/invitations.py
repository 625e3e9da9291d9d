"""The e-mail that carries an invitation's link."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from administrations.models import Environment, Invitation, User
from zenvoices.lib import links
from zenvoices.lib.own_addresses import absolute
from zenvoices.lib.rates import within_rate


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
    prefix = "administrations/email/invitation_"
    return links.sent(prefix, invitation.email, words, invitation=str(invitation.pk))
