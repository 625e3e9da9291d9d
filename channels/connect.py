"""The only place where a sign-in method meets a mailbox."""

from __future__ import annotations

from django.conf import settings

from channels import auth, vault
from channels.credentials import Credentials
from channels.errors import ConfigurationProblem
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Mailbox, Server, Watch
from channels.models import Channel


def server_at(host: str, port: int, security: str, folder: str) -> Server:
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
    )


def mailbox_of(channel: Channel, watch: Watch) -> Mailbox:
    """The channel's mailbox, not yet connected."""
    if not channel.host or channel.port is None:
        raise ConfigurationProblem("host_unknown", host=channel.host)
    server = server_at(channel.host, channel.port, channel.security, channel.folder)
    return mailbox_for(channel.protocol, server, watch)


def credentials_of(channel: Channel) -> Credentials:
    method = auth.METHODS.get(channel.auth)
    if method is None:
        raise ConfigurationProblem("sign_in_method_missing", method=channel.auth)
    return method.credentials(channel.username, vault.read_all(channel))
