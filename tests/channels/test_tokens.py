"""Tokens are renewed in time, by one at a time, and what rotated is kept. The provider forgives no token used twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from django.conf import settings
from django.db.models.functions import Now

from channels.auth.base import Tokens
from channels.errors import ChannelError
from channels.links import tokens, vault
from channels.models import Channel, ChannelSecret
from tests.cast import Cast
from tests.channels.authorised import draft, link
from tests.servers.openid import TENANT, OpenIdProvider
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.provider, pytest.mark.dovecot]
BOTH = pytest.mark.parametrize("auth", ["google", "entra"])
MOUNT = {"google": "google", "entra": TENANT}
JAN = "jan@acme.test"


@pytest.fixture(autouse=True)
def in_scope(cast: Cast) -> Iterator[None]:
    with administration_scope(cast.bakery.pk):
        yield


def is_linked(channel: Channel) -> bool:
    return ChannelSecret.objects.filter(channel=channel, name="tokens").exists()


def kept(channel: Channel) -> Tokens:
    return Tokens.loads(vault.read_all(channel)["tokens"])


def grow_old(channel: Channel) -> Tokens:
    """The access token would end less than five minutes after a run that begins now."""
    old = replace(kept(channel), expires_at=time.time() + settings.FETCH_RUN_SECONDS + 299)
    tokens.store(channel, old)
    return old


@BOTH
def test_tokens_that_live_are_not_renewed(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = link(cast.bakery, at_provider, auth, JAN)
    asked = at_provider.requests_to(MOUNT[auth])
    assert (tokens.current(channel), at_provider.requests_to(MOUNT[auth])) == (kept(channel), asked)


def test_tokens_that_were_read_with_their_channel_are_not_read_again(
    cast: Cast, at_provider: OpenIdProvider, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    link(cast.bakery, at_provider, "google", JAN)
    channel = Channel.objects.prefetch_related("secrets").get()
    with django_assert_num_queries(0):
        tokens.current(channel)


def test_tokens_that_another_renewed_since_they_were_read_are_not_renewed_again(
    cast: Cast, at_provider: OpenIdProvider
) -> None:
    grow_old(link(cast.bakery, at_provider, "google", JAN))
    channel = Channel.objects.prefetch_related("secrets").get()
    renewed = tokens.current(Channel.objects.get())
    asked = at_provider.requests_to(MOUNT["google"])
    assert (tokens.current(channel), at_provider.requests_to(MOUNT["google"])) == (renewed, asked)


@BOTH
def test_tokens_are_renewed_five_minutes_early_and_kept(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = link(cast.bakery, at_provider, auth, JAN)
    old = grow_old(channel)
    new = tokens.current(channel)
    assert (new.access_token != old.access_token, new, kept(channel)) == (True, new, new)
    assert ChannelSecret.objects.get(channel=channel, name="tokens").renewing_until is None


def test_rotated_tokens_go_on_and_on(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = link(cast.bakery, at_provider, "entra", JAN)
    seen = {tokens.current(channel, fresh=True).refresh_token for _ in range(4)}
    assert len(seen) == 4


def test_fresh_tokens_are_others_though_the_old_ones_live(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    old = kept(channel)
    assert tokens.current(channel, fresh=True).access_token != old.access_token


def test_channel_without_tokens_is_not_linked(cast: Cast, at_provider: OpenIdProvider) -> None:
    with pytest.raises(ChannelError) as refused:
        tokens.current(draft(cast.bakery, "google", JAN))
    assert refused.value.code == "not_linked"


def test_app_asks_for_itself_and_keeps_what_it_got(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = draft(cast.bakery, "entra", JAN, app_only=True)
    first = tokens.current(channel)
    assert (tokens.current(channel), at_provider.requests_to(TENANT)) == (first, 1)
    grow_old(channel)
    assert tokens.current(channel).access_token != first.access_token


def test_claim_that_was_left_behind_runs_out(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    old = grow_old(channel)
    ChannelSecret.objects.filter(channel=channel, name="tokens").update(renewing_until=Now() - tokens.CLAIM)
    assert tokens.current(channel).access_token != old.access_token


def test_claim_of_another_is_waited_for_and_its_tokens_taken(
    cast: Cast, at_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    old = grow_old(channel)
    ChannelSecret.objects.filter(channel=channel, name="tokens").update(renewing_until=Now() + tokens.CLAIM)
    by_another = replace(old, access_token="by another", expires_at=time.time() + 3600)
    monkeypatch.setattr("channels.links.tokens.time.sleep", lambda seconds: tokens.store(channel, by_another))
    assert tokens.current(channel) == by_another


def test_claim_that_never_ends_is_for_later(
    cast: Cast, at_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    grow_old(channel)
    ChannelSecret.objects.filter(channel=channel, name="tokens").update(renewing_until=Now() + tokens.CLAIM)
    monkeypatch.setattr(tokens, "_WAIT_SECONDS", 0.0)
    with pytest.raises(ChannelError) as refused:
        tokens.current(channel)
    assert (refused.value.code, refused.value.strikes) == ("provider_unavailable", False)


@BOTH
def test_refusal_frees_the_claim_and_keeps_the_tokens(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = link(cast.bakery, at_provider, auth, JAN)
    old = grow_old(channel)
    at_provider.answer(MOUNT[auth], status=503)
    with pytest.raises(ChannelError) as refused:
        tokens.current(channel)
    assert (refused.value.code, kept(channel)) == ("provider_unavailable", old)
    assert tokens.current(channel).access_token != old.access_token


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """While the provider is being asked."""
    ask = tokens.providers.registration_of

    def and_act(channel: Channel, new_secret: str) -> object:
        registration = ask(channel, new_secret)
        act()
        return registration

    monkeypatch.setattr("channels.links.tokens.providers.registration_of", and_act)


def test_link_made_meanwhile_is_not_written_over(
    cast: Cast, at_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    old = grow_old(channel)
    linked = replace(old, access_token="of the new link", expires_at=time.time() + 3600)
    meanwhile(monkeypatch, lambda: tokens.store(channel, linked))
    assert (tokens.current(channel), kept(channel)) == (linked, linked)


def test_link_forgotten_meanwhile_stays_forgotten(
    cast: Cast, at_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = link(cast.bakery, at_provider, "entra", JAN)
    grow_old(channel)
    meanwhile(monkeypatch, lambda: ChannelSecret.objects.filter(channel=channel, name="tokens").delete())
    with pytest.raises(ChannelError) as refused:
        tokens.current(channel)
    assert (refused.value.code, is_linked(channel)) == ("not_linked", False)


def test_key_rotated_meanwhile_loses_no_token(
    cast: Cast, at_provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = link(cast.bakery, at_provider, "entra", JAN)
    old = grow_old(channel)

    def rotate() -> None:
        row = ChannelSecret.objects.get(channel=channel, name="tokens")
        ChannelSecret.objects.filter(pk=row.pk).update(ciphertext=vault.encrypt(channel, "tokens", vault.decrypt(row)))

    meanwhile(monkeypatch, rotate)
    new = tokens.current(channel)
    assert (new.refresh_token != old.refresh_token, kept(channel)) == (True, new)


@BOTH
def test_forgetting_revokes_and_erases(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = link(cast.bakery, at_provider, auth, JAN)
    tokens.forget(channel)
    channel.refresh_from_db()
    assert (is_linked(channel), channel.granted, channel.linked_at) == (False, "", None)
    assert at_provider.requests_to("google", "revoke") == (1 if auth == "google" else 0)


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}])
def test_provider_that_is_down_does_not_keep_the_tokens(
    cast: Cast, at_provider: OpenIdProvider, fault: dict[str, object]
) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    at_provider.answer("google", endpoint="revoke", **fault)  # type: ignore[arg-type]
    tokens.forget(channel)
    assert (is_linked(channel), at_provider.requests_to("google", "revoke")) == (False, 1)


def test_consent_that_another_office_lives_on_is_not_revoked(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    with administration_scope(cast.foreign.pk):
        other = link(cast.foreign, at_provider, "google", JAN)
    tokens.forget(channel)
    assert (is_linked(channel), at_provider.requests_to("google", "revoke")) == (False, 0)
    with administration_scope(cast.foreign.pk):
        assert tokens.current(other, fresh=True).access_token
