"""Links for a new password. Apart: allauth's generator needs its settings when it is imported."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator


class ResetTokens(EmailAwarePasswordResetTokenGenerator):
    """Worth something until the password, the address or the last sign-in is another one, or the person is ended."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}|{user.is_active}"
