"""Signing in at Microsoft Entra. The one home of msal."""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import requests

from channels.auth import identity
from channels.auth.base import Account, AuthorisationRequest, Grant, Registration, Tokens
from channels.auth.provider_errors import MICROSOFT, entra_error, is_guid
from channels.auth.transport import ProviderAdapter, is_grant, is_refusal, prepare, said
from channels.errors import ChannelError, ConfigurationProblem, CredentialProblem, Throttled, channel_error
from zenvoices.lib.keypairs import KeyPairProblem, read_pair

# form_post would come as a cross-site POST, which carries no session cookie (SameSite=Lax); the code in the address
# is of no use without its PKCE verifier.
warnings.filterwarnings("ignore", message="response_mode='form_post' is recommended", category=UserWarning)

#: Microsoft's own directory of personal accounts
PERSONAL_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
#: any directory of work or school accounts: for the portal's own registration, when no directory was given
ANY_TENANT: Final = "organizations"
_SCOPES: Final = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All",
    "pop3": "https://outlook.office.com/POP.AccessAsUser.All",
}
_APP_SCOPE: Final = "https://outlook.office365.com/.default"
_DOMAIN: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
#: how msal ends over an answer that lacks what it takes for granted, as an id_token without `sub`
_STUMBLED: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_ENDPOINTS: Final = ("token_endpoint", "authorization_endpoint")
#: seconds that a directory's addresses are believed
_DISCOVERY_LASTS: Final = 86_400


def clean_tenant(tenant: str) -> str:
    """As it goes into the provider's address: a GUID or a domain name, nothing else."""
    name = tenant.strip().lower()
    if name in (PERSONAL_TENANT, "consumers"):
        raise CredentialProblem("personal_account", provider=MICROSOFT)
    if name and not is_guid(name) and not _DOMAIN.fullmatch(name):
        raise ConfigurationProblem("tenant_unknown", provider=MICROSOFT)
    return name or ANY_TENANT


@dataclass(frozen=True, slots=True)
class EntraAuth:
    authority_base: str
    ca_file: str | None = None

    kind = "entra"

    def authorise(self, registration: Registration, account: Account, redirect_uri: str) -> AuthorisationRequest:
        flow = self._app(registration).initiate_auth_code_flow(
            [_SCOPES[account.protocol]],
            redirect_uri=redirect_uri,
            login_hint=account.login,
            # Never "consent": after an administrator's approval Entra would still ask, and go round in circles.
            prompt="select_account",
            response_mode="query",
        )
        kept = {name: flow[name] for name in ("state", "redirect_uri", "scope", "code_verifier", "nonce")}
        return AuthorisationRequest(str(flow["auth_uri"]), str(flow["state"]), kept)

    def exchange(
        self,
        registration: Registration,
        account: Account,
        redirect_uri: str,
        flow: Mapping[str, object],
        answer: Mapping[str, str],
    ) -> Grant:
        if "code" not in answer:
            raise entra_error(answer.get("error", ""), answer.get("error_description", ""))
        line = _Line(self.ca_file)
        app = self._app(registration, line)
        try:
            told = app.acquire_token_by_auth_code_flow(dict(flow), {"code": answer["code"], "state": flow["state"]})
        except (RuntimeError, *_STUMBLED):  # another nonce, or no id_token; the text of the error holds claims
            raise CredentialProblem("identity_unproven", provider=MICROSOFT) from None
        if "error" in told:
            raise _code_refused(told, registration)
        tokens = _tokens(told)
        address = self._check(identity.claims_of(told.get("id_token")), registration, account, flow, line.ahead)
        if not tokens.refresh_token:
            raise channel_error("refresh_token_missing", provider=MICROSOFT)
        if not _covers(tokens.scopes, account.protocol):
            raise channel_error("permission_missing", provider=MICROSOFT)
        return Grant(tokens, address, "mail")

    def renew(self, registration: Registration, account: Account, tokens: Tokens | None) -> Tokens:
        app = self._app(registration)
        try:
            if account.app_only:
                told = app.acquire_token_for_client([_APP_SCOPE])
            elif tokens is not None and tokens.refresh_token:
                told = app.acquire_token_by_refresh_token(tokens.refresh_token, [_SCOPES[account.protocol]])
            else:
                raise CredentialProblem("not_linked", provider=MICROSOFT)
        except _STUMBLED:
            raise Throttled("provider_unavailable", provider=MICROSOFT) from None
        if "error" in told:
            raise _refused(told, registration, renews=True, app_only=account.app_only)
        return _tokens(told, instead=tokens.refresh_token if tokens else "")

    def revoke(self, registration: Registration, tokens: Tokens) -> None:
        """Entra has no address for it (RFC 7009): a forgotten link ends by itself after 90 days unused."""

    def _check(
        self,
        claims: Mapping[str, Any],
        registration: Registration,
        account: Account,
        flow: Mapping[str, object],
        ahead: float | None,
    ) -> str:
        tenant, tid = clean_tenant(registration.tenant), str(claims.get("tid", ""))
        if tid == PERSONAL_TENANT:
            raise CredentialProblem("personal_account", provider=MICROSOFT)
        issuer = self._issuer(tenant).replace("{tenantid}", tid)
        if is_guid(tenant) and tid != tenant:
            raise CredentialProblem("account_of_other_organisation", provider=MICROSOFT, reason="")
        identity.check(
            claims,
            issuers=(issuer,),
            audience=registration.client_id,
            nonce=hashlib.sha256(str(flow["nonce"]).encode("ascii")).hexdigest(),  # as msal sends it
            provider=MICROSOFT,
            ahead=ahead,
        )
        return identity.check_account(claims.get("preferred_username"), account.login, MICROSOFT, "wrong_entra_account")

    def _issuer(self, tenant: str) -> str:
        """The directory's issuer, as the directory itself says it."""
        configuration = _Line(self.ca_file).get(f"{self.authority_base}/{tenant}/v2.0/.well-known/openid-configuration")
        return str(configuration.json().get("issuer", ""))

    def _app(self, registration: Registration, line: _Line | None = None) -> Any:
        """A new one each time, with an empty memory: what a person has just mended is tried at once."""
        import msal  # noqa: PLC0415 (most processes ask Microsoft nothing, and it takes long to load)

        tenant = clean_tenant(registration.tenant)
        try:
            return msal.ConfidentialClientApplication(
                registration.client_id,
                client_credential=_credential(registration),
                authority=f"{self.authority_base}/{tenant}",
                instance_discovery=False,  # ENTRA_AUTHORITY_BASE is the operator's word
                http_client=line or _Line(self.ca_file),
            )
        except ValueError:  # what the directory says of itself is not whole
            raise Throttled("provider_unavailable", provider=MICROSOFT) from None


