"""The ways to sign in: with what the channel keeps, or with tokens of a provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from channels.credentials import Credentials


class AuthMethod(Protocol):
    """Turns what a channel keeps into what a mailbox is shown."""

    @property
    def kind(self) -> str:
        """The value of Channel.auth."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets it needs, as kept in ChannelSecret."""

    def credentials(self, username: str, secrets: Mapping[str, str]) -> Credentials:
        """Raises ConfigurationProblem when a secret is missing."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The app that a provider knows us by. `tenant`: Entra's directory.

    `certificate`: at Entra, a key with its certificate (PEM) that proves the app instead of the secret.
    """

    client_id: str
    client_secret: str = field(repr=False)
    tenant: str = ""
    certificate: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """The mailbox that is wanted, and who signs in for it. `protocol` decides the scopes at Entra.

    `app_only`: nobody signs in, the registration does by itself.
    """

    protocol: str
    username: str
    signs_in_as: str = ""
    app_only: bool = False

    @property
    def login(self) -> str:
        return self.signs_in_as or self.username


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_at` in Unix seconds. An app that signs in by itself has no refresh token."""

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Tokens:
        kept = json.loads(text)
        return cls(**kept | {"scopes": tuple(kept["scopes"])})


@dataclass(frozen=True, slots=True)
class AuthorisationRequest:
    """Where to send the browser, and what must be kept secret until it is back (JSON-safe)."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    flow: dict[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What came back. `granted` is a Channel.Granted; `link_seconds` when the provider says that the link ends."""

    tokens: Tokens
    account: str
    granted: str
    link_seconds: int | None = None


class OAuthMethod(Protocol):
    """One provider. Everything raises a ChannelError of its own class; no text of the provider is passed on."""

    @property
    def kind(self) -> str:
        """The value of Channel.auth."""

    def authorise(self, registration: Registration, account: Account, redirect_uri: str) -> AuthorisationRequest:
        """The beginning of the authorization code flow, with PKCE (RFC 7636) and the account pre-chosen."""

    def exchange(
        self,
        registration: Registration,
        account: Account,
        redirect_uri: str,
        flow: Mapping[str, object],
        answer: Mapping[str, str],
    ) -> Grant:
        """The end of it: code for tokens. `answer` is the query of the callback; its state was checked by the caller.

        Checks issuer, audience, tenant and account of the id_token. What is refused after all is revoked at once.
        """

    def renew(self, registration: Registration, account: Account, tokens: Tokens | None) -> Tokens:
        """New tokens for old; the refresh token in them may be another one (rotation). `None`: app_only."""

    def revoke(self, registration: Registration, tokens: Tokens) -> None:
        """Ends the link at the provider, where it has an address for that."""
