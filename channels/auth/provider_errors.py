"""What Google and Microsoft mean when they refuse.

The OAuth error word decides first, as Microsoft asks: one that means "later" is later, whatever stands beside it.
Then the provider's own code chooses the sentence. The provider's text itself is never passed on.
https://learn.microsoft.com/entra/identity-platform/reference-error-codes, RFC 6749 4.1.2.1 and 5.2
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from channels.errors import ChannelError, channel_error

GOOGLE: Final = "Google"
MICROSOFT: Final = "Microsoft"

_LATER: Final = {
    "temporarily_unavailable": "provider_unavailable",
    "server_error": "provider_unavailable",
    "internal_failure": "provider_unavailable",
    "slow_down": "provider_busy",
    "rate_limit_exceeded": "provider_busy",
    "quota_exceeded": "provider_busy",
}
#: by the OAuth error word, where the provider's own code says nothing that we know
_BY_WORD: Final = {
    "invalid_grant": "link_revoked",
    "interaction_required": "sign_in_again",
    "login_required": "sign_in_again",
    "account_selection_required": "sign_in_again",
    "consent_required": "consent_needed",
    "access_denied": "consent_refused",
    "invalid_client": "registration_refused",
    "unauthorized_client": "registration_refused",
    "deleted_client": "client_deleted",
    "disabled_client": "client_disabled",
    "invalid_scope": "permission_missing",
    "invalid_resource": "permission_missing",
    "invalid_tenant": "tenant_unknown",
    "redirect_uri_mismatch": "redirect_unknown",
    "admin_policy_enforced": "blocked_by_administrator",
    "access_not_configured": "blocked_by_administrator",  # Workspace for Education
    "policy_enforced": "account_restricted",  # by Advanced Protection
    "restricted_client": "registration_refused",
    "org_internal": "account_of_other_organisation",
    "disallowed_useragent": "sign_in_broken",
    "invalid_request": "sign_in_broken",
    "unsupported_grant_type": "sign_in_broken",
    "unsupported_response_type": "sign_in_broken",
}
#: Google's error_subtype and its few telling descriptions
_GOOGLE_DETAILS: Final = (
    (r"\b(invalid_)?rapt\b|rapt_required|reauth", "sign_in_again"),
    (r"account has been deleted", "account_gone"),
    (r"account (is|has been|was) (disabled|suspended)|user_disabled", "account_disabled"),
    (r"account restricted", "account_restricted"),
    (r"client was not found", "client_unknown"),
    (r"client was deleted", "client_deleted"),
    (r"client (is|was) disabled", "client_disabled"),
    (r"^unauthorized$|client secret is invalid|invalid client secret", "client_secret_wrong"),
)
_AADSTS_GROUPS: Final = {
    "client_secret_wrong": (7000215, 70002),
    "client_secret_expired": (7000222,),
    "client_certificate_wrong": (700027, 700030, 50012),
    "clock_wrong": (700024,),  # what we signed is not valid at Microsoft's time
    "client_not_web": (7000218, 700025),
    "client_is_spa": (700084, 9002327),
    "client_unknown": (700016, 700011),
    "client_disabled": (7000112, 70001, 1000031),
    "registration_refused": (65002, 9002331),  # an app of Microsoft's own, and one for personal accounts
    "tenant_unknown": (
        90002, 90019, 50059, 50128, 900023, 90038, 900382, 900432, 90051, 90010, 9001023, 90124, 90130,
    ),
    "redirect_unknown": (50011, 500113, 900971, 70004),
    "account_of_other_organisation": (50020, 50034, 51004, 90072, 16000, 16003, 50014, 500208),
    "account_gone": (500341,),
    "user_not_assigned": (50105,),
    "consent_needed": (65001, 90094, 90095),
    "consent_refused": (65004,),
    "permission_missing": (650056, 650057, 65005, 65006, 70011),
    "app_permission_missing": (501051,),
    "app_not_in_tenant": (7000229, 90099),
    # the last two: the whole directory is blocked
    "exchange_missing": (650052, 650054, 500011, 500014, 50001, 5000224, 5000225),
    # among them those of a device that somebody signed in at, and that is no more
    "sign_in_again": (
        50076, 50074, 50079, 50078, 50158, 50072, 50085, 700020, 500121, 50125, 50197, 51006, 9002341,
        700003, 130007, 135010, 135011,
    ),
    "blocked_by_administrator": (
        53003, 53002, 53005, 53009, 53010, 530032, 530035, 50005, 50131, 50002, 500021, 500022, 500212, 500213, 90123,
    ),
    "device_not_allowed": (53000, 53001, 530002, 530003, 50097, 50127, 50129, 50155, 50187),
    "account_at_risk": (53011, 53004, 530034),
    "account_blocked": (50053, 50126),
    "account_disabled": (50057,),
    "account_password_expired": (50055, 50144, 50135),
    "sign_in_frequency": (70043,),
    "sign_in_hours": (80012,),
    "link_revoked": (50173, 700082, 70008, 50089, 50132, 50133),
    "sign_in_used": (54005,),
    "sign_in_broken": (501481, 700005, 9002313, 900144, 50194, 700022, 28002),
    "provider_unavailable": (
        90055, 90006, 90024, 90025, 90033, 90036, 90012, 90090, 90091, 50196, 50033, 50087, 50088, 50000, 50166,
        40010, 70012,
    ),
}  # fmt: skip
#: 70000 is not among them: it says no more than its word, and stands beside a number that does
AADSTS: Final = {number: code for code, numbers in _AADSTS_GROUPS.items() for number in numbers}
#: An account that signed in before cannot be of another organisation now.
_AT_RENEWAL: Final = dict.fromkeys((50034, 51004, 50020, 50014, 90072, 16000, 16003), "account_gone")
#: what the client is to do (msal), where the number is one that we do not know
_BY_SUBERROR: Final = {
    "consent_required": "consent_needed",
    "user_password_expired": "account_password_expired",
    "basic_action": "sign_in_again",
    "additional_action": "sign_in_again",
    "device_authentication_failed": "sign_in_again",
    "message_only": "blocked_by_administrator",
    "protection_policy_required": "blocked_by_administrator",
}
#: Nobody signs in for an app that does so by itself: there is no link to end, and what it may is given to it.
_APP_ONLY: Final = {
    "permission_missing": "app_permission_missing",
    "consent_needed": "app_permission_missing",
    "user_not_assigned": "app_permission_missing",
    "link_revoked": "provider_refused",
    "sign_in_again": "blocked_by_administrator",
}
_CERTIFICATE: Final = {
    "client_secret_wrong": "client_certificate_wrong",
    "client_secret_expired": "client_certificate_expired",
}

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def entra_error(
    word: str,
    description: str = "",
    numbers: Iterable[int] = (),
    *,
    suberror: str = "",
    secret: str = "",
    certificate: bool = False,
    renews: bool = False,
    app_only: bool = False,
) -> ChannelError:
    """`numbers`: error_codes of a token answer, with its `suberror`; a redirect has its number in the description only.

    `secret`: the client secret that was sent, to tell its ID from its value; `certificate`: there was one instead.
    `renews`: somebody signed in before. `app_only`: nobody ever does.
    """
    found = [*numbers, *map(int, re.findall(r"AADSTS(\d{4,9})", description))]
    known = AADSTS | _AT_RENEWAL if renews else AADSTS
    told = next((number for number in found if number in known), next(iter(found), 0))
    code = _LATER.get(word) or known.get(told) or _BY_SUBERROR.get(suberror)
    if code in ("client_secret_wrong", None) and word == "invalid_client" and is_guid(secret):
        code = "client_secret_is_id"
    code = code or _BY_WORD.get(word) or "provider_refused"
    code = _CERTIFICATE.get(code, code) if certificate else code
    code = _APP_ONLY.get(code, code) if app_only else code
    return _error(code, MICROSOFT, f"AADSTS{told}" if told else _clean(word))


def google_error(word: str, description: str = "") -> ChannelError:
    """`description`: error_subtype and error_description, which choose the sentence and go no further."""
    told = next((code for sign, code in _GOOGLE_DETAILS if re.search(sign, description, re.IGNORECASE)), None)
    return _error(_LATER.get(word) or told or _BY_WORD.get(word), GOOGLE, _clean(word))


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text.strip()) is not None


def _error(code: str | None, provider: str, reason: str) -> ChannelError:
    return channel_error(code or "provider_refused", provider=provider, reason=reason)


def _clean(word: str) -> str:
    """An error word of RFC 6749 is short and plain; anything else might be anything."""
    return word if re.fullmatch(r"[a-z][a-z0-9_]{1,40}", word) else ""
