"""The ways to sign in: with what the channel keeps, and at a provider."""

from __future__ import annotations

from typing import Final

from channels.auth.base import AuthMethod
from channels.auth.password import PasswordAuth
from channels.auth.provider_errors import GOOGLE, MICROSOFT

METHODS: dict[str, AuthMethod] = {method.kind: method for method in (PasswordAuth(),)}
#: people sign in there: by Channel.auth (made in channels/links/providers.py, which knows our addresses)
PROVIDER_NAMES: Final = {"google": GOOGLE, "entra": MICROSOFT}
