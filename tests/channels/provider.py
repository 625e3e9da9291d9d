"""A provider of which a test says what it answers; the real one stands in tests/servers/openid.py."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.auth.base import Account, AuthorisationRequest, Grant, Registration, Tokens
from channels.errors import ChannelError

TOKENS = Tokens("access-canary", 4_000_000_000.0, "refresh-canary")
ADDRESS = "https://provider.test/authorize"


@dataclass
class SaidProvider:
    """`fails`: what exchanging the code, or asking for it, raises. `meanwhile`: done while the code is exchanged."""

    fails: ChannelError | None = None
    authorise_fails: ChannelError | None = None
    granted: str = "mail"
    link_seconds: int | None = None
    meanwhile: list[object] = field(default_factory=list)
    exchanged: list[dict[str, str]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)

    kind = "google"

    def authorise(self, registration: Registration, account: Account, redirect_uri: str) -> AuthorisationRequest:
        if self.authorise_fails:
            raise self.authorise_fails
        self.states.append(secrets.token_urlsafe(16))
        url = f"{ADDRESS}?login_hint={account.login}&redirect_uri={redirect_uri}&client_id={registration.client_id}"
        return AuthorisationRequest(url, self.states[-1], {"code_verifier": "verifier-canary"})

    def exchange(
        self,
        registration: Registration,
        account: Account,
        redirect_uri: str,
        flow: Mapping[str, object],
        answer: Mapping[str, str],
    ) -> Grant:
        assert flow == {"code_verifier": "verifier-canary"}
        self.exchanged.append(dict(answer))
        for act in self.meanwhile:
            act()  # type: ignore[operator]
        if self.fails:
            raise self.fails
        return Grant(TOKENS, account.login, self.granted, self.link_seconds)

    def renew(self, registration: Registration, account: Account, tokens: Tokens | None) -> Tokens:
        return TOKENS

    def revoke(self, registration: Registration, tokens: Tokens) -> None:
        self.revoked.append(tokens.refresh_token)
