"""Who signed in: the claims of an id_token, checked by ourselves, since neither library does.

It came over TLS from the provider's own token address, which stands in for its signature (OpenID Connect Core
3.1.3.7, item 6). What it claims is never logged or passed on, except one address that looks like one.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Collection, Mapping
from typing import Any, Final

from channels.auth import clocks
from channels.errors import CredentialProblem

_ADDRESS: Final = re.compile(r"[^\s@<>\"\x00-\x1f\x7f]{1,64}@[^\s@<>\"\x00-\x1f\x7f]{1,253}")
#: beyond any that a certificate or a calendar has
_LAST_MOMENT: Final = 1e11
_GOOGLE_MAIL: Final = ("gmail.com", "googlemail.com")


def claims_of(id_token: object) -> dict[str, Any]:
    """Not yet checked. {} when it is no id_token."""
    try:
        payload = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def check(
    claims: Mapping[str, Any],
    *,
    issuers: Collection[str],
    audience: str,
    nonce: str,
    provider: str,
    ahead: float | None,
) -> None:
    """Raises ChannelError unless these claims are meant for us and this very sign-in, now.

    `ahead`: seconds that the provider's clock was ahead of ours when it told them.
    """
    meant = (
        isinstance(claims.get("sub"), str)
        and bool(claims["sub"])
        and claims.get("iss") in issuers
        and audience in _listed(claims.get("aud"))
        and _is_moment(claims.get("exp"))
        and bool(nonce)
        and claims.get("nonce") == nonce
    )
    if not meant:
        raise CredentialProblem("identity_unproven", provider=provider)
    now = time.time()
    begins = [claims[name] for name in ("iat", "nbf") if _is_moment(claims.get(name))]
    if claims["exp"] <= now - clocks.SKEW or any(moment > now + clocks.SKEW for moment in begins):
        raise clocks.blamed(ahead, provider)


def check_account(signed_in: object, expected: str, provider: str, refusal: str = "wrong_account") -> str:
    """The address that signed in, when it is the expected one; otherwise the error `refusal` names both."""
    account = signed_in if isinstance(signed_in, str) and _ADDRESS.fullmatch(signed_in) else ""
    if not account or not same_account(account, expected):
        raise CredentialProblem(refusal, account=account, expected=expected, provider=provider)
    return account


def same_account(one: str, other: str) -> bool:
    """However it is written: Google knows its own addresses with and without dots, under either name."""
    return _plain(one) == _plain(other)


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < _LAST_MOMENT


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]


def _plain(address: str) -> str:
    local, _, domain = address.strip().casefold().rpartition("@")
    if domain in _GOOGLE_MAIL:
        return f"{local.replace('.', '')}@{_GOOGLE_MAIL[0]}"
    return f"{local}@{domain}"
