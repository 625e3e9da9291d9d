"""Signing in at a real provider: what comes back, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import override_settings

from channels.auth.base import Tokens
from channels.auth.entra import clean_tenant
from channels.errors import ChannelError
from channels.links import providers, tokens
from channels.models import Channel
from tests.cast import Cast
from tests.channels.authorised import authorise, draft, link
from tests.servers.openid import (
    ENTRA_CLIENT,
    ENTRA_SECRET,
    GMAIL_MODIFY,
    GMAIL_READONLY,
    GOOGLE_CLIENT,
    GOOGLE_SECRET,
    MAIL,
    OTHER_TENANT,
    PERSONAL_TENANT,
    TENANT,
    OpenIdProvider,
    sign_in,
)
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.provider, pytest.mark.dovecot, pytest.mark.slow, pytest.mark.guard, pytest.mark.django_db]
BOTH = pytest.mark.parametrize("auth", ["google", "entra"])
MOUNT = {"google": "google", "entra": TENANT}
JAN = "jan@acme.test"


@pytest.fixture(autouse=True)
def in_scope(cast: Cast) -> Iterator[None]:
    with administration_scope(cast.bakery.pk):
        yield


def refusal(channel: Channel, provider: OpenIdProvider, account: str = "", **walk: object) -> ChannelError:
    with pytest.raises(ChannelError) as refused:
        authorise(channel, provider, account, **walk)
    return refused.value


def authorise_query(channel: Channel) -> dict[str, str]:
    method, registration = providers.method_of(channel), providers.registration_of(channel)
    sent = method.authorise(registration, providers.account_of(channel), providers.redirect_uri(channel.auth))
    return dict(parse_qsl(urlsplit(sent.url).query))


def renew(channel: Channel, old: Tokens | None) -> Tokens:
    registration = providers.registration_of(channel)
    return providers.method_of(channel).renew(registration, providers.account_of(channel), old)


def test_google_is_asked_for_offline_mail_with_the_account_chosen(cast: Cast, at_provider: OpenIdProvider) -> None:
    asked = authorise_query(draft(cast.bakery, "google", JAN))
    fixed = {name: asked[name] for name in ("access_type", "prompt", "login_hint", "code_challenge_method", "scope")}
    assert fixed == {
        "access_type": "offline",
        "prompt": "consent",
        "login_hint": JAN,
        "code_challenge_method": "S256",
        "scope": f"openid email {MAIL}",
    }
    assert asked["redirect_uri"] == "http://localhost:8000/ChannelConnector/ProcessGmailIMAPAuthorizationResult"


@pytest.mark.parametrize(("protocol", "scope"), [("imap", "IMAP.AccessAsUser.All"), ("pop3", "POP.AccessAsUser.All")])
def test_entra_is_asked_for_the_protocols_scope_and_never_for_consent(
    cast: Cast, at_provider: OpenIdProvider, protocol: str, scope: str
) -> None:
    channel = draft(cast.bakery, "entra", "facturen@acme.test", protocol, signs_in_as=JAN)
    asked = authorise_query(channel)
    fixed = {name: asked[name] for name in ("prompt", "login_hint", "code_challenge_method", "response_mode", "scope")}
    assert fixed == {
        "prompt": "select_account",
        "login_hint": JAN,
        "code_challenge_method": "S256",
        "response_mode": "query",
        "scope": f"https://outlook.office.com/{scope} offline_access openid profile",
    }
    assert asked["redirect_uri"] == "http://localhost:8000/ChannelConnector/ProcessEntraIMAPAuthorizationResult"


@BOTH
def test_link_brings_tokens_that_can_be_renewed(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = draft(cast.bakery, auth, JAN)
    grant = authorise(channel, at_provider)
    second = renew(channel, grant.tokens)
    third = renew(channel, second)
    assert (grant.account, grant.granted, grant.link_seconds) == (JAN, "mail", None)
    assert len({grant.tokens.access_token, second.access_token, third.access_token}) == 3
    rotates = auth == "entra"
    assert (second.refresh_token != grant.tokens.refresh_token, third.refresh_token != second.refresh_token) == (
        rotates,
        rotates,
    )


def test_google_says_when_the_link_ends(cast: Cast, at_provider: OpenIdProvider) -> None:
    at_provider.link_seconds(604_799)
    assert authorise(draft(cast.bakery, "google", JAN), at_provider).link_seconds == 604_799


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [
        ((MAIL, GMAIL_READONLY), "mail"),
        ((GMAIL_MODIFY,), "gmail_modify"),
        ((GMAIL_READONLY,), "gmail_readonly"),
        ((GMAIL_MODIFY, GMAIL_READONLY), "gmail_modify"),
    ],
)
def test_google_grants_less_than_was_asked(
    cast: Cast, at_provider: OpenIdProvider, scopes: tuple[str, ...], granted: str
) -> None:
    at_provider.scopes("openid", "email", *scopes)
    assert authorise(draft(cast.bakery, "google", JAN), at_provider).granted == granted


def test_tick_that_was_taken_away_is_a_missing_scope_and_revoked(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = draft(cast.bakery, "google", JAN)
    at_provider.scopes("openid", "email", MAIL, GMAIL_READONLY)
    assert refusal(channel, at_provider, without=(MAIL, GMAIL_READONLY)).code == "scope_missing"
    assert at_provider.requests_to("google", "revoke") == 1


def test_missing_permission_of_entra_is_told(cast: Cast, at_provider: OpenIdProvider) -> None:
    imap = "https://outlook.office.com/IMAP.AccessAsUser.All"
    at_provider.scopes("openid", "profile", "offline_access", imap, imap.replace("IMAP", "POP"))
    assert refusal(draft(cast.bakery, "entra", JAN), at_provider, without=(imap,)).code == "permission_missing"


@BOTH
def test_wrong_account_is_refused_by_name(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    error = refusal(draft(cast.bakery, auth, JAN), at_provider, "piet@acme.test")
    code = {"google": "wrong_account", "entra": "wrong_entra_account"}[auth]
    assert (error.code, error.detail["account"], error.detail["expected"]) == (code, "piet@acme.test", JAN)
    # Microsoft has no address for it.
    assert at_provider.requests_to("google", "revoke") == (1 if auth == "google" else 0)


def test_wrong_account_that_another_channel_lives_on_is_not_revoked(cast: Cast, at_provider: OpenIdProvider) -> None:
    draft(cast.bakery, "google", "Piet@acme.test", granted="mail")
    refusal(draft(cast.bakery, "google", JAN), at_provider, "piet@acme.test")
    assert at_provider.requests_to("google", "revoke") == 0


def test_linking_anew_in_vain_leaves_the_link_that_works(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = link(cast.bakery, at_provider, "google", JAN)
    at_provider.scopes("openid", "email", MAIL)
    assert refusal(channel, at_provider, without=(MAIL,)).code == "scope_missing"
    at_provider.reset()
    assert tokens.current(channel, fresh=True).access_token


@pytest.mark.parametrize(
    ("typed", "signed_in"), [("JAN@Acme.test ", JAN), ("jan.de.vries@gmail.com", "JandeVries@googlemail.com")]
)
def test_same_account_may_be_written_otherwise(
    cast: Cast, at_provider: OpenIdProvider, typed: str, signed_in: str
) -> None:
    channel = draft(cast.bakery, "google", typed)
    assert authorise(channel, at_provider, signed_in).account == signed_in


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"tid": OTHER_TENANT}, "account_of_other_organisation"),
        ({"tid": PERSONAL_TENANT}, "personal_account"),
        ({"preferred_username": "x"}, "wrong_entra_account"),
        ({"preferred_username": "<b>jan</b>@acme.test"}, "wrong_entra_account"),
    ],
)
def test_entras_claims_are_checked(cast: Cast, at_provider: OpenIdProvider, claims: dict[str, str], code: str) -> None:
    at_provider.claims(**claims)
    error = refusal(draft(cast.bakery, "entra", JAN), at_provider)
    assert (error.code, error.detail.get("account", "")) == (code, "")


def test_unverified_address_at_google_proves_nothing(cast: Cast, at_provider: OpenIdProvider) -> None:
    at_provider.claims(email_verified="no")
    assert refusal(draft(cast.bakery, "google", JAN), at_provider).code == "identity_unproven"


@BOTH
def test_nonce_of_another_sign_in_is_refused(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = draft(cast.bakery, auth, JAN)
    method, registration = providers.method_of(channel), providers.registration_of(channel)
    wanted, back = providers.account_of(channel), providers.redirect_uri(auth)
    sent = method.authorise(registration, wanted, back)
    answer = dict(parse_qsl(urlsplit(sign_in(sent.url, JAN, at_provider.ca_file)).query))
    with pytest.raises(ChannelError) as refused:
        method.exchange(registration, wanted, back, {**sent.flow, "nonce": "another"}, answer)
    assert (refused.value.code, str(refused.value.__cause__)) == ("identity_unproven", "None")


@BOTH
def test_code_is_good_once_and_only_with_its_verifier(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = draft(cast.bakery, auth, JAN)
    method, registration = providers.method_of(channel), providers.registration_of(channel)
    wanted, back = providers.account_of(channel), providers.redirect_uri(auth)
    codes = []
    for verifier in ("x" * 43, None):
        sent = method.authorise(registration, wanted, back)
        answer = dict(parse_qsl(urlsplit(sign_in(sent.url, JAN, at_provider.ca_file)).query))
        flow = {**sent.flow, **({"code_verifier": verifier} if verifier else {})}
        for _ in range(2):
            try:
                method.exchange(registration, wanted, back, flow, answer)
                codes.append("linked")
            except ChannelError as error:
                codes.append(error.code)
    assert codes == ["sign_in_used", "sign_in_used", "linked", "sign_in_used"]


@BOTH
def test_cancelling_is_consent_refused(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    assert refusal(draft(cast.bakery, auth, JAN), at_provider, cancel=True).code == "consent_refused"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"error": "access_denied", "error_description": "AADSTS90094: admin only"}, "consent_needed"),
        ({"error": "invalid_resource", "error_description": "AADSTS650057: no such"}, "permission_missing"),
        ({"error": "server_error", "error_description": "AADSTS90006"}, "provider_unavailable"),
        ({"error": "<script>"}, "provider_refused"),
        ({}, "provider_refused"),
    ],
)
def test_refusal_in_the_redirect_is_understood(
    cast: Cast, at_provider: OpenIdProvider, query: dict[str, str], code: str
) -> None:
    at_provider.redirect(**query)
    assert refusal(draft(cast.bakery, "entra", JAN), at_provider).code == code


@BOTH
@pytest.mark.parametrize(
    ("told", "code", "retry_after"),
    [
        ({"status": 503, "body": {"error": "temporarily_unavailable"}}, "provider_unavailable", None),
        ({"status": 500}, "provider_unavailable", None),
        ({"status": 302, "headers": {"location": "https://evil.test/"}}, "provider_unavailable", None),
        ({"status": 429, "headers": {"retry-after": "120"}}, "provider_busy", 120),
        ({"status": 429, "headers": {"retry-after": "soon"}}, "provider_busy", None),
        ({"drop": True}, "provider_unavailable", None),
        ({"cut": True}, "provider_unavailable", None),
    ],
)
def test_hiccup_of_a_provider_is_for_later_and_no_strike(
    cast: Cast, at_provider: OpenIdProvider, auth: str, told: dict[str, object], code: str, retry_after: int | None
) -> None:
    channel = draft(cast.bakery, auth, JAN)
    at_provider.answer(MOUNT[auth], **told)  # type: ignore[arg-type]
    with pytest.raises(ChannelError) as refused:
        renew(channel, Tokens("a", 0, "r"))
    error = refused.value
    assert (error.code, error.strikes, getattr(error, "retry_after", None)) == (code, False, retry_after)


@BOTH
def test_certificate_that_nobody_vouches_for_is_not_believed(
    cast: Cast, at_provider: OpenIdProvider, auth: str
) -> None:
    asked = at_provider.requests_to(MOUNT[auth])
    with override_settings(OUTBOUND_CA_FILE=""), pytest.raises(ChannelError) as refused:
        renew(draft(cast.bakery, auth, JAN), Tokens("a", 0, "r"))
    assert (refused.value.code, at_provider.requests_to(MOUNT[auth]) - asked) == ("provider_unavailable", 0)


@BOTH
def test_answer_that_is_no_json_is_for_later(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    at_provider.answer(MOUNT[auth], "<h1>oops</h1>", status=400)  # type: ignore[arg-type]
    with pytest.raises(ChannelError) as refused:
        renew(draft(cast.bakery, auth, JAN), Tokens("a", 0, "r"))
    assert (refused.value.code, refused.value.strikes) == ("provider_unavailable", False)


@BOTH
@pytest.mark.parametrize("body", [{}, {"token_type": "Bearer"}, ["oops"]])
def test_answer_without_a_token_is_for_later(
    cast: Cast, at_provider: OpenIdProvider, auth: str, body: dict[str, str]
) -> None:
    at_provider.answer(MOUNT[auth], body, status=200)  # type: ignore[arg-type]
    with pytest.raises(ChannelError) as refused:
        renew(draft(cast.bakery, auth, JAN), Tokens("a", 0, "r"))
    assert (refused.value.code, refused.value.strikes) == ("provider_unavailable", False)


@BOTH
def test_withdrawn_link_is_a_strike(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = draft(cast.bakery, auth, JAN)
    grant = authorise(channel, at_provider)
    at_provider.forget(JAN)
    with pytest.raises(ChannelError) as refused:
        renew(channel, grant.tokens)
    assert (refused.value.code, refused.value.strikes) == ("link_revoked", True)


def test_secret_that_expired_is_told_apart_from_a_wrong_one(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = draft(cast.bakery, "entra", JAN)
    body = {"error": "invalid_client", "error_description": "AADSTS7000222: The provided keys ...",
            "error_codes": [7000222]}  # fmt: skip
    at_provider.answer(TENANT, body, status=401)
    with pytest.raises(ChannelError) as refused:
        renew(channel, Tokens("a", 0, "r"))
    assert (refused.value.code, refused.value.strikes) == ("client_secret_expired", True)


@pytest.mark.parametrize(
    ("app_only", "number", "codes", "code"),
    [
        (False, 50034, [50034], "account_gone"),
        (False, 50034, "50034", "account_gone"),  # not a list: the number stands in the text too
        (True, 65001, [65001], "app_permission_missing"),
        (True, 7000229, [7000229], "app_not_in_tenant"),
    ],
)
def test_same_number_means_something_else_at_renewal_and_for_an_app(
    cast: Cast, at_provider: OpenIdProvider, app_only: bool, number: int, codes: object, code: str
) -> None:
    body = {"error": "invalid_grant", "error_description": f"AADSTS{number}: ...", "error_codes": codes}
    at_provider.answer(TENANT, body)
    with pytest.raises(ChannelError) as refused:
        renew(draft(cast.bakery, "entra", JAN, app_only=app_only), None if app_only else Tokens("a", 0, "r"))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("auth", "secret", "code"),
    [
        ("google", "wrong", "registration_refused"),
        ("entra", "wrong", "registration_refused"),
        ("entra", "0f8fad5b-d9cb-469f-a165-70867728950e", "client_secret_is_id"),
    ],
)
def test_wrong_secret_is_told_at_the_callback(
    cast: Cast, at_provider: OpenIdProvider, auth: str, secret: str, code: str
) -> None:
    assert refusal(draft(cast.bakery, auth, JAN, client_secret=secret), at_provider).code == code


def test_app_signs_in_by_itself(cast: Cast, at_provider: OpenIdProvider) -> None:
    renewed = renew(draft(cast.bakery, "entra", JAN, app_only=True), None)
    assert (bool(renewed.access_token), renewed.refresh_token) == (True, "")


@pytest.mark.parametrize("tenant", ["33333333-2222-4333-8444-555555555555", "acme.onmicrosoft.com"])
def test_unknown_tenant_is_told_before_anybody_leaves(cast: Cast, at_provider: OpenIdProvider, tenant: str) -> None:
    channel = draft(cast.bakery, "entra", JAN, tenant_id=tenant)
    with pytest.raises(ChannelError) as refused:
        authorise_query(channel)
    assert refused.value.code == "tenant_unknown"


@pytest.mark.parametrize(
    "tenant", ["../google", "common", "organizations", "a/b.nl", "acme.nl/oauth2", "acme.nl?x", "-acme.nl", "a" * 300]
)
def test_tenant_that_is_none_never_becomes_part_of_an_address(tenant: str) -> None:
    with pytest.raises(ChannelError) as refused:
        clean_tenant(tenant)
    assert refused.value.code == "tenant_unknown"


@pytest.mark.parametrize(
    ("tenant", "cleaned"),
    [(f" {TENANT.upper()} ", TENANT), ("Acme.onmicrosoft.com", "acme.onmicrosoft.com"), ("", "organizations")],
)
def test_tenant_is_a_guid_or_a_domain(tenant: str, cleaned: str) -> None:
    assert clean_tenant(tenant) == cleaned


def test_tenant_of_personal_accounts_is_refused() -> None:
    with pytest.raises(ChannelError) as refused:
        clean_tenant(PERSONAL_TENANT)
    assert refused.value.code == "personal_account"


def test_portals_own_registration_is_used_when_the_channel_has_none(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = draft(cast.bakery, "google", JAN, client_id="", client_secret="")
    with pytest.raises(ChannelError) as refused:
        providers.registration_of(channel)
    assert refused.value.code == "client_secret_missing"
    with override_settings(GOOGLE_CLIENT_ID=GOOGLE_CLIENT, GOOGLE_CLIENT_SECRET=GOOGLE_SECRET):
        assert authorise(channel, at_provider).granted == "mail"


def test_portals_own_registration_takes_accounts_of_any_organisation(cast: Cast, at_provider: OpenIdProvider) -> None:
    channel = draft(cast.bakery, "entra", JAN, client_id="", client_secret="", tenant_id="")
    at_provider.claims(tid=OTHER_TENANT)
    with override_settings(ENTRA_CLIENT_ID=ENTRA_CLIENT, ENTRA_CLIENT_SECRET=ENTRA_SECRET):
        assert authorise(channel, at_provider).account == JAN
        at_provider.claims(tid=PERSONAL_TENANT)
        assert refusal(channel, at_provider).code == "personal_account"


@BOTH
def test_revoking_ends_the_link_where_the_provider_can(cast: Cast, at_provider: OpenIdProvider, auth: str) -> None:
    channel = draft(cast.bakery, auth, JAN)
    grant, method = authorise(channel, at_provider), providers.method_of(channel)
    for _ in range(2):  # what was revoked before is no error
        method.revoke(providers.registration_of(channel), grant.tokens)
    if auth == "google":
        with pytest.raises(ChannelError):
            renew(channel, grant.tokens)
    else:
        assert renew(channel, grant.tokens).access_token
