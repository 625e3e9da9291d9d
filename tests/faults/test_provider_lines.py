"""What is not said by number: answers that are no answers, grants that lack something, mail servers that want no token,
and the Gmail API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import reverse

from channels.models import Channel
from channels.words.sentences import Moment
from tests.cast import Cast
from tests.channels.followed import follow
from tests.faults import linked
from tests.faults.internet import Internet
from tests.faults.linked import (
    NAMES,
    TOKEN_PLACES,
    answer_token,
    draft,
    granting,
    open_providers,
    renewing,
    token_server,
)
from tests.faults.moments import LANGUAGES, USERNAME, Walk, plain
from tests.faults.table import sample
from tests.faults.test_providers import come_back, set_out, there_and_back, walk_link
from tests.faults.web import GOOGLE_API, GOOGLE_TOKEN, HTTPS, MICROSOFT, Page, Web, html
from tests.servers.scripted import Script, hang_up, imap

pytestmark = [pytest.mark.slow, pytest.mark.proof]

DISCOVERY = (MICROSOFT, "/.well-known/openid-configuration")


@dataclass(frozen=True)
class Line:
    """`pages`: what stands elsewhere than on a good day; `script`: of the mail servers."""

    name: str
    family: str
    auth: str
    pages: Mapping[tuple[str, str], Page] = field(default_factory=dict)
    script: Script = linked.LIVES
    lives: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    change: Callable[[Internet, Web], None] = lambda internet, web: None

    def __str__(self) -> str:
        return self.name

    def stand(self, internet: Internet, web: Web) -> None:
        open_providers(internet, web, self.script)
        if self.lives:  # the check of a connection renews a link, whether it must or not
            answer_token(web, self.auth, renewing(self.auth))
        web.pages.update(self.pages)
        self.change(internet, web)


def token(auth: str, page: Page) -> dict[tuple[str, str], Page]:
    return {TOKEN_PLACES[auth]: page}


def api(status: int, reason: str, message: str = "No") -> dict[tuple[str, str], Page]:
    rows = [{"message": message, "domain": "global", "reason": reason}]
    return {(GOOGLE_API, ""): Page({"error": {"code": status, "message": message, "errors": rows}}, status)}


def flawed(host: str, flaw: str) -> Callable[[Internet, Web], None]:
    return lambda internet, web: web.open(internet, host, flaw=flaw)


GMAIL = {"granted": "gmail_modify"}
BUSY = {"Retry-After": "120"}
REFUSES = token_server(b"NO AUTHENTICATE failed.")
NOT_CONNECTED = b"BAD User is authenticated but not connected."
SHARED = {"signs_in_as": "anna@devries.test"}

RUNNING = [
    Line("HTML where Google gives tokens", "provider_unavailable", "google", token("google", html())),
    Line("HTML 403 where Google gives tokens", "provider_unavailable", "google", token("google", html(403))),
    Line("HTML where Microsoft gives tokens", "provider_unavailable", "entra", token("entra", html())),
    Line("HTML 400 where Microsoft gives tokens", "provider_unavailable", "entra", token("entra", html(400))),
    Line("a proxy's page at Microsoft's discovery address", "provider_unavailable", "entra", {DISCOVERY: html()}),
    Line("a proxy's 403 at Microsoft's discovery address", "provider_unavailable", "entra", {DISCOVERY: html(403)}),
    Line("a proxy's 404 at Microsoft's discovery address", "provider_unavailable", "entra", {DISCOVERY: html(404)}),
    Line("JSON of a proxy", "provider_unavailable", "entra", token("entra", Page({"error": "x"}, 403, "text/plain"))),
    Line("500 where Google gives tokens", "provider_unavailable", "google", token("google", Page({}, 500))),
    Line("503 where Microsoft gives tokens", "provider_unavailable", "entra", token("entra", Page({}, 503))),
    Line("Google hangs up", "provider_unavailable", "google", token("google", Page(None))),
    Line("Microsoft hangs up", "provider_unavailable", "entra", token("entra", Page(None))),
    Line("Google asks for patience", "provider_busy", "google", token("google", Page({}, 429, headers=BUSY))),
    Line("Microsoft asks for patience", "provider_busy", "entra", token("entra", Page({}, 429, headers=BUSY))),
    Line("nobody listens at Google's token host", "provider_unavailable", "google",
         change=lambda internet, web: internet.refuse_connections(GOOGLE_TOKEN, HTTPS)),
    Line("Google's certificate has expired", "provider_unavailable", "google", change=flawed(GOOGLE_TOKEN, "expired")),
    Line("a proxy opens the line to Microsoft", "provider_unavailable", "entra", change=flawed(MICROSOFT, "stranger")),
    Line("a directory that does not exist", "tenant_unknown", "entra",
         {DISCOVERY: Page({"error": "invalid_tenant", "error_description": "AADSTS90002: no"}, 400)}),
    # the mail server, after a token that lives
    Line("Gmail takes no token", "token_refused", "google", lives=True,
         script=token_server(b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)")),
    Line("Gmail has IMAP off", "protocol_off", "google", lives=True,
         script=token_server(b"NO [ALERT] IMAP access is disabled for your domain. (Failure)")),
    Line("Gmail has too many lines", "too_many_connections", "google", lives=True,
         script=token_server(b"NO [ALERT] Too many simultaneous connections. (Failure)")),
    Line("Gmail is out of reach", "connection_refused", "google", lives=True,
         change=lambda internet, web: internet.refuse_connections("imap.gmail.com", 993)),
    Line("Gmail breaks off", "connection_lost", "google", lives=True,
         script=imap({"CAPABILITY": linked.CAPABILITY, "AUTHENTICATE": hang_up})),
    Line("Exchange opens no own mailbox", "exchange_not_connected", "entra", lives=True,
         script=token_server(NOT_CONNECTED, command="SELECT")),
    Line("Exchange opens no shared mailbox", "exchange_not_connected_shared", "entra", lives=True, fields=SHARED,
         script=token_server(NOT_CONNECTED, command="SELECT")),
    Line("Exchange throttles", "server_busy", "entra", lives=True,
         script=token_server(b"BAD Request is throttled. Suggested Backoff Time: 299902 milliseconds", "SELECT")),
    # the Gmail API
    Line("Gmail API is off", "gmail_api_disabled", "google", api(403, "accessNotConfigured"), lives=True, fields=GMAIL),
    Line("the domain allows no apps", "gmail_forbidden", "google", api(403, "domainPolicy"), lives=True, fields=GMAIL),
    Line("delegation denied", "gmail_forbidden", "google", api(403, "forbidden"), lives=True, fields=GMAIL),
    Line("rights too narrow", "scope_missing", "google", api(403, "insufficientPermissions"), lives=True, fields=GMAIL),
    Line("no mailbox", "gmail_missing", "google", api(400, "failedPrecondition", "Mail service not enabled"),
         lives=True, fields=GMAIL),
    Line("Gmail's precondition", "server_answer_unreadable", "google",
         api(400, "failedPrecondition", "Precondition check failed."), lives=True, fields=GMAIL),
    Line("quota of Gmail", "quota_reached", "google", api(403, "userRateLimitExceeded"), lives=True, fields=GMAIL),
    Line("too many calls", "quota_reached", "google", api(429, "rateLimitExceeded"), lives=True, fields=GMAIL),
    Line("Gmail is down", "server_unavailable", "google", api(500, "backendError"), lives=True, fields=GMAIL),
    Line("an HTML 403 at the Gmail API", "provider_unavailable", "google", {(GOOGLE_API, ""): html(403)}, lives=True,
         fields=GMAIL),
    Line("an HTML 407 at the Gmail API", "provider_unavailable", "google", {(GOOGLE_API, ""): html(407)}, lives=True,
         fields=GMAIL),
    Line("Gmail API out of reach", "connection_refused", "google", lives=True, fields=GMAIL,
         change=lambda internet, web: internet.refuse_connections(GOOGLE_API, HTTPS)),
    Line("certificate of the Gmail API has expired", "certificate_expired", "google", lives=True, fields=GMAIL,
         change=flawed(GOOGLE_API, "expired")),
]  # fmt: skip


@pytest.mark.parametrize("fault", sample(RUNNING), ids=str)
def test_line_to_a_provider_is_told_alike_everywhere(cast: Cast, internet: Internet, web: Web, fault: Line) -> None:
    fault.stand(internet, web)
    walk = Walk(cast, fault.family)
    if fault.fields == GMAIL:  # no mail server is asked there
        walk.facts = {"host": GOOGLE_API, "port": HTTPS}
    walk_link(walk, linked.linked(cast, fault.auth, lives=fault.lives, **fault.fields))


# --- Grants that lack something ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Granted:
    """`claims`: what the id_token says instead; `answer`: what the whole answer does."""

    name: str
    family: str
    auth: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


OTHER = "piet@elders.test"
ACCOUNTS = {"account": OTHER, "expected": USERNAME}
GRANTED = [
    Granted("Google, another account", "wrong_account", "google", {"email": OTHER}, detail=ACCOUNTS),
    Granted("Microsoft, another account", "wrong_entra_account", "entra", {"preferred_username": OTHER},
            detail=ACCOUNTS),
    Granted("Microsoft, a personal account", "personal_account", "entra",
            {"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"}),
    Granted("Microsoft, another organisation", "account_of_other_organisation", "entra",
            {"tid": "99999999-2222-4333-8444-555555555555"}),
    Granted("Google, another nonce", "identity_unproven", "google", {"nonce": "elders"}),
    Granted("Google, address not verified", "identity_unproven", "google", {"email_verified": False}),
    Granted("Google, no reading of mail", "scope_missing", "google", answer={"scope": "openid email"}),
    Granted("Google, for an hour", "refresh_token_missing", "google", answer={"refresh_token": None}),
    Granted("Microsoft, for an hour", "refresh_token_missing", "entra", answer={"refresh_token": None}),
    Granted("Microsoft, no reading of mail", "permission_missing", "entra", answer={"scope": "openid"}),
    Granted("Google, an id_token of yesterday", "clock_wrong", "google", {"exp": 1_000_000_000.0},
            {"date": "Sun, 09 Sep 2001 01:30:00 GMT"}),
    Granted("Google, its own time cannot be", "provider_clock_wrong", "google", {"exp": 1_000_000_000.0}),
    Granted("Microsoft, an id_token without a subject", "identity_unproven", "entra", {"sub": None}),
]  # fmt: skip


@pytest.mark.parametrize("fault", sample(GRANTED), ids=str)
def test_grant_that_lacks_something_is_told_alike(cast: Cast, internet: Internet, web: Web, fault: Granted) -> None:
    open_providers(internet, web)
    channel, walk = draft(cast, fault.auth), Walk(cast, fault.family)

    def answer(sent: str) -> dict[str, str]:
        page = granting(fault.auth, sent, **fault.claims)
        date = fault.answer.get("date", "")
        body = {
            name: value for name, value in (page.body | fault.answer).items() if value is not None and name != "date"
        }
        answer_token(web, fault.auth, Page(body, headers={"Date": date} if date else {}))
        return {"code": "a-code"}

    there_and_back(walk, channel, {"provider": NAMES[fault.auth], **fault.detail}, answer)
    walk.finish()


# --- Linked, and then the mailbox does not open -------------------------------------------------------------

AFTERWARDS = [
    Line("linked, and Gmail has IMAP off", "protocol_off", "google",
         script=token_server(b"NO [ALERT] Your account is not enabled for IMAP use. (Failure)")),
    Line("linked, and Gmail is down", "server_unavailable", "google",
         script=token_server(b"NO [UNAVAILABLE] Temporary failure")),
    Line("linked, and Exchange is not connected", "exchange_not_connected", "entra",
         script=token_server(NOT_CONNECTED, command="SELECT")),
    Line("linked, and Exchange refuses", "token_refused", "entra", script=REFUSES),
    Line("linked, and Gmail is out of reach", "connect_timeout", "google",
         change=lambda internet, web: internet.drop_packets("imap.gmail.com", 993)),
]  # fmt: skip


@pytest.mark.parametrize("fault", sample(AFTERWARDS), ids=str)
def test_link_that_opens_no_mailbox_says_why(cast: Cast, internet: Internet, web: Web, fault: Line) -> None:
    fault.stand(internet, web)
    channel, walk = draft(cast, fault.auth), Walk(cast, fault.family)
    connect = reverse("channel-connect", args=[channel.administration_id, channel.pk])
    channel = stopped_by_its_link(channel)
    for language in LANGUAGES:
        manager = walk.readers[language]
        sent = set_out(manager, connect)
        answer_token(web, fault.auth, granting(fault.auth, sent))
        came = follow(manager, come_back(manager, fault.auth, sent, language, code="a-code"))
        page = plain(manager.get(came.headers["Location"]).content.decode())
        channel.refresh_from_db()
        wanted = lambda asked: walk.phrase(channel, channel.error_detail, Moment.CHECK, asked)  # noqa: E731
        walk.reads(page, wanted, language, "back with a link")
        walk.steps_fit(wanted(language), Moment.CHECK, language)
    walk.finish()


def stopped_by_its_link(channel: Channel) -> Channel:
    """It worked, and waits for nothing but its link."""
    Channel.objects.filter(pk=channel.pk).update(state="inactive", inactive_reason="failures")
    channel.refresh_from_db()
    return channel
