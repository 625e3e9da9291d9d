"""Who followed the older instructions to the letter gave too little for IMAP, and has a channel that works.

The provider is the real one of the tests, and Gmail asks it whose each token is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from channels import check
from channels.auth.base import Tokens
from channels.links import tokens
from channels.models import Channel
from documents.models import Document
from tests.cast import Cast
from tests.channels.authorised import link
from tests.channels.linked import fetch_now, invoice, numbers
from tests.servers.certificates import Certificates
from tests.servers.gmail import GmailApi
from tests.servers.openid import GMAIL_MODIFY, GMAIL_READONLY, OpenIdProvider
from zenvoices.lib.scoping import administration_scope

ADDRESS = "inkoop@devries.test"


@pytest.fixture
def gmail(provider: OpenIdProvider, certificates: Certificates, settings: object, cast: Cast) -> Iterator[GmailApi]:
    with GmailApi(certificates.good, provider.introspection, certificates.ca_file) as api:
        for name, value in provider.settings().items():
            setattr(settings, name, value)
        settings.GMAIL_API_ROOT = f"https://127.0.0.1:{api.port}"
        with administration_scope(cast.bakery.pk):
            yield api
        assert api.violations == []


def gave(cast: Cast, provider: OpenIdProvider, scope: str) -> Channel:
    provider.scopes("openid", "email", scope)
    return link(cast.bakery, provider, "google", ADDRESS)


@pytest.mark.parametrize(
    ("scope", "granted", "unread"), [(GMAIL_READONLY, "gmail_readonly", 1), (GMAIL_MODIFY, "gmail_modify", 0)]
)
def test_narrow_rights_fetch_each_mail_once(
    cast: Cast, provider: OpenIdProvider, gmail: GmailApi, scope: str, granted: str, unread: int
) -> None:
    channel = gave(cast, provider, scope)
    assert channel.granted == granted
    account = gmail.account(ADDRESS)
    account.deliver(invoice(0))
    first, second = fetch_now(channel), fetch_now(channel)
    assert (first.outcome, second.outcome, account.unread()) == ("succeeded", "succeeded", unread)
    assert numbers(second) == {
        "seen": unread, "delivered": 0, "ignored": 0, "failed": 0, "already": unread, "documents": 0,
    }  # fmt: skip
    assert list(Document.objects.values_list("filename", flat=True)) == ["factuur-0.pdf"]


def test_check_of_such_a_channel_shows_every_step(cast: Cast, provider: OpenIdProvider, gmail: GmailApi) -> None:
    gmail.account(ADDRESS).deliver(invoice(0))
    steps = check.run_check(check.target_of(gave(cast, provider, GMAIL_READONLY)))
    assert [(step.name, step.ok) for step in steps] == [
        (name, True) for name in ("name", "connection", "encryption", "provider", "sign_in", "folder", "listing")
    ]
    assert (steps[0].facts["port"], steps[-2].facts["unread"]) == (gmail.port, 1)


def test_token_that_gmail_refuses_is_renewed_once(cast: Cast, provider: OpenIdProvider, gmail: GmailApi) -> None:
    channel = gave(cast, provider, GMAIL_READONLY)
    kept = tokens.current(channel)
    tokens.store(channel, Tokens("ya29.verlopen", time.time() + 3600, kept.refresh_token, kept.scopes))
    gmail.account(ADDRESS).deliver(invoice(0))
    assert fetch_now(channel).delivered == 1
    assert gmail.calls.count("getProfile") == 2
    assert tokens.current(channel).access_token != "ya29.verlopen"


def test_link_that_the_owner_withdrew_asks_to_connect_again(
    cast: Cast, provider: OpenIdProvider, gmail: GmailApi
) -> None:
    channel = gave(cast, provider, GMAIL_READONLY)
    provider.forget(ADDRESS)
    run = fetch_now(channel, trigger="schedule")
    channel.refresh_from_db()
    assert (run.error_code, channel.error_code, channel.failures) == ("link_revoked", "link_revoked", 1)


def test_link_that_died_after_a_week_says_why(cast: Cast, provider: OpenIdProvider, gmail: GmailApi) -> None:
    channel = gave(cast, provider, GMAIL_READONLY)
    Channel.objects.update(linked_at=channel.linked_at - timedelta(days=7))
    provider.forget(ADDRESS)
    assert fetch_now(channel, trigger="schedule").error_code == "google_testing"
