"""The only place where a sign-in method meets a mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPS_PORT
from urllib.parse import urlsplit

from django.conf import settings

from channels import auth, vault
from channels.credentials import Credentials
from channels.errors import ConfigurationProblem
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Mailbox, Server, Watch
from channels.models import Channel, ReceivedMail

#: bytes; a mail that a person asked for may be this large
WANTED_MAX_BYTES = 200_000_000


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel's mail is had: `protocol` names the mailbox in channels.mailboxes."""

    protocol: str
    host: str
    port: int
    security: str


def place_of(channel: Channel) -> Place:
    """The channel's own server; the Gmail API for a link whose rights are too narrow for IMAP and POP3."""
    if channel.uses_gmail_api:
        root = urlsplit(settings.GMAIL_API_ROOT)
        return Place(channel.granted, root.hostname or "", root.port or HTTPS_PORT, "tls")
    return Place(channel.protocol, channel.host, channel.port or 0, channel.security)


def mailbox_of(channel: Channel, watch: Watch) -> Mailbox:
    """The channel's mailbox, not yet connected."""
    place = place_of(channel)
    if not place.host or not place.port:
        raise ConfigurationProblem("host_unknown", host=place.host)
    asked_for = ReceivedMail.objects.filter(channel=channel, state=ReceivedMail.State.WANTED).exists()
    largest = WANTED_MAX_BYTES if asked_for else settings.MAIL_MAX_BYTES
    server = server_at(place.host, place.port, place.security, channel.folder, largest)
    return mailbox_for(place.protocol, server, watch)


def credentials_of(channel: Channel) -> Credentials:
    method = auth.METHODS.get(channel.auth)
    if method is None:
        raise ConfigurationProblem("sign_in_method_missing", method=channel.auth)
    return method.credentials(channel.username, vault.read_all(channel))
