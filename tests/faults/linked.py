"""Channels whose owner signs in at Google or Microsoft, and what those two answer."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.utils import timezone

from channels import services
from channels.auth.base import Tokens
from channels.links import tokens, vault
from channels.models import Channel
from tests.cast import Cast
from tests.faults.internet import Internet
from tests.faults.moments import CLIENT_SECRET, REFRESH, TOKEN, USERNAME
from tests.faults.web import GOOGLE_TOKEN, MICROSOFT, Page, Web, directory
from tests.servers.scripted import Script, imap

TENANT, CLIENT = "11111111-2222-4333-8444-555555555555", "22222222-3333-4444-8555-666666666666"
GOOGLE_CLIENT = "123456789012-kanaal.apps.googleusercontent.com"
MAIL_HOSTS: Final = {"google": "imap.gmail.com", "entra": "outlook.office365.com"}
CALLBACKS: Final = {
    "google": "/ChannelConnector/ProcessGmailIMAPAuthorizationResult",
    "entra": "/ChannelConnector/ProcessEntraIMAPAuthorizationResult",
}
TOKEN_PLACES: Final = {"google": (GOOGLE_TOKEN, "/token"), "entra": (MICROSOFT, "/oauth2/v2.0/token")}
SCOPES: Final = {"google": "https://mail.google.com/", "entra": "https://outlook.office.com/IMAP.AccessAsUser.All"}
NAMES: Final = {"google": "Google", "entra": "Microsoft"}
CAPABILITY: Final = b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN\r\n{tag} OK done\r\n"


def token_server(answer: bytes = b"OK done", command: str = "AUTHENTICATE") -> Script:
    """A mail server that takes tokens, but for what it answers to this command."""
    good = {"CAPABILITY": CAPABILITY, "AUTHENTICATE": b"{tag} OK done\r\n"}
    return imap({**good, command: b"{tag} " + answer + b"\r\n"})


LIVES: Final = token_server()


def open_providers(internet: Internet, web: Web, script: Script = LIVES) -> None:
    """Google and Microsoft as they are on a good day, but that nobody gets a token."""
    web.open(internet)
    web.pages[MICROSOFT, "/.well-known/openid-configuration"] = directory(TENANT)
    for host in MAIL_HOSTS.values():
        internet.serve(host, 993, script)


def renewing(auth: str) -> Page:
    """Fresh tokens for a link that stands."""
    answer = {"access_token": TOKEN, "refresh_token": REFRESH, "expires_in": 3600, "token_type": "Bearer"}
    return Page(answer | {"scope": SCOPES[auth]})


def answer_token(web: Web, auth: str, page: Page) -> None:
    web.pages[TOKEN_PLACES[auth]] = page


def refusal(auth: str, word: str, told: str) -> Page:
    """As the token address of either says it: Microsoft by a number, Google in words."""
    if auth == "google":
        return Page({"error": word, "error_description": told}, 401 if word.endswith("_client") else 400)
    said = f"AADSTS{told}: something with {USERNAME}. Trace ID: 8f2"
    return Page({"error": word, "error_description": said, "error_codes": [int(told)]}, 400)


def draft(cast: Cast, auth: str, **fields: Any) -> Channel:
    """Set up, and not linked yet."""
    own = {"client_id": GOOGLE_CLIENT if auth == "google" else CLIENT, "tenant_id": "" if auth == "google" else TENANT}
    known = {"name": USERNAME, "protocol": "imap", "auth": auth, "username": USERNAME, "folder": "INBOX", **own}
    channel = services.create_channel(cast.bakery, password="", activate=False, by=None, **known | fields)
    if channel.client_id:
        vault.store(channel, "client_secret", CLIENT_SECRET)
    return channel


def linked(cast: Cast, auth: str, *, lives: bool = True, granted: str = "mail", **fields: Any) -> Channel:
    """A draft with a link. `lives`: its token need not be renewed."""
    channel = draft(cast, auth, **fields)
    if not channel.app_only:
        seconds = 3600 if lives else -1
        scopes = ("https://www.googleapis.com/auth/gmail.modify" if granted == "gmail_modify" else SCOPES[auth],)
        tokens.store(channel, Tokens(TOKEN, time.time() + seconds, REFRESH, scopes))
        Channel.objects.filter(pk=channel.pk).update(granted=granted, linked_at=timezone.now())
        channel.refresh_from_db()
    return channel


def typed(channel: Channel) -> dict[str, str]:
    """Its form as it stands, saved as active."""
    kept = {name: getattr(channel, name) for name in ("name", "protocol", "auth", "username", "folder", "client_id",
                                                      "tenant_id", "signs_in_as")}  # fmt: skip
    more = {"app_only": "on"} if channel.app_only else {}
    own = {"own_registration": "on"} if channel.client_id else {}
    return {**kept, **more, **own, "secret_expires_on": "2099-01-31", "active": "on"}


def granting(auth: str, address: str, **claims: Any) -> Page:
    """Tokens, as after a sign-in that went well. `address`: where the person was sent to."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    issuer = "https://accounts.google.com" if auth == "google" else f"https://{MICROSOFT}/{TENANT}/v2.0"
    said = {"iss": issuer, "aud": asked["client_id"], "exp": time.time() + 3600, "nonce": asked["nonce"], "sub": "1",
            "iat": time.time(), "email": USERNAME, "email_verified": True, "preferred_username": USERNAME,
            "tid": TENANT}  # fmt: skip
    body = base64.urlsafe_b64encode(json.dumps(said | claims).encode()).decode().rstrip("=")
    scope = SCOPES[auth] + (" openid email" if auth == "google" else " offline_access")
    answer = {"access_token": TOKEN, "refresh_token": REFRESH, "expires_in": 3600, "token_type": "Bearer",
              "scope": scope, "id_token": f"e30.{body}.x"}  # fmt: skip
    return Page({name: value for name, value in answer.items() if name not in claims.get("without", ())})
