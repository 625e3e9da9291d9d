"""A Google project in *Testing* loses each of its links after seven days, and Google does not say why.

https://developers.google.com/identity/protocols/oauth2#expiration: we know it by the moment.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from channels.errors import ChannelError, CredentialProblem
from channels.models import Channel

WEEK: Final = timedelta(days=7)
#: a link that is polled each half hour is seen to end soon after it did
MARGIN: Final = timedelta(hours=12)


def explained(channel: Channel, error: ChannelError) -> ChannelError:
    """The error, or the cause of it when a link ended about seven days after it was made; which is remembered."""
    if error.code != "link_revoked" or channel.auth != Channel.Auth.GOOGLE or channel.linked_at is None:
        return error
    if channel.short_lived_link_at != channel.linked_at:
        if abs(timezone.now() - channel.linked_at - WEEK) > MARGIN:
            return error
        if channel.client_id:  # of the portal's own project its operator is told; the next link may last
            _remember(channel)
    return CredentialProblem("google_testing", **error.detail)


def _remember(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk, linked_at=channel.linked_at).update(short_lived_link_at=channel.linked_at)
    channel.short_lived_link_at = channel.linked_at


def lasts_a_week(channel: Channel) -> bool:
    """Whether this link is one of those, as far as we know."""
    if channel.linked_at is None or channel.link_ends_at is None:
        return False
    return abs(channel.link_ends_at - channel.linked_at - WEEK) <= MARGIN
