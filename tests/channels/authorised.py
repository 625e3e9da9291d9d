"""A channel whose owner signed in at the provider, on its real pages."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from django.utils import timezone

from administrations.models import Administration
from channels import services
from channels.auth.base import Grant
from channels.links import providers, tokens, vault
from channels.models import Channel
from tests.servers.openid import (
    ENTRA_CLIENT,
    ENTRA_SECRET,
    GOOGLE_CLIENT,
    GOOGLE_SECRET,
    TENANT,
    OpenIdProvider,
    sign_in,
)

REGISTRATIONS = {"google": (GOOGLE_CLIENT, GOOGLE_SECRET, ""), "entra": (ENTRA_CLIENT, ENTRA_SECRET, TENANT)}


def draft(
    administration: Administration, auth: str, username: str, protocol: str = "imap", **changes: object
) -> Channel:
    """A channel that nobody authorised yet. Call it inside the administration's scope."""
    client_id, secret, tenant = REGISTRATIONS[auth]
    fields = {
        "name": username, "protocol": protocol, "auth": auth, "username": username,
        "client_id": client_id, "tenant_id": tenant, **changes,
    }  # fmt: skip
    secret = str(fields.pop("client_secret", secret))
    channel = services.create_channel(administration, password="", activate=False, by=None, **fields)
    if secret:
        vault.store(channel, "client_secret", secret)
    return channel


def authorise(channel: Channel, provider: OpenIdProvider, account: str = "", **walk: object) -> Grant:
    """Asks, signs in, exchanges the code. Raises what that exchange raises. Nothing is stored."""
    method, registration = providers.method_of(channel), providers.registration_of(channel)
    wanted, back = providers.account_of(channel), providers.redirect_uri(channel.auth)
    sent = method.authorise(registration, wanted, back)
    address = sign_in(sent.url, account or wanted.login, provider.ca_file, **walk)  # type: ignore[arg-type]
    answer = dict(parse_qsl(urlsplit(address).query))
    assert answer["state"] == sent.state
    return method.exchange(registration, wanted, back, sent.flow, answer)


def link(
    administration: Administration, provider: OpenIdProvider, auth: str, username: str, **fields: object
) -> Channel:
    """An active channel with tokens. Call it inside the administration's scope."""
    channel = draft(administration, auth, username, **fields)  # type: ignore[arg-type]
    grant = authorise(channel, provider)
    tokens.store(channel, grant.tokens)
    channel.granted, channel.linked_at = grant.granted, timezone.now()
    channel.save(update_fields=["granted", "linked_at"])
    services.activate(channel, by=None)
    return channel
