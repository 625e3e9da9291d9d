"""Whose a provider's refusal is, once it is known which channel asked: the provider does not know that.

Every way out to a provider comes by here: renewing, linking, the consent page, and the Gmail API.
"""

from __future__ import annotations

from typing import Final

from channels.errors import ChannelError, OurProblem
from channels.links import google_testing
from channels.links.providers import NAMES
from channels.models import Channel

#: the registration itself is refused, or was never finished
OF_THE_REGISTRATION: Final = frozenset(
    [
        "client_secret_missing", "client_secret_wrong", "client_secret_is_id", "client_secret_expired",
        "client_certificate_wrong", "client_certificate_expired", "client_not_web", "client_is_spa", "client_unknown",
        "client_deleted", "client_disabled", "tenant_unknown", "redirect_unknown", "registration_refused",
        "permission_missing", "app_permission_missing", "gmail_api_disabled", "google_testing",
    ]
)  # fmt: skip
#: so do these, told by the provider's own word: an app for one organisation only
_ONE_ORGANISATION: Final = frozenset(["org_internal", "AADSTS50194"])


def explained(channel: Channel, error: ChannelError) -> ChannelError:
    """The error, or what is behind it. The portal's own registration is the operator's, and strikes nobody."""
    found = google_testing.explained(channel, error)
    if channel.client_id or channel.auth not in NAMES:
        return found
    if found.code in OF_THE_REGISTRATION or found.detail.get("reason") in _ONE_ORGANISATION:
        return OurProblem("portal_registration", provider=NAMES[channel.auth], reason=found.code)
    return found
