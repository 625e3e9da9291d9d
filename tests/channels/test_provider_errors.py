"""Every refusal of Google and Microsoft that we know: its code, its class, and whether it is one of five."""

from __future__ import annotations

import pytest

from channels.auth.provider_errors import AADSTS, entra_error, google_error
from channels.errors import ChannelError, ConfigurationProblem, CredentialProblem, OurProblem, Throttled

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"

#: AADSTS number, the OAuth word it comes with, our code, its class
MICROSOFT = [
    (7000215, "invalid_client", "client_secret_wrong", ConfigurationProblem),
    (70002, "invalid_client", "client_secret_wrong", ConfigurationProblem),
    (7000222, "invalid_client", "client_secret_expired", ConfigurationProblem),
    (7000218, "invalid_client", "client_not_web", ConfigurationProblem),
    (700025, "invalid_client", "client_not_web", ConfigurationProblem),
    (700016, "unauthorized_client", "client_unknown", ConfigurationProblem),
    (700011, "unauthorized_client", "client_unknown", ConfigurationProblem),
    (7000112, "unauthorized_client", "client_disabled", ConfigurationProblem),
    (70001, "unauthorized_client", "client_disabled", ConfigurationProblem),
    (1000031, "unauthorized_client", "client_disabled", ConfigurationProblem),
    (700084, "invalid_grant", "client_is_spa", ConfigurationProblem),
    (9002327, "invalid_request", "client_is_spa", ConfigurationProblem),
    (700027, "invalid_client", "client_certificate_wrong", ConfigurationProblem),
    (700030, "invalid_client", "client_certificate_wrong", ConfigurationProblem),
    (50012, "invalid_client", "client_certificate_wrong", ConfigurationProblem),
    (700024, "invalid_client", "clock_wrong", OurProblem),
    (90002, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (90019, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (50059, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (900023, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (50128, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (90038, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (900382, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (50011, "invalid_request", "redirect_unknown", ConfigurationProblem),
    (900971, "invalid_request", "redirect_unknown", ConfigurationProblem),
    (500113, "invalid_request", "redirect_unknown", ConfigurationProblem),
    (70004, "invalid_request", "redirect_unknown", ConfigurationProblem),
    (50020, "invalid_grant", "account_of_other_organisation", CredentialProblem),
    (50034, "invalid_grant", "account_of_other_organisation", CredentialProblem),
    (51004, "invalid_grant", "account_of_other_organisation", CredentialProblem),
    (90072, "invalid_grant", "account_of_other_organisation", CredentialProblem),
    (16000, "interaction_required", "account_of_other_organisation", CredentialProblem),
    (50105, "invalid_grant", "user_not_assigned", ConfigurationProblem),
    (65001, "invalid_grant", "consent_needed", CredentialProblem),
    (90094, "access_denied", "consent_needed", CredentialProblem),
    (90095, "access_denied", "consent_needed", CredentialProblem),
    (65004, "access_denied", "consent_refused", CredentialProblem),
    (650052, "invalid_client", "exchange_missing", ConfigurationProblem),
    (650054, "invalid_client", "exchange_missing", ConfigurationProblem),
    (500011, "invalid_resource", "exchange_missing", ConfigurationProblem),
    (50001, "invalid_resource", "exchange_missing", ConfigurationProblem),
    (650056, "invalid_client", "permission_missing", ConfigurationProblem),
    (650057, "invalid_resource", "permission_missing", ConfigurationProblem),
    (65006, "invalid_client", "permission_missing", ConfigurationProblem),
    (7000229, "invalid_client", "app_not_in_tenant", ConfigurationProblem),
    (501051, "invalid_grant", "app_permission_missing", ConfigurationProblem),
    (65005, "invalid_client", "permission_missing", ConfigurationProblem),
    (70011, "invalid_scope", "permission_missing", ConfigurationProblem),
    (50076, "interaction_required", "sign_in_again", CredentialProblem),
    (50074, "interaction_required", "sign_in_again", CredentialProblem),
    (50079, "invalid_grant", "sign_in_again", CredentialProblem),
    (50078, "invalid_grant", "sign_in_again", CredentialProblem),
    (50158, "interaction_required", "sign_in_again", CredentialProblem),
    (50072, "interaction_required", "sign_in_again", CredentialProblem),
    (50085, "invalid_grant", "sign_in_again", CredentialProblem),
    (700020, "interaction_required", "sign_in_again", CredentialProblem),
    (53003, "access_denied", "blocked_by_administrator", CredentialProblem),
    (50131, "interaction_required", "blocked_by_administrator", CredentialProblem),
    (50002, "access_denied", "blocked_by_administrator", CredentialProblem),
    (500021, "access_denied", "blocked_by_administrator", CredentialProblem),
    (500212, "access_denied", "blocked_by_administrator", CredentialProblem),
    (500213, "access_denied", "blocked_by_administrator", CredentialProblem),
    (53000, "interaction_required", "device_not_allowed", CredentialProblem),
    (53001, "interaction_required", "device_not_allowed", CredentialProblem),
    (530002, "interaction_required", "device_not_allowed", CredentialProblem),
    (530003, "interaction_required", "device_not_allowed", CredentialProblem),
    (50097, "interaction_required", "device_not_allowed", CredentialProblem),
    (50129, "interaction_required", "device_not_allowed", CredentialProblem),
    (50155, "interaction_required", "device_not_allowed", CredentialProblem),
    (50187, "interaction_required", "device_not_allowed", CredentialProblem),
    (50127, "interaction_required", "device_not_allowed", CredentialProblem),
    (53011, "interaction_required", "account_at_risk", CredentialProblem),
    (53004, "interaction_required", "account_at_risk", CredentialProblem),
    (530034, "access_denied", "account_at_risk", CredentialProblem),
    (80012, "invalid_grant", "sign_in_hours", Throttled),
    (53002, "interaction_required", "blocked_by_administrator", CredentialProblem),
    (530032, "invalid_grant", "blocked_by_administrator", CredentialProblem),
    (530035, "invalid_grant", "blocked_by_administrator", CredentialProblem),
    (50005, "invalid_grant", "blocked_by_administrator", CredentialProblem),
    (50053, "invalid_grant", "account_blocked", CredentialProblem),
    (50126, "invalid_grant", "account_blocked", CredentialProblem),
    (50057, "invalid_grant", "account_disabled", CredentialProblem),
    (50055, "invalid_grant", "account_password_expired", CredentialProblem),
    (50144, "invalid_grant", "account_password_expired", CredentialProblem),
    (50135, "interaction_required", "account_password_expired", CredentialProblem),
    (500341, "invalid_grant", "account_gone", CredentialProblem),
    (50173, "invalid_grant", "link_revoked", CredentialProblem),
    (700082, "invalid_grant", "link_revoked", CredentialProblem),
    (70008, "invalid_grant", "link_revoked", CredentialProblem),
    (70043, "invalid_grant", "sign_in_frequency", CredentialProblem),
    (50089, "invalid_grant", "link_revoked", CredentialProblem),
    (50132, "invalid_grant", "link_revoked", CredentialProblem),
    (50133, "invalid_grant", "link_revoked", CredentialProblem),
    (54005, "invalid_grant", "sign_in_used", CredentialProblem),
    (501481, "invalid_grant", "sign_in_broken", OurProblem),
    (700005, "invalid_grant", "sign_in_broken", OurProblem),
    (9002313, "invalid_request", "sign_in_broken", OurProblem),
    (900144, "invalid_request", "sign_in_broken", OurProblem),
    (50194, "invalid_request", "sign_in_broken", OurProblem),
    (700022, "invalid_grant", "sign_in_broken", OurProblem),
    (28002, "invalid_scope", "sign_in_broken", OurProblem),
    (90055, "invalid_request", "provider_unavailable", Throttled),
    (90006, "invalid_request", "provider_unavailable", Throttled),
    (90024, "invalid_request", "provider_unavailable", Throttled),
    (90012, "invalid_request", "provider_unavailable", Throttled),
    (90025, "invalid_request", "provider_unavailable", Throttled),
    (90033, "invalid_request", "provider_unavailable", Throttled),
    (50196, "invalid_grant", "provider_unavailable", Throttled),
    (50033, "invalid_request", "provider_unavailable", Throttled),
    (50087, "interaction_required", "provider_unavailable", Throttled),
    (90090, "invalid_request", "provider_unavailable", Throttled),
    # of Microsoft's own list, and of public threads (5000225: azure-cli 32031, 700003: adal4j 294)
    (50000, "invalid_grant", "provider_unavailable", Throttled),
    (50088, "interaction_required", "provider_unavailable", Throttled),
    (50166, "invalid_request", "provider_unavailable", Throttled),
    (40010, "invalid_request", "provider_unavailable", Throttled),
    (70012, "invalid_request", "provider_unavailable", Throttled),
    (90036, "invalid_request", "provider_unavailable", Throttled),
    (90091, "invalid_request", "provider_unavailable", Throttled),
    (65002, "invalid_request", "registration_refused", ConfigurationProblem),
    (9002331, "unauthorized_client", "registration_refused", ConfigurationProblem),
    (90010, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (90051, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (90124, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (90130, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (900432, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (9001023, "invalid_request", "tenant_unknown", ConfigurationProblem),
    (16003, "interaction_required", "account_of_other_organisation", CredentialProblem),
    (50014, "invalid_grant", "account_of_other_organisation", CredentialProblem),
    (500208, "invalid_request", "account_of_other_organisation", CredentialProblem),
    (90099, "invalid_grant", "app_not_in_tenant", ConfigurationProblem),
    (500014, "invalid_resource", "exchange_missing", ConfigurationProblem),
    (5000224, "invalid_grant", "exchange_missing", ConfigurationProblem),
    (5000225, "interaction_required", "exchange_missing", ConfigurationProblem),
    (500121, "invalid_grant", "sign_in_again", CredentialProblem),
    (50125, "interaction_required", "sign_in_again", CredentialProblem),
    (50197, "invalid_request", "sign_in_again", CredentialProblem),
    (51006, "invalid_request", "sign_in_again", CredentialProblem),
    (9002341, "invalid_grant", "sign_in_again", CredentialProblem),
    (700003, "invalid_grant", "sign_in_again", CredentialProblem),
    (130007, "invalid_grant", "sign_in_again", CredentialProblem),
    (135010, "invalid_request", "sign_in_again", CredentialProblem),
    (135011, "interaction_required", "sign_in_again", CredentialProblem),
    (500022, "access_denied", "blocked_by_administrator", CredentialProblem),
    (53005, "unauthorized_client", "blocked_by_administrator", CredentialProblem),
    (53009, "unauthorized_client", "blocked_by_administrator", CredentialProblem),
    (53010, "interaction_required", "blocked_by_administrator", CredentialProblem),
    (90123, "access_denied", "blocked_by_administrator", CredentialProblem),
]
#: error word, description or subtype, our code, its class
GOOGLE = [
    ("invalid_grant", "Token has been expired or revoked.", "link_revoked", CredentialProblem),
    ("invalid_grant", "invalid_rapt reauth related error (invalid_rapt)", "sign_in_again", CredentialProblem),
    ("invalid_grant", "Account has been deleted", "account_gone", CredentialProblem),
    ("invalid_grant", "Account restricted", "account_restricted", CredentialProblem),
    ("invalid_request", "Account Restricted", "account_restricted", CredentialProblem),
    ("invalid_client", "The OAuth client was deleted.", "client_deleted", ConfigurationProblem),
    ("invalid_client", "The OAuth client was disabled.", "client_disabled", ConfigurationProblem),
    ("invalid_client", "The OAuth client was not found.", "client_unknown", ConfigurationProblem),
    ("invalid_client", "Unauthorized", "client_secret_wrong", ConfigurationProblem),
    ("invalid_client", "The provided client secret is invalid.", "client_secret_wrong", ConfigurationProblem),
    ("invalid_client", "", "registration_refused", ConfigurationProblem),
    ("unauthorized_client", "Unauthorized", "client_secret_wrong", ConfigurationProblem),
    ("deleted_client", "", "client_deleted", ConfigurationProblem),
    ("disabled_client", "", "client_disabled", ConfigurationProblem),
    ("redirect_uri_mismatch", "", "redirect_unknown", ConfigurationProblem),
    ("invalid_scope", "", "permission_missing", ConfigurationProblem),
    ("access_denied", "", "consent_refused", CredentialProblem),
    ("admin_policy_enforced", "", "blocked_by_administrator", CredentialProblem),
    # https://support.google.com/accounts/answer/16668185; Advanced Protection (twenty 25148, home-assistant.io 43274)
    ("access_not_configured", "", "blocked_by_administrator", CredentialProblem),
    ("policy_enforced", "", "account_restricted", CredentialProblem),
    ("restricted_client", "", "registration_refused", ConfigurationProblem),
    ("invalid_grant", "rapt_required", "sign_in_again", CredentialProblem),
    ("invalid_grant", "Account has been disabled", "account_disabled", CredentialProblem),
    ("invalid_grant", "Bad Request", "link_revoked", CredentialProblem),
    ("org_internal", "", "account_of_other_organisation", CredentialProblem),
    ("invalid_request", "", "sign_in_broken", OurProblem),
    ("internal_failure", "", "provider_unavailable", Throttled),
    ("temporarily_unavailable", "", "provider_unavailable", Throttled),
    ("rate_limit_exceeded", "", "provider_busy", Throttled),
    ("moon_eclipse", "", "provider_refused", ConfigurationProblem),
    ("", "", "provider_refused", ConfigurationProblem),
]


def about(error: ChannelError) -> tuple[str, type[ChannelError], bool]:
    return error.code, type(error), error.strikes


@pytest.mark.parametrize(("number", "word", "code", "kind"), MICROSOFT)
def test_microsofts_error_has_code_class_and_strike(
    number: int, word: str, code: str, kind: type[ChannelError]
) -> None:
    strikes = kind in (ConfigurationProblem, CredentialProblem)
    by_list = entra_error(word, "AADSTS0: something", [number])
    by_text = entra_error(word, f"AADSTS{number}: The account jan@acme.test ... Trace ID: 8f2")
    assert (about(by_list), about(by_text)) == ((code, kind, strikes), (code, kind, strikes))
    assert by_text.detail == {"provider": "Microsoft", "reason": f"AADSTS{number}"}


def test_table_holds_every_number_we_know() -> None:
    assert {number for number, *_ in MICROSOFT} == set(AADSTS)


@pytest.mark.parametrize(("word", "description", "code", "kind"), GOOGLE)
def test_googles_error_has_code_class_and_strike(
    word: str, description: str, code: str, kind: type[ChannelError]
) -> None:
    strikes = kind in (ConfigurationProblem, CredentialProblem)
    assert about(google_error(word, description)) == (code, kind, strikes)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("invalid_grant", "link_revoked"),
        ("interaction_required", "sign_in_again"),
        ("invalid_client", "registration_refused"),
        ("consent_required", "consent_needed"),
        ("invalid_tenant", "tenant_unknown"),
        ("server_error", "provider_unavailable"),
        ("moon_eclipse", "provider_refused"),
    ],
)
def test_unknown_number_leaves_the_word_to_decide_and_is_told(word: str, code: str) -> None:
    error = entra_error(word, "AADSTS999999: new", [999999])
    assert (error.code, error.detail["reason"]) == (code, "AADSTS999999")


@pytest.mark.parametrize(
    ("suberror", "code"),
    [
        ("consent_required", "consent_needed"),
        ("user_password_expired", "account_password_expired"),
        ("additional_action", "sign_in_again"),
        ("device_authentication_failed", "sign_in_again"),
        ("message_only", "blocked_by_administrator"),
        ("bad_token", "link_revoked"),
        ("moon_eclipse", "link_revoked"),
    ],
)
def test_unknown_number_leaves_the_suberror_to_decide_before_the_word(suberror: str, code: str) -> None:
    assert entra_error("invalid_grant", "AADSTS999999: new", [999999], suberror=suberror).code == code
    assert entra_error("invalid_grant", "", [50055], suberror=suberror).code == "account_password_expired"


def test_number_that_says_more_than_its_word_decides_and_is_told() -> None:
    """As msal for Android has it in its tests."""
    error = entra_error("invalid_grant", "AADSTS53005: Application needs to enforce Intune protection", [70000])
    assert (error.code, error.detail["reason"]) == ("blocked_by_administrator", "AADSTS53005")
    alone = entra_error("invalid_grant", "AADSTS70000: The refresh token isn't valid.", [70000])
    assert (alone.code, alone.detail["reason"]) == ("link_revoked", "AADSTS70000")


@pytest.mark.parametrize("number", [50034, 51004, 50020, 50014, 90072, 16000, 16003])
def test_account_that_signed_in_before_and_is_not_found_at_renewal_is_gone(number: int) -> None:
    linking, renewal = (entra_error("invalid_grant", "", [number], renews=renews) for renews in (False, True))
    assert (linking.code, renewal.code) == ("account_of_other_organisation", "account_gone")


@pytest.mark.parametrize(
    ("number", "word", "code"),
    [
        (65001, "invalid_grant", "app_permission_missing"),
        (65006, "invalid_client", "app_permission_missing"),
        (50105, "invalid_grant", "app_permission_missing"),
        (999999, "invalid_grant", "provider_refused"),
        (53003, "invalid_grant", "blocked_by_administrator"),
        (7000222, "invalid_client", "client_secret_expired"),
    ],
)
def test_app_that_signs_in_by_itself_has_no_link_and_asks_nobody(number: int, word: str, code: str) -> None:
    assert entra_error(word, "", [number], app_only=True).code == code


@pytest.mark.parametrize(
    ("number", "code"), [(7000215, "client_certificate_wrong"), (7000222, "client_certificate_expired")]
)
def test_certificate_is_not_called_a_secret(number: int, code: str) -> None:
    assert entra_error("invalid_client", "", [number], certificate=True).code == code


@pytest.mark.parametrize("number", [7000215, 700082, 50011])
def test_word_that_means_later_is_later_whatever_the_number(number: int) -> None:
    assert entra_error("temporarily_unavailable", "", [number]).code == "provider_unavailable"


@pytest.mark.parametrize(
    ("secret", "numbers", "code"),
    [
        (GUID, [7000215], "client_secret_is_id"),
        (f" {GUID.upper()} ", [7000215], "client_secret_is_id"),
        (GUID, [], "client_secret_is_id"),
        (GUID, [7000222], "client_secret_expired"),
        (GUID, [700016], "client_unknown"),
        ("abc8Q~geheim", [7000215], "client_secret_wrong"),
    ],
)
def test_pasted_secret_id_is_recognised(secret: str, numbers: list[int], code: str) -> None:
    assert entra_error("invalid_client", "", numbers, secret=secret).code == code


@pytest.mark.parametrize(
    "word", ["<script>alert(1)</script>", "invalid grant", "x" * 80, "eyJhbGciOiJSUzI1NiJ9.e30.x", "GEHEIM"]
)
def test_text_of_a_provider_goes_no_further(word: str) -> None:
    for error in (entra_error(word, "AADSTS: secret text"), google_error(word, "secret text")):
        assert (error.detail["reason"], "secret" in str(error)) == ("", False)
