"""A real OpenID provider that plays Google and Entra (provider/provider.mjs), and a person who signs in there.

with OpenIdProvider(certificates) as provider:
    provider.tenant(TENANT), provider.google("token")                  where its addresses are
    sign_in(address, "jan@acme.test", certificates.ca_file)            the address that the browser is sent back to
    provider.answer(TENANT, status=503)                                the next request for a token fails
    provider.reset()                                                   all is well again
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests

from tests.servers.certificates import Certificates

FOLDER = Path(__file__).parent / "provider"
GOOGLE = "google"
TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
ANY_TENANT = "organizations"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
GOOGLE_CLIENT = "123456789012-zenvoices.apps.googleusercontent.com"
GOOGLE_SECRET = "GOCSPX-kanarie-geheim-van-google"
ENTRA_CLIENT = "22222222-3333-4444-8555-666666666666"
ENTRA_SECRET = "kanarie~8Q~geheim-van-entra"
#: the default BASE_URL
PORTAL = "http://localhost:8000"
CALLBACK = "/ChannelConnector/Process{}IMAPAuthorizationResult"
MAIL = "https://mail.google.com/"
GMAIL_READONLY = "https://www.googleapis.com/auth/gmail.readonly"
GMAIL_MODIFY = "https://www.googleapis.com/auth/gmail.modify"


def is_installed() -> bool:
    return shutil.which("node") is not None and (FOLDER / "node_modules" / "oidc-provider").is_dir()


class OpenIdProvider:
    """Knows one registration at Google, and one in each tenant of Entra. Any account may sign in."""

    def __init__(
        self,
        certificates: Certificates,
        tenants: tuple[str, ...] = (TENANT, OTHER_TENANT, ANY_TENANT),
        portals: tuple[str, ...] = (PORTAL,),
    ) -> None:
        self.ca_file = certificates.ca_file
        gmail, entra = _callbacks(portals, "Gmail"), _callbacks(portals, "Entra")
        self._configuration = {
            "cert": str(certificates.good.chain),
            "key": str(certificates.good.key),
            "tenants": tenants,
            "googleClients": [_client(GOOGLE_CLIENT, GOOGLE_SECRET, gmail, "authorization_code", "refresh_token")],
            "entraClients": [
                _client(
                    ENTRA_CLIENT,
                    ENTRA_SECRET,
                    entra,
                    "authorization_code",
                    "refresh_token",
                    "client_credentials",
                )
            ],
            "denied": {
                "google": "The user denied access",
                "entra": "AADSTS65004: User declined to consent to access the app.",
            },
        }
        self._process: subprocess.Popen[str] | None = None
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(self.ca_file)
        self.port = 0

    @property
    def base(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def google(self, endpoint: str) -> str:
        """`endpoint`: "o/oauth2/v2/auth", "token" or "revoke"."""
        return f"{self.base}/google/{endpoint}"

    def tenant(self, name: str = TENANT) -> str:
        return f"{self.base}/{name}"

    @property
    def introspection(self) -> str:
        """Where a mail server asks whose a token is: answers `username`, and in `scope` what the token opens.

        `scope` holds "imap", "pop3", "gmail_modify", "gmail_readonly" beside what the provider granted.
        """
        return f"{self.base}/introspect"

    def settings(self) -> dict[str, str]:
        """The portal's settings that lead here."""
        return {
            "GOOGLE_AUTH_URI": self.google("o/oauth2/v2/auth"),
            "GOOGLE_TOKEN_URI": self.google("token"),
            "GOOGLE_REVOKE_URI": self.google("revoke"),
            "ENTRA_AUTHORITY_BASE": self.base,
            "OUTBOUND_CA_FILE": str(self.ca_file),
        }

    # --- What a test wants to go wrong -----------------------------------------------------------------

    def answer(
        self,
        mount: str,
        body: dict[str, Any] | None = None,
        *,
        status: int = 400,
        endpoint: str = "token",
        times: int = 1,
        headers: dict[str, str] | None = None,
        delay: float = 0,
        drop: bool = False,
        cut: bool = False,
    ) -> None:
        """What the next request to this endpoint gets. `drop`: nothing, the connection breaks; `cut`: half of it."""
        told = {"mount": mount, "endpoint": endpoint, "times": times, "status": status, "delay": delay, "drop": drop}
        self.control(answer={**told, "cut": cut, "headers": headers or {}, "body": body or {}})

    def redirect(self, **query: str) -> None:
        """What the next request for authorization is sent back with, instead of pages and a code."""
        self.control(redirect=query)

    def claims(self, **claims: str) -> None:
        """What every id_token says instead: tid, preferred_username, email, email_verified."""
        self.control(claims=claims)

    def scopes(self, *scopes: str) -> None:
        """The only scopes that can be granted, whatever was asked."""
        self.control(scopes=scopes)

    def access_seconds(self, seconds: int) -> None:
        """How long access tokens live from now on."""
        self.control(accessSeconds=seconds)

    def link_seconds(self, seconds: int) -> None:
        """Google's refresh_token_expires_in."""
        self.control(linkSeconds=seconds)

    def open_mailbox(self, account: str, mailbox: str) -> None:
        """Tokens of this account (or client id) open this mailbox: a shared one, or an app that signs in by itself."""
        self.control(mailboxes={account: mailbox})

    def forget(self, account: str) -> None:
        """The account's owner withdraws every link."""
        self.control(forget=account)

    def requests_to(self, mount: str, endpoint: str = "token") -> int:
        """How many there were since reset(), those answered by answer() included."""
        return sum(request == [mount, endpoint] for request in self.control()["requests"])

    def reset(self) -> None:
        """All is well again; what was granted stays so."""
        self.control(reset=True)

    def control(self, **wishes: Any) -> dict[str, Any]:
        answer = self._session.post(f"{self.base}/control", data={"wishes": json.dumps(wishes)}, timeout=10)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    # --- Its process -----------------------------------------------------------------------------------

    def start(self, port: int = 0) -> Self:
        """On a free port, or again on the one it had."""
        node = shutil.which("node")
        if node is None:
            raise RuntimeError("node is not installed")
        configuration = json.dumps({**self._configuration, "port": port})
        self._process = subprocess.Popen(
            [node, "--no-warnings", str(FOLDER / "provider.mjs"), configuration],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=FOLDER,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, number = line.partition(" ")
            if word == "READY":
                self.port = int(number)
                return self
        raise RuntimeError("the provider does not start; what it said stands above")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._session.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _callbacks(portals: tuple[str, ...], name: str) -> list[str]:
    return [f"{portal}{CALLBACK.format(name)}" for portal in portals]


def _client(client_id: str, secret: str, callbacks: list[str], *grants: str) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uris": callbacks,
        "grant_types": grants,
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
    }


def sign_in(address: str, account: str, ca_file: Path, *, cancel: bool = False, without: tuple[str, ...] = ()) -> str:
    """Walks the provider's pages as a browser does; returns the address that it is sent back to.

    `without`: scopes whose tick is taken away. A page that is an error is an AssertionError with its text.
    """
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(ca_file)
        form: dict[str, Any] | None = None
        for _ in range(20):
            method = "GET" if form is None else "POST"
            answer = session.request(method, address, data=form, allow_redirects=False, timeout=10)
            assert answer.status_code < 400, re.sub(r"<[^>]+>", " ", answer.text)
            if answer.is_redirect:
                address, form = urljoin(address, answer.headers["location"]), None
                if urlsplit(address).path.startswith("/ChannelConnector/"):
                    return address
            elif cancel:
                form = {"cancel": "yes"}
            else:
                ticked = [html.unescape(value) for value in re.findall(r'name="scope" value="([^"]+)"', answer.text)]
                form = {"login": account, "scope": [scope for scope in ticked if scope not in without]}
    raise AssertionError(f"the provider's pages do not end: {address}")
