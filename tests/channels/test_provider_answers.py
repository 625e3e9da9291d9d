"""What a provider's answer is not: somebody else's page, a proof without a name, a time that cannot be."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from channels.auth import entra
from channels.auth.base import AuthorisationRequest, Tokens
from channels.errors import ChannelError
from channels.links import providers
from channels.models import Channel
from tests.cast import Cast
from tests.channels.authorised import authorise, draft
from tests.servers.certificates import Certificates
from tests.servers.openid import ENTRA_CLIENT, GOOGLE_CLIENT, TENANT, OpenIdProvider
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.provider, pytest.mark.dovecot, pytest.mark.slow, pytest.mark.django_db]
BOTH = pytest.mark.parametrize("auth", ["google", "entra"])
MOUNT = {"google": "google", "entra": TENANT}
JAN = "jan@acme.test"
DISCOVERY = "/.well-known/openid-configuration"
PAGE = "<html><h1>Access denied by policy</h1></html>"
TELLS = {"google": ("/google", GOOGLE_CLIENT, {"email": JAN, "email_verified": True}),
         "entra": (f"/{TENANT}/v2.0", ENTRA_CLIENT, {"preferred_username": JAN, "tid": TENANT})}  # fmt: skip


@pytest.fixture(autouse=True)
def in_scope(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(entra._Line, "_remembered", {})
    with administration_scope(cast.bakery.pk):
        yield


def begun(channel: Channel) -> AuthorisationRequest:
    account = providers.account_of(channel)
    return providers.method_of(channel).authorise(
        providers.registration_of(channel), account, providers.redirect_uri(channel.auth)
    )


def exchanged(channel: Channel, sent: AuthorisationRequest) -> object:
    return providers.method_of(channel).exchange(
        providers.registration_of(channel), providers.account_of(channel), providers.redirect_uri(channel.auth),
        sent.flow, {"code": "the code", "state": sent.state},
    )  # fmt: skip


def renewed(channel: Channel) -> Tokens:
    registration, account = providers.registration_of(channel), providers.account_of(channel)
    return providers.method_of(channel).renew(registration, account, Tokens("a", 0, "r"))


def refused(act: Any, *given: Any) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        act(*given)
    return caught.value


def told(provider: OpenIdProvider, channel: Channel, sent: AuthorisationRequest, **claims: object) -> dict[str, Any]:
    """An answer with tokens whose id_token says these claims; one that is None is left out."""
    issuer, audience, account = TELLS[channel.auth]
    nonce = str(sent.flow["nonce"])
    now = int(time.time())
    said = {"iss": provider.base + issuer, "aud": audience, "sub": JAN, "iat": now, "exp": now + 3600, **account,
            "nonce": hashlib.sha256(nonce.encode()).hexdigest() if channel.auth == "entra" else nonce,
            **claims}  # fmt: skip
    said = {name: value for name, value in said.items() if value is not None}
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    scope = (
        "https://outlook.office.com/IMAP.AccessAsUser.All" if channel.auth == "entra" else "https://mail.google.com/"
    )
    return {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "token_type": "Bearer", "scope": scope,
            "id_token": f"eyJhbGciOiJub25lIn0.{body}.x"}  # fmt: skip


# --- Somebody else's page -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_page_at_the_discovery_address_says_nothing_of_the_directory(
    cast: Cast, at_provider: OpenIdProvider, status: int
) -> None:
    channel = draft(cast.bakery, "entra", JAN)
    at_provider.answer(TENANT, PAGE, status=status, endpoint=DISCOVERY)  # type: ignore[arg-type]
    error = refused(renewed, channel)
    assert (error.code, error.strikes) == ("provider_unavailable", False)
    assert authorise(channel, at_provider).account == JAN  # and it is not remembered


@pytest.mark.parametrize("body", [{"error": "blocked", "message": "policy"}, {"token_endpoint": "https://x.test/"}, []])
def test_what_a_proxy_says_at_the_discovery_address_is_no_unknown_directory(
    cast: Cast, at_provider: OpenIdProvider, body: Any
) -> None:
    at_provider.answer(TENANT, body, status=403, endpoint=DISCOVERY)
    assert refused(renewed, draft(cast.bakery, "entra", JAN)).code == "provider_unavailable"


@BOTH
@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (PAGE, {}),
        ({"error": "invalid_grant"}, {"content-type": "text/html"}),
        ({"error": "invalid_client"}, {"content-type": "text/plain"}),
        # the form of Google's APIs, of Graph, and of what stands in front of either
        ({"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "X"}}, {}),
        ({"error": {"code": "InvalidAuthenticationToken", "message": "no"}}, {}),
        ({"error": None, "error_description": "AADSTS50057: disabled"}, {}),
    ],
)
def test_refusal_that_is_not_typed_as_the_providers_is_for_later(
    cast: Cast, at_provider: OpenIdProvider, auth: str, status: int, body: Any, headers: dict[str, str]
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    at_provider.answer(MOUNT[auth], body, status=status, headers=headers)
    error = refused(renewed, channel)
    assert (error.code, error.strikes) == ("provider_unavailable", False)


# --- A proof without a name -----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("missing", ["sub", "exp", "iss", "aud", "nonce"])
def test_id_token_without_a_claim_proves_nothing(
    cast: Cast, at_provider: OpenIdProvider, auth: str, missing: str
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    sent = begun(channel)
    at_provider.answer(MOUNT[auth], told(at_provider, channel, sent, **{missing: None}), status=200)
    assert refused(exchanged, channel, sent).code == "identity_unproven"


@pytest.mark.parametrize(
    ("auth", "claim", "code"),
    [
        ("google", "email", "wrong_account"),
        ("entra", "preferred_username", "wrong_entra_account"),
        ("entra", "tid", "account_of_other_organisation"),
    ],
)
def test_id_token_without_an_account_is_another_account(
    cast: Cast, at_provider: OpenIdProvider, auth: str, claim: str, code: str
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    sent = begun(channel)
    at_provider.answer(MOUNT[auth], told(at_provider, channel, sent, **{claim: None}), status=200)
    assert refused(exchanged, channel, sent).code == code


@BOTH
@pytest.mark.parametrize("id_token", [None, "", "x", "a.b.c", "e30.W10.x", 7])
def test_id_token_that_is_none_proves_nothing(
    cast: Cast, at_provider: OpenIdProvider, auth: str, id_token: object
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    sent = begun(channel)
    answer = told(at_provider, channel, sent) | {"id_token": id_token}
    at_provider.answer(MOUNT[auth], answer, status=200)
    assert refused(exchanged, channel, sent).code == "identity_unproven"


def test_renewal_with_an_id_token_without_sub_is_for_later(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = draft(cast.bakery, "entra", JAN)
    at_provider.answer(TENANT, told(at_provider, channel, begun(channel), sub=None), status=200)
    assert refused(renewed, channel).code == "provider_unavailable"


# --- A time that cannot be ------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("off", [timedelta(hours=2), timedelta(hours=-1)])
def test_our_clock_is_wrong_when_the_provider_tells_another_time(
    cast: Cast, at_provider: OpenIdProvider, auth: str, off: timedelta
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    sent = begun(channel)
    answer = told(at_provider, channel, sent)
    at_provider.answer(MOUNT[auth], answer, status=200)
    with time_machine.travel(timezone.now() + off, tick=False):
        error = refused(exchanged, channel, sent)
    assert (error.code, error.strikes, error.detail["provider"]) == (
        "clock_wrong", False, providers.NAMES[auth],
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize(("claim", "off"), [("exp", -3600), ("iat", 3600), ("nbf", 3600)])
def test_providers_clock_is_wrong_when_it_tells_our_time(
    cast: Cast, at_provider: OpenIdProvider, auth: str, claim: str, off: int
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    sent = begun(channel)
    at_provider.answer(MOUNT[auth], told(at_provider, channel, sent, **{claim: int(time.time()) + off}), status=200)
    error = refused(exchanged, channel, sent)
    assert (error.code, error.strikes) == ("provider_clock_wrong", False)


def test_time_that_cannot_be_proves_nothing_where_the_provider_tells_none(
    cast: Cast, at_provider: OpenIdProvider
) -> None:
    channel = draft(cast.bakery, "entra", JAN)
    sent = begun(channel)
    answer = told(at_provider, channel, sent, exp=int(time.time()) - 3600)
    at_provider.answer(TENANT, answer, status=200, headers={"date": "yesterday"})
    assert refused(exchanged, channel, sent).code == "identity_unproven"


@BOTH
@pytest.mark.parametrize(
    "moment", [10**400, float("inf"), float("nan"), -1, "soon"], ids=lambda moment: str(moment)[:5]
)
def test_end_that_is_no_moment_proves_nothing(
    cast: Cast, at_provider: OpenIdProvider, auth: str, moment: object
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    sent = begun(channel)
    at_provider.answer(MOUNT[auth], told(at_provider, channel, sent, exp=moment), status=200)
    assert refused(exchanged, channel, sent).code == "identity_unproven"


@pytest.mark.parametrize(
    ("certificate", "off", "code", "reason"),
    [
        ("not_yet_valid", timedelta(0), "provider_unavailable", "certificate_not_trusted"),
        ("not_yet_valid", timedelta(days=-2), "clock_wrong", None),
        ("expired", timedelta(0), "provider_unavailable", "certificate_expired"),
        ("expired", timedelta(days=2), "clock_wrong", None),
        ("self_signed", timedelta(days=-2), "provider_unavailable", "certificate_not_trusted"),
    ],
)
def test_certificate_that_is_not_valid_now_is_held_against_the_providers_time(
    cast: Cast, provider: OpenIdProvider, certificates: Certificates,
    certificate: str, off: timedelta, code: str, reason: str | None,
) -> None:  # fmt: skip
    channel = draft(cast.bakery, "google", JAN)
    with (
        OpenIdProvider(replace(certificates, good=getattr(certificates, certificate))) as dubious,
        override_settings(**dubious.settings()),
        time_machine.travel(timezone.now() + off, tick=False),
    ):
        error = refused(renewed, channel)
    assert (error.code, error.detail.get("reason"), error.strikes) == (code, reason, False)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_broken_list_of_certificates_is_the_operators(
    cast: Cast, provider: OpenIdProvider, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_bytes(content)
    with override_settings(**provider.settings() | {"OUTBOUND_CA_FILE": str(file)}):
        error = refused(renewed, draft(cast.bakery, "google", JAN))
    assert (error.code, error.strikes) == ("ca_store_empty", False)