def _credential(registration: Registration) -> str | dict[str, str]:
    """As msal takes it: with a certificate, what it signs is the proof."""
    if not registration.certificate:
        return registration.client_secret
    try:
        pair = read_pair(registration.certificate)
    except KeyPairProblem:
        raise ConfigurationProblem("client_certificate_wrong", provider=MICROSOFT, reason="") from None
    return {"private_key": pair.key, "public_certificate": pair.certificate}


class _Line:
    """What msal asks over HTTP. What a directory says of itself is remembered by the whole process."""

    _remembered: ClassVar[dict[str, tuple[float, requests.Response]]] = {}

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        self._adapter: ProviderAdapter | None = None

    @property
    def ahead(self) -> float | None:
        """Seconds that Microsoft's clock was ahead of ours at the last answer."""
        return self._adapter.ahead if self._adapter else None

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        until, remembered = self._remembered.get(url, (0.0, None))
        if remembered is not None and until > time.monotonic():
            return remembered
        response = _directory(self._ask("GET", url, **kwargs))
        self._remembered[url] = time.monotonic() + _DISCOVERY_LASTS, response
        return response

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return _readable(self._ask("POST", url, **kwargs))

    def _ask(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        with prepare(requests.Session(), MICROSOFT, self._ca_file) as session:
            response = session.request(method, url, **kwargs)
            adapter = session.get_adapter(url)
        self._adapter = adapter if isinstance(adapter, ProviderAdapter) else None
        return response

    def close(self) -> None:
        """Nothing stays open."""


def _directory(response: requests.Response) -> requests.Response:
    """Before msal looks at it: only Microsoft itself knows that a directory does not exist."""
    answer = said(response) or {}
    scheme = response.url.partition("://")[0]  # secrets go there: never in the clear, where Microsoft was asked by TLS
    if response.ok and all(str(answer.get(name)).startswith(f"{scheme}://") for name in _ENDPOINTS):
        return response
    if "error" in answer:
        refused = _refused(answer)
        if refused.code == "tenant_unknown":
            raise refused
    raise Throttled("provider_unavailable", provider=MICROSOFT)


def _readable(response: requests.Response) -> requests.Response:
    """Before msal looks at it: what is neither a token nor a refusal is for later."""
    answer = said(response)
    if answer is None or not (is_refusal(answer) or is_grant(answer)):
        raise Throttled("provider_unavailable", provider=MICROSOFT)
    return response


def _refused(
    told: Mapping[str, Any], registration: Registration | None = None, *, renews: bool = False, app_only: bool = False
) -> ChannelError:
    listed = told.get("error_codes")
    numbers = [number for number in listed if _is_number(number)] if isinstance(listed, list) else []
    return entra_error(
        str(told["error"]), str(told.get("error_description", "")), numbers, suberror=str(told.get("suberror", "")),
        secret=registration.client_secret if registration else "",
        certificate=bool(registration and registration.certificate), renews=renews, app_only=app_only,
    )  # fmt: skip


def _is_number(value: object) -> bool:
    """One that AADSTS may have: it is told to people."""
    return type(value) is int and 0 < value < 10**9


def _code_refused(told: Mapping[str, Any], registration: Registration) -> ChannelError:
    """No link has ended here, there is none yet: the code was used before or is too old."""
    refused = _refused(told, registration)
    return CredentialProblem("sign_in_used", **refused.detail) if refused.code == "link_revoked" else refused


def _tokens(told: Mapping[str, Any], instead: str = "") -> Tokens:
    """`instead`: the refresh token that goes on when no new one came."""
    expires_at = time.time() + int(told.get("expires_in", 0))
    scopes = tuple(str(told.get("scope", "")).split())
    return Tokens(str(told["access_token"]), expires_at, str(told.get("refresh_token") or instead), scopes)


def _covers(scopes: tuple[str, ...], protocol: str) -> bool:
    wanted = _SCOPES[protocol].rpartition("/")[2].lower()
    return wanted in {scope.rpartition("/")[2].lower() for scope in scopes}
