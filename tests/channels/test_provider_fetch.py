"""Fetches with tokens: a real provider, a real Dovecot that asks it about each token, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from channels import check, connect, services
from channels.errors import ChannelError
from channels.fetching import upkeep
from channels.links import tokens, vault
from channels.mailboxes.base import Watch
from channels.models import Channel, FetchRun
from channels.words import phrases
from tests.cast import Cast
from tests.channels.authorised import draft, link
from tests.channels.linked import fetch_now, invoice
from tests.servers.openid import ENTRA_CLIENT, TENANT, OpenIdProvider
from tests.servers.plugin import MailboxUser
from zenvoices.lib.crypto import new_key
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.provider, pytest.mark.dovecot, pytest.mark.slow, pytest.mark.guard, pytest.mark.django_db]
BOTH = pytest.mark.parametrize("auth", ["google", "entra"])
PROTOCOLS = pytest.mark.parametrize("protocol", ["imap", "pop3"])
MOUNT = {"google": "google", "entra": TENANT}
SECRET_EXPIRED = {"error": "invalid_client", "error_description": "AADSTS7000222: ...", "error_codes": [7000222]}


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, settings: object) -> Iterator[None]:
    settings.FETCH_RETRY_SECONDS = []  # type: ignore[attr-defined]
    with administration_scope(cast.bakery.pk):
        yield


@pytest.fixture
def box(token_user: MailboxUser) -> MailboxUser:
    token_user.deliver(invoice(1))
    return token_user


def told(run: FetchRun) -> tuple[str, str, int]:
    return run.outcome, run.error_code, run.documents


def withdraw_access(channel: Channel) -> None:
    """The access token that stands is refused by the mail server, though it should live for an hour."""
    tokens.store(channel, replace(tokens.current(channel), access_token="withdrawn"))


def grow_old(channel: Channel) -> None:
    tokens.store(channel, replace(tokens.current(channel), expires_at=0))


def strikes(channel: Channel) -> int:
    channel.refresh_from_db()
    return channel.failures


@BOTH
@PROTOCOLS
def test_linked_mailbox_is_fetched(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str, protocol: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name, protocol=protocol)
    assert told(fetch_now(channel)) == ("succeeded", "", 1)


@BOTH
@PROTOCOLS
def test_old_token_is_renewed_before_the_fetch(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str, protocol: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name, protocol=protocol)
    grow_old(channel)
    asked = at_provider.requests_to(MOUNT[auth])
    assert told(fetch_now(channel)) == ("succeeded", "", 1)
    assert at_provider.requests_to(MOUNT[auth]) - asked == 1


@BOTH
@PROTOCOLS
def test_token_that_the_mail_server_refuses_is_renewed_once(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str, protocol: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name, protocol=protocol)
    withdraw_access(channel)
    assert told(fetch_now(channel, "schedule")) == ("succeeded", "", 1)


@BOTH
def test_fresh_token_that_is_refused_too_is_a_strike_that_names_the_mailbox(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name)
    at_provider.open_mailbox(box.name, "somebody.else@acme.test")
    asked = at_provider.requests_to(MOUNT[auth])
    run = fetch_now(channel, "schedule")
    assert (told(run), strikes(channel)) == (("failed", "token_refused", 0), 1)
    assert at_provider.requests_to(MOUNT[auth]) - asked == 1
    assert box.name in phrases.about(channel, run.error_code, run.error_detail).text


@BOTH
def test_withdrawn_link_is_a_strike_and_asks_to_connect_again(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name)
    at_provider.forget(box.name)
    run = fetch_now(channel, "schedule")
    assert (told(run), strikes(channel)) == (("failed", "link_revoked", 0), 1)
    said = phrases.said_in("nl", run.error_code, run.error_detail)
    provider = {"google": "Google", "entra": "Microsoft"}[auth]
    assert str(said) == (f"{provider} meldt dat de koppeling is ingetrokken of verlopen. Koppel het postvak opnieuw.")


@BOTH
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 503}, "provider_unavailable"),
        ({"drop": True}, "provider_unavailable"),
        ({"status": 429, "headers": {"retry-after": "60"}}, "provider_busy"),
        ({"status": 400, "body": {"error": "temporarily_unavailable"}}, "provider_unavailable"),
    ],
)
def test_provider_that_is_down_is_no_strike(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str, fault: dict[str, object], code: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name)
    grow_old(channel)
    at_provider.answer(MOUNT[auth], times=9, **fault)  # type: ignore[arg-type]
    runs = [told(fetch_now(channel, "schedule")) for _ in range(5)]
    assert (runs, strikes(channel), channel.state) == ([("failed", code, 0)] * 5, 0, "active")
    at_provider.reset()
    assert told(fetch_now(channel, "schedule")) == ("succeeded", "", 1)


def test_expired_secret_is_a_strike_with_its_own_sentence(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser
) -> None:
    channel = link(cast.bakery, at_provider, "entra", box.name)
    grow_old(channel)
    at_provider.answer(TENANT, SECRET_EXPIRED, status=401)
    run = fetch_now(channel, "schedule")
    assert (told(run), strikes(channel)) == (("failed", "client_secret_expired", 0), 1)
    assert phrases.said_in("nl", run.error_code, run.error_detail).next_step == (
        "Maak bij Microsoft een nieuw client secret en vul het hier in."
    )


def test_new_secret_takes_effect_without_linking_again(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser
) -> None:
    channel = link(cast.bakery, at_provider, "entra", box.name)
    secret = vault.read_all(channel)["client_secret"]
    grow_old(channel)
    vault.store(channel, "client_secret", "0f8fad5b-d9cb-469f-a165-70867728950e")
    assert told(fetch_now(channel)) == ("failed", "client_secret_is_id", 0)
    vault.store(channel, "client_secret", secret)
    assert told(fetch_now(channel)) == ("succeeded", "", 1)


@PROTOCOLS
def test_shared_mailbox_is_opened_by_whom_may(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, protocol: str
) -> None:
    at_provider.open_mailbox("piet@acme.test", box.name)
    channel = link(cast.bakery, at_provider, "entra", box.name, protocol=protocol, signs_in_as="piet@acme.test")
    assert told(fetch_now(channel)) == ("succeeded", "", 1)


@PROTOCOLS
def test_app_opens_the_mailbox_by_itself(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, protocol: str
) -> None:
    at_provider.open_mailbox(ENTRA_CLIENT, box.name)
    channel = draft(cast.bakery, "entra", box.name, protocol, app_only=True)
    services.activate(channel, by=None)
    assert told(fetch_now(channel)) == ("succeeded", "", 1)
    withdraw_access(channel)
    assert told(fetch_now(channel)) == ("succeeded", "", 0)


def test_channel_that_nobody_authorised_is_not_linked(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser
) -> None:
    assert told(fetch_now(draft(cast.bakery, "google", box.name))) == ("failed", "not_linked", 0)


def test_token_of_one_protocol_does_not_open_the_other(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser
) -> None:
    channel = link(cast.bakery, at_provider, "entra", box.name, protocol="imap")
    channel.protocol = "pop3"
    with pytest.raises(ChannelError) as refused, connect.opened(channel, Watch()):
        pass
    assert refused.value.code == "permission_missing"


def test_server_of_a_provider_is_never_what_stands_in_the_row(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser
) -> None:
    channel = link(cast.bakery, at_provider, "google", box.name)
    Channel.objects.filter(pk=channel.pk).update(host="evil.test", port=143, security="starttls")
    assert told(fetch_now(channel)) == ("succeeded", "", 1)


@BOTH
@PROTOCOLS
def test_check_renews_the_link_as_a_step_of_its_own(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, auth: str, protocol: str
) -> None:
    channel = link(cast.bakery, at_provider, auth, box.name, protocol=protocol)
    asked = at_provider.requests_to(MOUNT[auth])
    steps = check.run_check(check.target_of(channel))
    assert [(step.name, step.ok) for step in steps] == [
        ("name", True), ("connection", True), ("encryption", True), ("provider", True), ("sign_in", True),
        ("folder", True), ("listing", True),
    ]  # fmt: skip
    assert (steps[-2].facts["unread"], at_provider.requests_to(MOUNT[auth]) - asked) == (1, 1)


def test_check_stops_at_the_provider_when_the_link_is_withdrawn(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser
) -> None:
    channel = link(cast.bakery, at_provider, "google", box.name)
    at_provider.forget(box.name)
    last = check.run_check(check.target_of(channel))[-1]
    assert (last.name, last.ok, last.error.code if last.error else "") == ("provider", False, "link_revoked")


@pytest.mark.parametrize("down", [False, True])
def test_erasing_a_channel_ends_its_link_first(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, down: bool
) -> None:
    channel = link(cast.bakery, at_provider, "google", box.name)
    if down:
        at_provider.answer("google", endpoint="revoke", drop=True)
    Channel.objects.filter(pk=channel.pk).update(deleted_at=timezone.now() - timedelta(hours=1))
    assert upkeep.purge_deleted() == 1
    left = Channel.objects.filter(pk=channel.pk).exists()
    assert (left, at_provider.requests_to("google", "revoke")) == (False, 1)


def test_app_whose_token_no_key_opens_asks_for_another(
    cast: Cast, at_provider: OpenIdProvider, box: MailboxUser, settings: object
) -> None:
    at_provider.open_mailbox(ENTRA_CLIENT, box.name)
    channel = draft(cast.bakery, "entra", box.name, app_only=True)
    services.activate(channel, by=None)
    tokens.current(channel)
    secret = vault.read_all(channel)["client_secret"]
    settings.CREDENTIAL_KEYS = [new_key()]  # type: ignore[attr-defined]
    vault.store(channel, "client_secret", secret)
    assert told(fetch_now(channel, "schedule")) == ("succeeded", "", 1)
    assert vault.read_all(channel).keys() == {"client_secret", "tokens"}
