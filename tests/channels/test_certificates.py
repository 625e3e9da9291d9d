"""A certificate instead of a client secret: at Entra, for a channel's own registration and for the portal's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from channels import expiry, services
from channels.auth import entra
from channels.auth.base import Account, Registration, Tokens
from channels.errors import ChannelError
from channels.links import providers, vault
from channels.models import Channel
from channels.pages.forms import ChannelForm
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.authorised import draft
from tests.channels.certificates import ENDS, ENDS_ON, certificate_pem, key_pem, new_key, pair
from tests.channels.test_forms import AT_ENTRA, codes
from tests.servers.openid import ENTRA_CLIENT, TENANT, OpenIdProvider
from zenvoices.lib.keypairs import read_pair
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.slow

KEY, OTHER = new_key(), new_key()
GOOD = key_pem(KEY) + certificate_pem(KEY)
WITH = {name: value for name, value in AT_ENTRA.items() if name not in ("client_secret", "secret_expires_on")}
REFUSED = [
    (certificate_pem(KEY), "no_key"),
    (key_pem(KEY), "no_certificate"),
    (key_pem(KEY) + certificate_pem(OTHER), "apart"),
    (key_pem(KEY, "geheim") + certificate_pem(KEY), "locked"),
    (key_pem(KEY) + certificate_pem(KEY, timezone.now() - timedelta(hours=1)), "expired"),
    (key_pem(new_key("ec")) + certificate_pem(KEY), "not_rsa"),
    (key_pem(KEY) + "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n", "no_certificate"),
    ("-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n" + certificate_pem(KEY), "no_key"),
    ("geheim", "no_key"),
]


@pytest.fixture
def in_scope(cast: Cast) -> Iterator[None]:
    with administration_scope(cast.bakery.pk):
        yield


# --- The form -------------------------------------------------------------------------------------------


def test_certificate_is_enough_and_says_its_own_end() -> None:
    form = ChannelForm(WITH | {"client_certificate": f"Bag Attributes\n{GOOD}", "secret_expires_on": "nonsense"})
    assert form.is_valid(), form.errors
    assert form.channel_fields["secret_expires_on"] == ENDS_ON
    kept = read_pair(form.secrets["client_certificate"])
    assert (form.secrets.keys(), kept) == ({"client_certificate"}, read_pair(GOOD))


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_what_is_no_pair_says_what_is_the_matter(text: str, code: str) -> None:
    form = ChannelForm(WITH | {"client_certificate": text})
    assert codes(form) == {"client_certificate": [code]}


def test_secret_and_certificate_are_not_both_taken() -> None:
    assert codes(ChannelForm(AT_ENTRA | {"client_certificate": GOOD})) == {"client_certificate": ["both"]}


def test_certificate_of_another_way_to_sign_in_is_left_out() -> None:
    form = ChannelForm(AT_ENTRA | {"auth": "google", "client_certificate": "geheim"})
    assert "client_certificate" not in form.errors
    assert "client_certificate" not in form.secrets


def test_certificate_that_is_kept_need_not_be_typed_again(cast: Cast, in_scope: None) -> None:
    end = timezone.localdate() + timedelta(days=300)
    channel = draft(cast.bakery, "entra", "jan@acme.test", client_secret="", secret_expires_on=end)
    same = WITH | {"tenant_id": channel.tenant_id, "client_id": channel.client_id}
    kept = ChannelForm(same, channel=channel, stored={"client_certificate"})
    assert kept.is_valid(), kept.errors
    assert (kept.secrets, kept.channel_fields["secret_expires_on"]) == ({}, end)
    moved = ChannelForm(same | {"client_id": "33333333-3333-4444-8555-666666666666"}, channel=channel,
                        stored={"client_certificate"})  # fmt: skip
    assert codes(moved) == {"client_certificate": ["moved"]}


def test_page_never_shows_a_key_again(cast: Cast, signed_in: Callable[[User], Client]) -> None:
    form = WITH | {"client_certificate": GOOD, "client_id": "no guid"}
    answer = signed_in(cast.bert).post(reverse("channel-new-email", args=[cast.bakery.pk]), form)
    assert answer.status_code == 422
    assert "PRIVATE KEY--" not in answer.content.decode()


# --- The vault ------------------------------------------------------------------------------------------


def made(cast: Cast, **secret: str) -> Channel:
    return services.create_channel(
        cast.bakery, password="", activate=False, by=None, name="a", auth="entra", protocol="imap",
        username="jan@acme.test", client_id=ENTRA_CLIENT, tenant_id=TENANT, **secret,
    )  # fmt: skip


def test_certificate_and_secret_take_each_others_place(cast: Cast, in_scope: None) -> None:
    channel = made(cast, client_secret="a~b")
    services.update_channel(channel, password="", by=None, client_certificate=GOOD)
    assert vault.read_all(channel) == {"client_certificate": GOOD}
    services.update_channel(channel, password="", by=None, client_secret="c~d")
    assert vault.read_all(channel) == {"client_secret": "c~d"}


def test_certificate_is_cleared_with_its_registration(cast: Cast, in_scope: None) -> None:
    channel = made(cast, client_certificate=GOOD)
    services.update_channel(channel, password="", by=None, tenant_id="99999999-2222-4333-8444-555555555555")
    assert vault.read_all(channel) == {}


def test_end_of_a_certificate_is_told_as_one(cast: Cast, in_scope: None) -> None:
    channel = made(cast, client_certificate=GOOD)
    services.keep_proof(channel, {}, timezone.localdate() + timedelta(days=14))
    with every_administration():
        expiry.look(lambda resting: None)
        text = Notification.objects.filter(user=cast.bert).get().text_en
    assert text.startswith("The certificate of channel a ends on ")


# --- At Microsoft ---------------------------------------------------------------------------------------


def shown_at(provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> dict[str, Any]:
    """What the token address was sent."""
    sent: dict[str, Any] = {}
    post = entra._Line.post

    def and_look(line: entra._Line, url: str, **kwargs: Any) -> object:
        sent.update(kwargs["data"])
        return post(line, url, **kwargs)

    monkeypatch.setattr(entra._Line, "post", and_look)
    act()
    return sent


@pytest.mark.provider
@pytest.mark.dovecot
@pytest.mark.slow
@pytest.mark.parametrize("whose", ["the channel's", "the portal's"])
def test_microsoft_is_shown_what_the_key_signed(
    cast: Cast, in_scope: None, at_provider: OpenIdProvider, settings: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, whose: str,
) -> None:  # fmt: skip
    if whose == "the channel's":
        channel, mount = made(cast, client_certificate=GOOD), TENANT
    else:
        file, mount = tmp_path / "app.pem", "organizations"
        file.write_text(GOOD)
        settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_CERTIFICATE = ENTRA_CLIENT, str(file)
        channel = draft(cast.bakery, "entra", "jan@acme.test", client_id="", tenant_id="", client_secret="")
    body = {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "token_type": "Bearer", "scope": ""}
    at_provider.answer(mount, body, status=200)
    registration, account = providers.registration_of(channel), Account("imap", "jan@acme.test")
    renew = providers.method_of(channel).renew
    sent = shown_at(at_provider, monkeypatch, lambda: renew(registration, account, Tokens("a", 0, "r")))
    assert "client_secret" not in sent
    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    claims = json.loads(base64.urlsafe_b64decode(str(sent["client_assertion"]).split(".")[1] + "=="))
    assert (claims["iss"], claims["sub"]) == (ENTRA_CLIENT, ENTRA_CLIENT)
    assert "geheim" not in repr(registration)
    assert "PRIVATE" not in repr(registration)


@pytest.mark.provider
@pytest.mark.dovecot
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(700027, "client_certificate_wrong"), (7000222, "client_certificate_expired"), (700024, "clock_wrong")],
)
def test_certificate_that_microsoft_refuses_is_called_one(
    cast: Cast, in_scope: None, at_provider: OpenIdProvider, number: int, code: str
) -> None:
    channel = made(cast, client_certificate=GOOD)
    at_provider.answer(TENANT, {"error": "invalid_client", "error_codes": [number]}, status=401)
    with pytest.raises(ChannelError) as refused:
        providers.method_of(channel).renew(
            providers.registration_of(channel), Account("imap", "jan@acme.test"), Tokens("a", 0, "r")
        )
    assert refused.value.code == code


# --- The portal's own -----------------------------------------------------------------------------------


def test_portals_certificate_goes_before_its_secret_and_counts_at_once(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_SECRET = ENTRA_CLIENT, "a~b"
    settings.ENTRA_CLIENT_CERTIFICATE = str(file)
    found = []
    for text in (GOOD, pair(ENDS + timedelta(days=10))):
        file.write_text(text)
        found.append((providers.portal_registration("entra") == Registration(ENTRA_CLIENT, "", certificate=text),
                      providers.portal_ends()["Microsoft"]))  # fmt: skip
    assert found == [(True, ENDS_ON), (True, ENDS_ON + timedelta(days=10))]


def test_portals_certificate_that_is_gone_is_its_operators(
    cast: Cast, in_scope: None, settings: Any, tmp_path: Path
) -> None:
    settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_CERTIFICATE = ENTRA_CLIENT, str(tmp_path / "gone.pem")
    channel = draft(cast.bakery, "entra", "jan@acme.test", client_id="", tenant_id="", client_secret="")
    with pytest.raises(ChannelError) as refused:
        entra._credential(providers.registration_of(channel))
    assert (refused.value.code, providers.portal_ends()) == ("client_certificate_wrong", {})
