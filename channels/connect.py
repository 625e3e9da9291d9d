"""The only place where a sign-in method meets a mailbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPS_PORT
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from channels import auth
from channels.credentials import BearerToken, Credentials
from channels.errors import ConfigurationProblem, CredentialProblem
from channels.links import providers, tokens, vault, whose
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Mailbox, Server, Watch, open_session
from channels.models import Channel, ReceivedMail
from zenvoices.lib.statements import select_once

#: bytes; a mail that a person asked for may be this large
WANTED_MAX_BYTES = 200_000_000
#: the settings that name the mail server of a way to sign in, by authentication type and protocol
_SERVERS: Final = {
    ("google", "imap"): "GMAIL_IMAP",
    ("google", "pop3"): "GMAIL_POP3",
    ("entra", "imap"): "ENTRA_IMAP",
    ("entra", "pop3"): "ENTRA_POP3",
}


def server_at(host: str, port: int, security: str, folder: str, largest_mail: int | None = None) -> Server:
    """A server as the settings of this installation let us reach it."""
    return Server(
        host=host,
        port=port,
        security=security,
        folder=folder,
        allow_private=settings.MAIL_ALLOW_PRIVATE_HOSTS,
        ca_file=settings.OUTBOUND_CA_FILE or None,
        connect_timeout=settings.MAIL_CONNECT_SECONDS,
        silence_timeout=settings.MAIL_SILENCE_SECONDS,
        largest_mail=largest_mail or settings.MAIL_MAX_BYTES,
    )


def provider_server(auth_type: str, protocol: str) -> tuple[str, int] | None:
    """Host and port of the provider's mail server, always with TLS; None for a server that people type themselves."""
    setting = _SERVERS.get((auth_type, protocol))
    if setting is None:
        return None
    host, _, port = getattr(settings, setting).rpartition(":")
    return host, int(port)


def server_fields(auth_type: str, protocol: str) -> dict[str, str | int]:
    """What a channel of a provider keeps of it, for lists, limits and sentences; {} for another."""
    server = provider_server(auth_type, protocol)
    return {"host": server[0], "port": server[1], "security": Channel.Security.TLS.value} if server else {}


def address_of(channel: Channel) -> tuple[str, int, str]:
    """Host, port and security. Those of a provider are never a matter of what stands in the row."""
    if channel.uses_gmail_api:
        root = urlsplit(settings.GMAIL_API_ROOT)
        return root.hostname or "", root.port or HTTPS_PORT, Channel.Security.TLS.value
    provider = provider_server(channel.auth, channel.protocol)
    if provider is not None:
        return *provider, Channel.Security.TLS.value
    if not channel.host or channel.port is None:
        raise ConfigurationProblem("host_unknown", host=channel.host)
    return channel.host, channel.port, channel.security


def protocol_of(channel: Channel) -> str:
    """Which of channels.mailboxes: the Gmail API for a link whose rights are too narrow for IMAP and POP3."""
    return channel.granted if channel.uses_gmail_api else channel.protocol


@contextmanager
def opened(channel: Channel, watch: Watch) -> Iterator[Mailbox]:
    """A session with the channel's mailbox, up to its open folder.

    A token that the mail server refuses is renewed once: it may have been withdrawn before its time.
    """
    with whose.asking_for(channel):
        try:
            mailbox = _open(channel, watch, credentials_of(channel))
        except CredentialProblem as problem:
            if problem.code != "token_refused":
                raise
            mailbox = _open(channel, watch, credentials_of(channel, fresh=True))
        with mailbox:
            yield mailbox


def _open(channel: Channel, watch: Watch, credentials: Credentials) -> Mailbox:
    with ExitStack() as closing:
        mailbox = closing.enter_context(mailbox_of(channel, watch))
        open_session(mailbox, credentials)
        closing.pop_all()  # it stays open: the caller closes it
    return mailbox


def mailbox_of(channel: Channel, watch: Watch) -> Mailbox:
    """The channel's mailbox, not yet connected."""
    host, port, security = address_of(channel)
    largest = WANTED_MAX_BYTES if _asked_for(channel.pk) else settings.MAIL_MAX_BYTES
    server = server_at(host, port, security, channel.folder, largest)
    return mailbox_for(protocol_of(channel), server, watch)


@select_once
def _asked_for(channel_id: UUID) -> QuerySet[ReceivedMail]:
    """One of the mails that a person asked for."""
    wanted = ReceivedMail.objects.filter(channel_id=channel_id, state=ReceivedMail.State.WANTED)
    return wanted.filter(next_try_at__isnull=False).order_by().only("pk")[:1]


def credentials_of(channel: Channel, *, fresh: bool = False, typed: Mapping[str, str] | None = None) -> Credentials:
    """May ask the provider for tokens: not inside a transaction. `fresh`: those that stand were refused.

    `typed`: a client secret or certificate that is tried before it is kept.
    """
    if channel.auth in providers.NAMES:
        current = tokens.current(channel, fresh=fresh, typed=typed)
        return BearerToken(channel.username, current.access_token)
    method = auth.METHODS.get(channel.auth)
    if method is None:
        raise ConfigurationProblem("sign_in_method_missing", method=channel.auth)
    return method.credentials(channel.username, vault.read(channel, *method.secrets))
