"""The only place where a sign-in method meets a mailbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import Enum, auto
from http.client import HTTPS_PORT
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from channels import auth
from channels.auth.identity import same_account
from channels.credentials import BearerToken, Credentials
from channels.errors import ChannelError, ConfigurationProblem, channel_error
from channels.links import providers, tokens, vault, whose
from channels.mailboxes import mailbox_for
from channels.mailboxes.base import Mailbox, Server, Watch, sign_in
from channels.models import Channel, ReceivedMail

#: bytes; a mail that a person asked for may be this large
WANTED_MAX_BYTES = 200_000_000
#: what a mail server says of a token that it does not take
_REFUSALS: Final = frozenset({"token_refused", "sign_in_refused"})


class Kind(Enum):
    """Who signs in, for which mailbox."""

    OWN = auto()  # its owner
    SHARED = auto()  # a person for another mailbox
    APP = auto()  # nobody: the registration does by itself


_EXPLAINED: Final = {
    ("exchange_not_connected", Kind.SHARED): "exchange_not_connected_shared",
    ("exchange_not_connected", Kind.APP): "exchange_not_connected_app",
    ("token_refused", Kind.APP): "app_not_allowed",
    ("mailbox_not_allowed", Kind.APP): "app_not_allowed",
}
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
    """A session with the channel's mailbox, up to its open folder."""
    with signed_in(channel, watch) as mailbox:
        mailbox.open()
        yield mailbox


@contextmanager
def signed_in(channel: Channel, watch: Watch) -> Iterator[Mailbox]:
    """The same, with no folder open yet.

    A token that the mail server refuses is renewed once: it may have been withdrawn before its time.
    """
    try:
        try:
            mailbox = _open(channel, watch, credentials_of(channel))
        except ChannelError as problem:
            if problem.code not in _REFUSALS or channel.auth not in providers.NAMES:
                raise
            mailbox = _open(channel, watch, credentials_of(channel, fresh=True))
        with mailbox:
            yield mailbox
    except ChannelError as problem:
        raise whose.explained(channel, explained(problem, kind_of(channel))) from None


def kind_of(channel: Channel) -> Kind:
    if channel.app_only:
        return Kind.APP
    shared = channel.signs_in_as and not same_account(channel.signs_in_as, channel.username)
    return Kind.SHARED if shared else Kind.OWN


def explained(problem: ChannelError, kind: Kind) -> ChannelError:
    """The mail server says the same of every kind of channel; what is to be mended differs."""
    code = _EXPLAINED.get((problem.code, kind))
    return problem if code is None else channel_error(code, **problem.detail)


def _open(channel: Channel, watch: Watch, credentials: Credentials) -> Mailbox:
    with ExitStack() as closing:
        mailbox = closing.enter_context(mailbox_of(channel, watch))
        sign_in(mailbox, credentials)
        closing.pop_all()  # it stays open: the caller closes it
    return mailbox


def mailbox_of(channel: Channel, watch: Watch) -> Mailbox:
    """The channel's mailbox, not yet connected."""
    host, port, security = address_of(channel)
    largest = WANTED_MAX_BYTES if _is_asked_for_one(channel) else settings.MAIL_MAX_BYTES
    server = server_at(host, port, security, channel.folder, largest)
    return mailbox_for(protocol_of(channel), server, watch)


def _is_asked_for_one(channel: Channel) -> bool:
    """Whether a person asked for one of its mails."""
    wanted = ReceivedMail.objects.filter(channel=channel, state=ReceivedMail.State.WANTED, next_try_at__isnull=False)
    return not channel.is_settled and wanted.exists()


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
