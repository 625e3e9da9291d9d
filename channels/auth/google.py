"""Signing in at Google. The one home of google-auth-oauthlib."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import requests

from channels.auth import identity
from channels.auth.base import Account, AuthorisationRequest, Grant, Registration, Tokens
from channels.auth.provider_errors import GOOGLE, google_error
from channels.auth.transport import ProviderAdapter, is_grant, is_refusal, prepare, said
from channels.errors import ChannelError, CredentialProblem, Throttled, channel_error

if TYPE_CHECKING:
    from google_auth_oauthlib.flow import Flow

# oauthlib raises a Warning when other scopes were granted than asked, and has no other switch than this.
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"  # noqa: S105 -- no password

MAIL_SCOPE: Final = "https://mail.google.com/"
_ASKED: Final = ("openid", "email", MAIL_SCOPE)
#: the first that was granted is what the channel may do (Channel.Granted)
_GRANTED: Final = {
    MAIL_SCOPE: "mail",
    "https://www.googleapis.com/auth/gmail.modify": "gmail_modify",
    "https://www.googleapis.com/auth/gmail.readonly": "gmail_readonly",
}
_AUTH_PATH: Final = "/o/oauth2/v2/auth"


@dataclass(frozen=True, slots=True)
class GoogleAuth:
    """`needed(client_id, account)`: whether a channel lives on this account's consent to this registration.

    Google ends the whole consent when one of its tokens is revoked, so what is refused here may have to be left alone:
    the mailbox of another channel, or this channel's own link that is being made anew.
    """

    auth_uri: str
    token_uri: str
    revoke_uri: str
    ca_file: str | None = None
    needed: Callable[[str, str], bool] = lambda client_id, account: False

    kind = "google"

    def authorise(self, registration: Registration, account: Account, redirect_uri: str) -> AuthorisationRequest:
        flow, nonce = self._flow(registration, _ASKED, redirect_uri=redirect_uri), secrets.token_urlsafe(24)
        url, state = flow.authorization_url(
            access_type="offline",  # or there is no refresh token,
            prompt="consent",  # nor the second time that somebody links
            login_hint=account.login,
            nonce=nonce,
            state=secrets.token_urlsafe(32),
        )
        return AuthorisationRequest(url, state, {"code_verifier": flow.code_verifier, "nonce": nonce})

    def exchange(
        self,
        registration: Registration,
        account: Account,
        redirect_uri: str,
        flow: Mapping[str, object],
        answer: Mapping[str, str],
    ) -> Grant:
        if "code" not in answer:
            raise google_error(answer.get("error", ""), answer.get("error_description", ""))
        told, ahead = self._exchange(registration, redirect_uri, str(flow["code_verifier"]), answer["code"])
        claims = identity.claims_of(told.get("id_token"))
        try:
            identity.check(
                claims,
                issuers=self._issuers(),
                audience=registration.client_id,
                nonce=str(flow["nonce"]),
                provider=GOOGLE,
                ahead=ahead,
            )
            address = identity.check_account(claims.get("email"), account.login, GOOGLE)
            if claims.get("email_verified") is not True:
                raise CredentialProblem("identity_unproven", provider=GOOGLE)
            return Grant(_tokens(told), address, _granted(told), _seconds(told.get("refresh_token_expires_in")))
        except ChannelError:
            if not self.needed(registration.client_id, str(claims.get("email", ""))):
                self._revoke_quietly(str(told.get("refresh_token") or told["access_token"]))
            raise

    def renew(self, registration: Registration, account: Account, tokens: Tokens | None) -> Tokens:
        if tokens is None or not tokens.refresh_token:
            raise CredentialProblem("not_linked", provider=GOOGLE)
        with self._asking(registration, scopes=None) as flow:  # none: the provider knows what it granted
            told = flow.oauth2session.refresh_token(
                self.token_uri,
                refresh_token=tokens.refresh_token,
                client_id=registration.client_id,
                client_secret=registration.client_secret,
            )
        return _tokens(told, tokens.scopes)

    def revoke(self, registration: Registration, tokens: Tokens) -> None:
        with self._session() as session:
            answer = session.post(self.revoke_uri, data={"token": tokens.refresh_token or tokens.access_token})
        # 400: it was withdrawn before (RFC 7009 2.2 has 200 for that, Google has not).
        if answer.status_code not in (200, 400):
            raise Throttled("provider_unavailable", provider=GOOGLE)

    def _revoke_quietly(self, token: str) -> None:
        with suppress(ChannelError):  # what was refused is told; that its token lives on for now is the lesser news
            self.revoke(Registration("", ""), Tokens(token, 0))

    def _exchange(
        self, registration: Registration, redirect_uri: str, verifier: str, code: str
    ) -> tuple[dict[str, Any], float | None]:
        """What Google told, and how many seconds its clock was ahead of ours."""
        try:
            with self._asking(registration, _ASKED, redirect_uri=redirect_uri, code_verifier=verifier) as flow:
                told: dict[str, Any] = flow.fetch_token(code=code)
                adapter = flow.oauth2session.get_adapter(self.token_uri)
        except CredentialProblem as refused:
            # No link has ended here, there is none yet: the code was used before or is too old.
            code = "sign_in_used" if refused.code == "link_revoked" else refused.code
            raise CredentialProblem(code, **refused.detail) from None
        return told, adapter.ahead if isinstance(adapter, ProviderAdapter) else None

    @contextmanager
    def _asking(self, registration: Registration, scopes: Sequence[str] | None, **kept: str) -> Iterator[Flow]:
        """Its session, with our line and our reading of refusals."""
        from oauthlib.oauth2 import OAuth2Error  # noqa: PLC0415 (as below)

        flow = self._flow(registration, scopes, **kept)
        with prepare(flow.oauth2session, GOOGLE, self.ca_file):
            for answer in ("access_token_response", "refresh_token_response"):
                flow.oauth2session.register_compliance_hook(answer, _readable)
            try:
                yield flow
            except (OAuth2Error, RecursionError):  # an answer without a token
                raise Throttled("provider_unavailable", provider=GOOGLE) from None

    def _flow(self, registration: Registration, scopes: Sequence[str] | None, **kept: str) -> Flow:
        # Most processes ask Google nothing, and it takes a tenth of a second to load.
        from google_auth_oauthlib.flow import Flow  # noqa: PLC0415

        client = {
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            "auth_uri": self.auth_uri,
            "token_uri": self.token_uri,
        }
        return Flow.from_client_config({"web": client}, scopes=scopes, **kept)

    def _issuers(self) -> tuple[str, ...]:
        """https://accounts.google.com, and as Google also writes it, without its scheme."""
        issuer = self.auth_uri.removesuffix(_AUTH_PATH)
        return issuer, issuer.removeprefix("https://")

    def _session(self) -> requests.Session:
        return prepare(requests.Session(), GOOGLE, self.ca_file)


