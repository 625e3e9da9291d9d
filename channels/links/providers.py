"""What this installation and a channel tell a provider: its addresses, the registration, the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from channels.auth import PROVIDER_NAMES
from channels.auth.base import Account, OAuthMethod, Registration
from channels.auth.identity import same_account
from channels.errors import ConfigurationProblem
from channels.links import vault
from channels.models import Channel
from zenvoices.lib.keypairs import KeyPairProblem, read_pair
from zenvoices.lib.scoping import every_administration

NAMES: Final = PROVIDER_NAMES
#: in the vault: what proves a channel's own registration; one of them
PROOFS: Final = ("client_secret", "client_certificate")
#: Customers have registered exactly these paths.
CALLBACK_PATHS: Final = {
    Channel.Auth.GOOGLE.value: "/ChannelConnector/ProcessGmailIMAPAuthorizationResult",
    Channel.Auth.ENTRA.value: "/ChannelConnector/ProcessEntraIMAPAuthorizationResult",
}


def is_oauth(channel: Channel) -> bool:
    return channel.auth in NAMES


def method_of(channel: Channel) -> OAuthMethod:
    """As the settings say now. A channel with a password is a KeyError: a mistake in our code."""
    return {Channel.Auth.GOOGLE.value: _google, Channel.Auth.ENTRA.value: _entra}[channel.auth]()


# requests, and what comes with it, keeps 3 MB of a process; one that fetches by password needs none of it.


def _google() -> OAuthMethod:
    from channels.auth.google import GoogleAuth  # noqa: PLC0415

    addresses = settings.GOOGLE_AUTH_URI, settings.GOOGLE_TOKEN_URI, settings.GOOGLE_REVOKE_URI
    lives_on = partial(lives_on_consent, Channel.Auth.GOOGLE.value)
    return GoogleAuth(*addresses, settings.OUTBOUND_CA_FILE or None, lives_on)


def _entra() -> OAuthMethod:
    from channels.auth.entra import EntraAuth  # noqa: PLC0415

    return EntraAuth(settings.ENTRA_AUTHORITY_BASE, settings.OUTBOUND_CA_FILE or None)


def registration_of(channel: Channel, typed: Mapping[str, str] | None = None) -> Registration:
    """The channel's own, or the portal's when it names none. Raises ConfigurationProblem without a secret.

    `typed`: a client secret or certificate by its name in the vault, tried before it is kept.
    """
    if channel.client_id:
        proof = typed or vault.read(channel, *PROOFS)
        secret, certificate = proof.get("client_secret", ""), proof.get("client_certificate", "")
        registration = Registration(channel.client_id, secret, channel.tenant_id, certificate)
    else:
        registration = replace(portal_registration(channel.auth), tenant=channel.tenant_id)
    if not _is_whole(registration):
        raise ConfigurationProblem("client_secret_missing", provider=NAMES[channel.auth])
    return registration


def portal_registration(auth: str) -> Registration:
    """The portal's own; "" in it where the operator made none."""
    if auth == Channel.Auth.GOOGLE:
        return Registration(settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET)
    certificate = _portal_certificate()
    secret = "" if certificate else settings.ENTRA_CLIENT_SECRET
    return Registration(settings.ENTRA_CLIENT_ID, secret, certificate=certificate)


def _portal_certificate() -> str:
    """Read each time: a file that was replaced counts at once. One that is gone says so, by its name."""
    if not settings.ENTRA_CLIENT_CERTIFICATE:
        return ""
    try:
        return Path(settings.ENTRA_CLIENT_CERTIFICATE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return settings.ENTRA_CLIENT_CERTIFICATE


def portal_apps() -> tuple[str, ...]:
    """The ways of signing in for which this portal has a registration of its own: linking in a few clicks."""
    return tuple(auth for auth in NAMES if _is_whole(portal_registration(auth)))


def portal_ends() -> dict[str, date]:
    """By provider: the day that the portal's own registration ends, as far as we know."""
    days = {Channel.Auth.GOOGLE: settings.GOOGLE_CLIENT_SECRET_EXPIRES_ON, Channel.Auth.ENTRA: _entra_end()}
    return {NAMES[auth]: day for auth, day in days.items() if day is not None and auth in portal_apps()}


def _entra_end() -> date | None:
    """A certificate says it itself."""
    try:
        certificate = _portal_certificate()
        if not certificate:
            return settings.ENTRA_CLIENT_SECRET_EXPIRES_ON
        return timezone.localdate(read_pair(certificate).ends_at)
    except KeyPairProblem:
        return None


def _is_whole(registration: Registration) -> bool:
    return bool(registration.client_id and (registration.client_secret or registration.certificate))


def account_of(channel: Channel) -> Account:
    return Account(channel.protocol, channel.username, channel.signs_in_as, channel.app_only)


def redirect_uri(auth: str) -> str:
    return settings.BASE_URL + CALLBACK_PATHS[auth]


def lives_on_consent(auth: str, client_id: str, account: str, *, besides: Channel | None = None) -> bool:
    """Whether a channel, in whatever office, lives on what this account allowed this registration."""
    portals_own = client_id == portal_registration(auth).client_id
    with every_administration():
        linked = Channel.objects.exclude(granted="").filter(auth=auth, deleted_at=None)
        linked = linked.filter(client_id__in=[client_id, ""] if portals_own else [client_id])
        if besides is not None:
            linked = linked.exclude(pk=besides.pk)
        logins = linked.values_list("username", flat=True)
        return any(same_account(login, account) for login in logins.iterator())
