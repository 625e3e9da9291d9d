"""What people copy from here into the consoles of Google and Microsoft."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from channels.links import providers
from channels.models import Channel
from channels.pages.exchange_lines import ExchangeLines, exchange_lines


@dataclass(frozen=True, slots=True)
class Console:
    """Everything built from BASE_URL: what is registered must be what we send, letter for letter."""

    home: str
    domain: str
    google_redirect: str
    entra_redirect: str
    admin_consent: str
    admin_consent_base: str
    exchange: ExchangeLines
    gmail_scope: str = "https://mail.google.com/"
    gmail_readonly_scope: str = "https://www.googleapis.com/auth/gmail.readonly"


def console_of(channel: Channel | None) -> Console:
    """`admin_consent`: what an IT administrator opens, once the directory and client id are known."""
    redirect = providers.redirect_uri(Channel.Auth.ENTRA)
    known = channel is not None and channel.auth == Channel.Auth.ENTRA
    client_id = (channel.client_id if known and channel else "") or settings.ENTRA_CLIENT_ID
    tenant = (channel.tenant_id if known and channel else "") or "organizations"
    return Console(
        home=settings.BASE_URL,
        domain=_registrable(urlsplit(settings.BASE_URL).hostname or ""),
        google_redirect=providers.redirect_uri(Channel.Auth.GOOGLE),
        entra_redirect=redirect,
        admin_consent=_admin_consent(tenant, client_id, redirect) if client_id else "",
        admin_consent_base=settings.ENTRA_AUTHORITY_BASE,
        exchange=exchange_lines(channel),
    )


def _admin_consent(tenant: str, client_id: str, redirect: str) -> str:
    """https://learn.microsoft.com/entra/identity-platform/v2-admin-consent"""
    query = urlencode({"client_id": client_id, "redirect_uri": redirect})
    return f"{settings.ENTRA_AUTHORITY_BASE}/{quote(tenant)}/adminconsent?{query}"


def _registrable(host: str) -> str:
    """app.zenvoices.com -> zenvoices.com, as Google wants it. Of names like co.uk the last three parts."""
    parts = host.split(".")
    keep = 3 if len(parts) > 2 and len(parts[-2]) <= 3 and len(parts[-1]) == 2 else 2
    return ".".join(parts[-keep:])
