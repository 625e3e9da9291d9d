"""The portal's own registration is the operator's: whatever is wrong with it, no customer's channel is struck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from administrations.models import User
from channels import check
from channels.credentials import BearerToken
from channels.errors import CODES, ChannelError, channel_error
from channels.links import tokens, vault, whose
from channels.models import Channel, ChannelSecret, FetchRun
from notifications.models import Notification, OperatorAlert
from tests.cast import Cast
from tests.channels.authorised import draft, link
from tests.channels.linked import GMAIL_ADDRESS, GMAIL_TOKEN, fetch_now, invoice, link_gmail
from tests.channels.provider import SaidProvider
from tests.channels.test_oauth_views import ask_provider, call_back, gmail, said_provider
from tests.servers.certificates import Certificates
from tests.servers.gmail import Fault, GmailApi
from tests.servers.openid import (
    ANY_TENANT,
    ENTRA_CLIENT,
    ENTRA_SECRET,
    GOOGLE_CLIENT,
    GOOGLE_SECRET,
    TENANT,
    OpenIdProvider,
)
from tests.servers.plugin import MailboxUser
from zenvoices.lib.crypto import new_key
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = [pytest.mark.thorough, pytest.mark.once]

__all__ = ["said_provider"]  # a fixture
DOUBLE = [pytest.mark.provider, pytest.mark.dovecot, pytest.mark.slow, pytest.mark.django_db]
MOUNT = {"google": "google", "entra": ANY_TENANT}
#: what a provider says of a registration at renewal
REFUSALS = [
    ("entra", 401, {"error": "invalid_client", "error_codes": [7000222]}, "client_secret_expired"),
    ("entra", 401, {"error": "invalid_client", "error_codes": [7000215]}, "client_secret_wrong"),
    ("entra", 400, {"error": "unauthorized_client", "error_codes": [700016]}, "client_unknown"),
    ("entra", 400, {"error": "unauthorized_client", "error_codes": [7000112]}, "client_disabled"),
    ("entra", 400, {"error": "invalid_client", "error_codes": [700025]}, "client_not_web"),
    ("entra", 400, {"error": "invalid_grant", "error_codes": [700084]}, "client_is_spa"),
    ("entra", 400, {"error": "invalid_request", "error_codes": [50011]}, "redirect_unknown"),
    ("entra", 400, {"error": "invalid_resource", "error_codes": [650057]}, "permission_missing"),
    ("entra", 400, {"error": "invalid_request", "error_codes": [50194]}, "sign_in_broken"),
    ("google", 401, {"error": "invalid_client", "error_description": "Unauthorized"}, "client_secret_wrong"),
    ("google", 401, {"error": "deleted_client"}, "client_deleted"),
    ("google", 401, {"error": "disabled_client"}, "client_disabled"),
    ("google", 400, {"error": "invalid_client"}, "registration_refused"),
    ("google", 400, {"error": "redirect_uri_mismatch"}, "redirect_unknown"),
]


@pytest.fixture(autouse=True)
def portals_own(settings: Any) -> None:
    settings.FETCH_RETRY_SECONDS = []
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = GOOGLE_CLIENT, GOOGLE_SECRET
    settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_SECRET = ENTRA_CLIENT, ENTRA_SECRET


@pytest.fixture
def in_scope(cast: Cast) -> Iterator[None]:
    with administration_scope(cast.bakery.pk):
        yield


def on_the_portals(cast: Cast, provider: OpenIdProvider, box: MailboxUser, auth: str) -> Channel:
    return link(cast.bakery, provider, auth, box.name, client_id="", client_secret="", tenant_id="")


def grow_old(channel: Channel) -> None:
    tokens.store(channel, replace(tokens.current(channel), expires_at=0))


def told(run: FetchRun) -> tuple[str, str, dict[str, Any]]:
    return run.outcome, run.error_code, run.error_detail


def standing(channel: Channel) -> tuple[str, int, str]:
    channel.refresh_from_db()
    return channel.state, channel.failures, channel.error_code


class TestAtTheDouble:
    pytestmark = DOUBLE

    @pytest.mark.parametrize(("auth", "status", "body", "reason"), REFUSALS)
    def test_refused_registration_strikes_nobody_and_goes_on_by_itself_when_mended(
        self, cast: Cast, in_scope: None, at_provider: OpenIdProvider, token_user: MailboxUser,
        auth: str, status: int, body: dict[str, Any], reason: str,
    ) -> None:  # fmt: skip
        token_user.deliver(invoice(1))
        channel = on_the_portals(cast, at_provider, token_user, auth)
        grow_old(channel)
        at_provider.answer(MOUNT[auth], body, status=status, times=9)
        detail = {"provider": {"google": "Google", "entra": "Microsoft"}[auth], "reason": reason}
        runs = [told(fetch_now(channel, "schedule")) for _ in range(6)]
        assert runs == [("failed", "portal_registration", detail)] * 6
        assert standing(channel) == ("active", 0, "portal_registration")
        assert [alert.code for alert in OperatorAlert.objects.all()] == [f"portal_registration:{reason}"]
        at_provider.reset()
        assert fetch_now(channel, "schedule").documents == 1
        assert standing(channel) == ("active", 0, "")
        with every_administration():
            assert not Notification.objects.filter(kind__in=["channel_deactivated", "channel_needs_attention"]).exists()

    def test_own_registration_is_still_its_managers(
        self, cast: Cast, in_scope: None, at_provider: OpenIdProvider, token_user: MailboxUser
    ) -> None:
        channel = link(cast.bakery, at_provider, "entra", token_user.name)
        grow_old(channel)
        at_provider.answer(TENANT, {"error": "invalid_client", "error_codes": [7000222]}, status=401)
        assert told(fetch_now(channel, "schedule"))[1] == "client_secret_expired"
        assert standing(channel) == ("active", 1, "client_secret_expired")

    def test_what_the_owner_did_is_still_the_owners(
        self, cast: Cast, in_scope: None, at_provider: OpenIdProvider, token_user: MailboxUser
    ) -> None:
        channel = on_the_portals(cast, at_provider, token_user, "google")
        at_provider.forget(token_user.name)
        assert told(fetch_now(channel, "schedule"))[1] == "link_revoked"

    def test_registration_that_the_operator_took_away_is_the_operators(
        self, cast: Cast, in_scope: None, at_provider: OpenIdProvider, token_user: MailboxUser, settings: Any
    ) -> None:
        channel = on_the_portals(cast, at_provider, token_user, "google")
        grow_old(channel)
        settings.GOOGLE_CLIENT_SECRET = ""
        assert told(fetch_now(channel, "schedule"))[2]["reason"] == "client_secret_missing"

    def test_project_in_testing_is_the_operators_and_no_promise_about_the_next_link(
        self, cast: Cast, in_scope: None, at_provider: OpenIdProvider, token_user: MailboxUser
    ) -> None:
        channel = on_the_portals(cast, at_provider, token_user, "google")
        channel.linked_at = timezone.now() - timedelta(days=7)
        channel.save(update_fields=["linked_at"])
        at_provider.forget(token_user.name)
        assert told(fetch_now(channel, "schedule"))[2] == {"provider": "Google", "reason": "google_testing"}
        channel.refresh_from_db()
        assert (channel.short_lived_link_at, channel.failures) == (None, 0)

    def test_check_says_it_too(
        self, cast: Cast, in_scope: None, at_provider: OpenIdProvider, token_user: MailboxUser
    ) -> None:
        channel = on_the_portals(cast, at_provider, token_user, "google")
        at_provider.answer("google", {"error": "deleted_client"}, status=401)
        step = check.run_check(check.target_of(channel))[-1]
        assert (step.name, step.error and step.error.code) == ("provider", "portal_registration")


# --- The Gmail API --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_id", "code", "failures"), [("", "portal_registration", 0), ("own", "gmail_api_disabled", 1)]
)
def test_gmail_api_that_is_off_is_the_operators_in_the_portals_project(
    cast: Cast, in_scope: None, settings: Any, gmail_api: GmailApi, certificates: Certificates,
    client_id: str, code: str, failures: int,
) -> None:  # fmt: skip
    channel = link_gmail(cast.bakery, settings, gmail_api, certificates, client_id=client_id)
    gmail_api.faults.append(Fault("403 disabled", times=2))
    assert told(fetch_now(channel, "schedule"))[1] == code
    assert standing(channel) == ("active", failures, code)
    target = replace(check.target_of(channel), token=lambda: BearerToken(GMAIL_ADDRESS, GMAIL_TOKEN))
    error = check.run_check(target)[-1].error
    assert error is not None
    assert error.code == code


# --- Linking, and the consent page ----------------------------------------------------------------------


def test_linking_says_that_we_are_at_it_and_tells_the_operator(
    cast: Cast, signed_in: Callable[[User], Client], said_provider: SaidProvider
) -> None:
    channel, bert = gmail(cast.bakery, client_id=""), signed_in(cast.bert)
    User.objects.filter(pk=cast.bert.pk).update(language="en")
    ask_provider(bert, channel)
    said_provider.fails = channel_error("client_secret_expired", provider="Google", reason="invalid_client")
    said = call_back(bert, said_provider).context["said"]
    assert said.text == "Signing in at Google through this portal does not work at the moment."
    assert said.next_step == "We are working on it; connect again later."
    assert [alert.code for alert in OperatorAlert.objects.all()] == ["portal_registration:client_secret_expired"]


def test_setting_out_says_it_too(cast: Cast, signed_in: Callable[[User], Client], said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery, client_id=""), signed_in(cast.bert)
    said_provider.authorise_fails = channel_error("tenant_unknown", provider="Google")
    User.objects.filter(pk=cast.bert.pk).update(language="en")
    said = ask_provider(bert, channel).context["said"]
    assert said.text == "Signing in at Google through this portal does not work at the moment."
    assert OperatorAlert.objects.get().code == "portal_registration:tenant_unknown"


# --- Which codes are the registration's -----------------------------------------------------------------


def test_every_code_about_a_registration_is_known_as_one() -> None:
    named = {code for code in CODES if code.startswith("client_") and not code.endswith("_wanted")}
    assert named - whose.OF_THE_REGISTRATION == set()


# --- Keys that are gone ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "detail"),
    [
        ("password", "key_missing", {"provider": "Microsoft"}),
        ("tokens", "key_missing_link", {"provider": "Microsoft"}),
        ("client_secret", "key_missing_secret", {"provider": "Microsoft"}),
        ("client_certificate", "key_missing_secret", {"provider": "Microsoft"}),
    ],
)
def test_missing_key_says_what_cannot_be_opened(
    cast: Cast, in_scope: None, settings: Any, name: str, code: str, detail: dict[str, str]
) -> None:
    channel = draft(cast.bakery, "entra", "jan@acme.test")
    vault.store(channel, name, "geheim")
    settings.CREDENTIAL_KEYS = [new_key()]
    with pytest.raises(ChannelError) as refused:
        vault.decrypt(ChannelSecret.objects.get(channel=channel, name=name))
    assert (refused.value.code, refused.value.detail, refused.value.strikes) == (code, detail, False)
