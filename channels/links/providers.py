"""What this installation and a channel tell a provider: its addresses, the registration, the account."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.conf import settings

from channels.auth import PROVIDER_NAMES
from channels.auth.base import Account, OAuthMethod, Registration
from channels.auth.entra import EntraAuth
from channels.auth.google import GoogleAuth
from channels.auth.identity import same_account
from channels.errors import ConfigurationProblem
from channels.links import vault
from channels.models import Channel
from zenvoices.lib.scoping import every_administration

NAMES: Final = PROVIDER_NAMES
#: Customers have registered exactly these paths.
CALLBACK_PATHS: Final = {
    Channel.Auth.GOOGLE.value: "/ChannelConnector/ProcessGmailIMAPAuthorizationResult",
    Channel.Auth.ENTRA.value: "/ChannelConnector/ProcessEntraIMAPAuthorizationResult",
}


def is_oauth(channel: Channel) -> bool:
    return channel.auth in NAMES


def method_of(channel: Channel) -> OAuthMethod:
    """As the settings say now. A channel with a password is a KeyError: a mistake in our code."""
    ca_file = settings.OUTBOUND_CA_FILE or None
    methods: dict[str, OAuthMethod] = {
        Channel.Auth.GOOGLE.value: GoogleAuth(
            settings.GOOGLE_AUTH_URI,
            settings.GOOGLE_TOKEN_URI,
            settings.GOOGLE_REVOKE_URI,
            ca_file,
            partial(lives_on_consent, channel.auth),
        ),
        Channel.Auth.ENTRA.value: EntraAuth(settings.ENTRA_AUTHORITY_BASE, ca_file),
    }
    return methods[channel.auth]


def registration_of(channel: Channel, new_secret: str = "") -> Registration:
    """The channel's own, or the portal's when it names none. Raises ConfigurationProblem without a secret.

    `new_secret`: one that is tried before it is kept.
    """
    if channel.client_id:
        client_id, secret = (
            channel.client_id,
            new_secret or vault.read(channel, "client_secret").get("client_secret", ""),
        )
    else:
        client_id, secret = portal_registration(channel.auth)
    if not client_id or not secret:
        raise ConfigurationProblem("client_secret_missing", provider=NAMES[channel.auth])
    return Registration(client_id, secret, channel.tenant_id)


def portal_registration(auth: str) -> tuple[str, str]:
    """Client id and secret of the portal's own registration; "" where the operator made none."""
    if auth == Channel.Auth.GOOGLE:
        return settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET
    return settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_SECRET


def portal_apps() -> tuple[str, ...]:
    """The ways of signing in for which this portal has a registration of its own: linking in a few clicks."""
    return tuple(auth for auth in NAMES if all(portal_registration(auth)))


def account_of(channel: Channel) -> Account:
    return Account(channel.protocol, channel.username, channel.signs_in_as, channel.app_only)


def redirect_uri(auth: str) -> str:
    return settings.BASE_URL + CALLBACK_PATHS[auth]


def lives_on_consent(auth: str, client_id: str, account: str, *, besides: Channel | None = None) -> bool:
    """Whether a channel, in whatever office, lives on what this account allowed this registration."""
    portals_own = client_id == portal_registration(auth)[0]
    with every_administration():
        linked = Channel.objects.exclude(granted="").filter(auth=auth, deleted_at=None)
        linked = linked.filter(client_id__in=[client_id, ""] if portals_own else [client_id])
        if besides is not None:
            linked = linked.exclude(pk=besides.pk)
        logins = linked.values_list("username", flat=True)
        return any(same_account(login, account) for login in logins.iterator())
