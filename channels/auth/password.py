"""Signing in with a username and a password."""

from __future__ import annotations

from collections.abc import Mapping

from channels.credentials import Password
from channels.errors import ConfigurationProblem


class PasswordAuth:
    kind = "password"
    secrets = ("password",)

    def credentials(self, username: str, secrets: Mapping[str, str]) -> Password:
        if not secrets.get("password"):
            raise ConfigurationProblem("secret_missing")
        return Password(username, secrets["password"])
