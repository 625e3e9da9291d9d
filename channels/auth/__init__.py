"""The ways to sign in. Gmail OAuth2 and Entra OAuth2 join with one line each."""

from __future__ import annotations

from channels.auth.base import AuthMethod
from channels.auth.password import PasswordAuth

METHODS: dict[str, AuthMethod] = {method.kind: method for method in (PasswordAuth(),)}
