"""The servers as pytest fixtures. What is missing is skipped with its reason, and fails with CI=true."""

from __future__ import annotations

import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest

from channels.credentials import Password
from channels.mailboxes.base import Server
from tests.servers.certificates import Certificate, Certificates, make_certificates
from tests.servers.dovecot import Dovecot, Introspection, is_installed
from tests.servers.gmail import GmailApi
from tests.servers.openid import PORTAL, OpenIdProvider
from tests.servers.openid import is_installed as provider_is_installed
from tests.servers.scripted import Script, ScriptedServer

_numbers = itertools.count(1)


def missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed, and CI=true wants it", pytrace=False)
    pytest.skip(f"{what} is not installed")


MAILBOX_PASSWORD = "geheim woord"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    if not is_installed():
        missing("Dovecot")
    with (
        tempfile.TemporaryDirectory(prefix="dovecot-") as directory,
        Dovecot(Path(directory), certificates.good) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def portal_port() -> int:
    """Where a whole portal of the tests answers: the provider must know its address beforehand."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def provider_process(certificates: Certificates, portal_port: int) -> Iterator[OpenIdProvider]:
    if not provider_is_installed():
        missing("The OpenID provider (Node.js, npm and tests/servers/provider/node_modules)")
    with OpenIdProvider(certificates, portals=(PORTAL, f"http://localhost:{portal_port}")) as provider:
        yield provider


@pytest.fixture
def provider(provider_process: OpenIdProvider) -> Iterator[OpenIdProvider]:
    """Google and Entra, with nothing wrong at the beginning of a test."""
    yield provider_process
    provider_process.reset()


@pytest.fixture(scope="session")
def token_dovecot(certificates: Certificates, provider_process: OpenIdProvider) -> Iterator[Dovecot]:
    """A Dovecot that takes the provider's tokens."""
    if not is_installed():
        missing("Dovecot")
    introspection = Introspection(provider_process.introspection, certificates.ca_file)
    with (
        tempfile.TemporaryDirectory(prefix="dovecot-") as directory,
        Dovecot(Path(directory), certificates.good, introspection=introspection) as server,
    ):
        yield server


@pytest.fixture
def at_provider(settings: Any, provider: OpenIdProvider, token_dovecot: Dovecot) -> OpenIdProvider:
    """The provider, with this portal's settings leading to it and to the mail server that takes its tokens."""
    for name, value in provider.settings().items():
        setattr(settings, name, value)
    for protocol, port in (("IMAP", token_dovecot.ports.imaps), ("POP3", token_dovecot.ports.pop3s)):
        setattr(settings, f"GMAIL_{protocol}", f"127.0.0.1:{port}")
        setattr(settings, f"ENTRA_{protocol}", f"127.0.0.1:{port}")
    return provider


@dataclass(frozen=True)
class MailboxUser:
    """A user of Dovecot of whom no other test knows."""

    dovecot: Dovecot
    certificates: Certificates
    name: str
    password: str

    @property
    def credentials(self) -> Password:
        return Password(self.name, self.password)

    def deliver(self, raw: bytes, folder: str = "", flags: str = "") -> None:
        self.dovecot.deliver(self.name, raw, folder, flags)

    def unread(self, folder: str = "INBOX") -> int:
        return self.dovecot.unread(self.name, folder)

    def count(self, folder: str = "INBOX") -> int:
        return self.dovecot.count(self.name, folder)

    def server(self, protocol: str = "imap", security: str = "tls", folder: str = "INBOX") -> Server:
        """Where a channel finds this mailbox."""
        port: int = getattr(self.dovecot.ports, protocol + ("s" if security == "tls" else ""))
        return Server(
            host="127.0.0.1",
            port=port,
            security=security,
            folder=folder,
            allow_private=True,
            ca_file=str(self.certificates.ca_file),
        )


@pytest.fixture
def mailbox_user(dovecot: Dovecot, certificates: Certificates) -> MailboxUser:
    user = MailboxUser(dovecot, certificates, f"user{next(_numbers)}@acme.test", MAILBOX_PASSWORD)
    dovecot.add_user(user.name, user.password)
    return user


@pytest.fixture
def token_user(token_dovecot: Dovecot, certificates: Certificates) -> MailboxUser:
    """A mailbox that its owner's token opens; any account may sign in at the provider."""
    return MailboxUser(token_dovecot, certificates, f"token{next(_numbers)}@acme.test", "")


class StartScripted(Protocol):
    def __call__(
        self,
        script: Script,
        *,
        security: str = "tls",
        certificate: Certificate | None = None,
        patience: float = 10.0,
    ) -> Server: ...


@pytest.fixture
def scripted(certificates: Certificates) -> Iterator[StartScripted]:
    """Starts a scripted server and says where it is; it is stopped after the test.

    `patience`: seconds of silence that its client bears.
    """
    with ExitStack() as stack:

        def start(
            script: Script,
            *,
            security: str = "tls",
            certificate: Certificate | None = None,
            patience: float = 10.0,
        ) -> Server:
            server = ScriptedServer(script, certificate or certificates.good, tls=security == "tls")
            stack.callback(server.stop)
            server.start()
            return Server(
                host="localhost",
                port=server.port,
                security=security,
                allow_private=True,
                ca_file=str(certificates.ca_file),
                connect_timeout=patience,
                silence_timeout=patience,
            )

        yield start


@pytest.fixture(scope="session")
def gmail_process(certificates: Certificates) -> Iterator[GmailApi]:
    with GmailApi(certificates.good) as api:
        yield api


@pytest.fixture(scope="session")
def token_gmail(certificates: Certificates, provider_process: OpenIdProvider) -> Iterator[GmailApi]:
    """A Gmail that asks the provider whose each token is."""
    with GmailApi(certificates.good, provider_process.introspection, certificates.ca_file) as api:
        yield api


@pytest.fixture
def gmail_api(gmail_process: GmailApi) -> Iterator[GmailApi]:
    """An empty Gmail; a call that Google's description does not know fails the test."""
    gmail_process.reset()
    yield gmail_process
    assert gmail_process.violations == []


def gmail_server(api: GmailApi, certificates: Certificates, **fields: str | float) -> Server:
    """Where a mailbox finds it."""
    where = {"host": "127.0.0.1", "port": api.port, "allow_private": True, "ca_file": str(certificates.ca_file)}
    return Server(**{**where, **fields})  # type: ignore[arg-type]
