"""The forms that take a code of an app. Apart from the others: allauth's need their settings when they are imported."""

from __future__ import annotations

from typing import Any, Final

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import transaction

#: in Authenticator.data: the half minute whose code was taken last
LAST: Final = "last_counter"


class _CodeOnce:
    """A code counts for 90 seconds, and allauth remembers for 30 that it was used, as long as the cache does.

    So the app's row remembers it: no code is taken again, nor one before it (RFC 6238 5.2).
    """

    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP and not _use(self.authenticator.pk, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_CodeOnce, AuthenticateForm):
    """Signing in."""


class CodeAgainForm(_CodeOnce, ReauthenticateForm):
    """Before something weighty."""


@transaction.atomic
def _use(pk: Any, code: str) -> bool:
    row = Authenticator.objects.select_for_update().get(pk=pk)
    secret = get_adapter().decrypt(row.data["secret"])
    shows = [one for one in yield_hotp_counters_from_time() if _is_of(one, secret, code)]
    if not shows or shows[-1] <= row.data.get(LAST, 0):
        return False
    row.data[LAST] = shows[-1]
    row.save(update_fields=["data"])
    return True


def _is_of(half_minute: int, secret: str, code: str) -> bool:
    return compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, half_minute)))