def _readable(response: requests.Response) -> requests.Response:
    """Before oauthlib looks at it: a refusal raises what it means, and what nobody can read is for later."""
    answer = said(response)
    if answer is None:
        raise Throttled("provider_unavailable", provider=GOOGLE)
    if is_refusal(answer):
        description = f"{answer.get('error_subtype', '')} {answer.get('error_description', '')}".strip()
        raise google_error(str(answer["error"]), description)
    if not is_grant(answer):
        raise Throttled("provider_unavailable", provider=GOOGLE)
    return response


def _granted(told: Mapping[str, Any]) -> str:
    scopes = _scopes(told)
    granted = next((granted for scope, granted in _GRANTED.items() if scope in scopes), None)
    if granted is None:
        raise channel_error("scope_missing", provider=GOOGLE)
    return granted


def _scopes(told: Mapping[str, Any]) -> tuple[str, ...]:
    scope = told.get("scope") or ()
    return tuple(scope.split()) if isinstance(scope, str) else tuple(map(str, scope))


def _tokens(told: Mapping[str, Any], scopes: tuple[str, ...] = ()) -> Tokens:
    """`scopes`: those that stand when the answer names none."""
    if not told.get("refresh_token"):
        raise channel_error("refresh_token_missing", provider=GOOGLE)
    expires_at = time.time() + (_seconds(told.get("expires_in")) or 0)
    return Tokens(str(told["access_token"]), expires_at, str(told["refresh_token"]), _scopes(told) or scopes)


def _seconds(value: object) -> int | None:
    return int(value) if isinstance(value, int | float | str) and str(value).isdigit() else None
