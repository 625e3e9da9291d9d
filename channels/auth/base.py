"""One interface for every way to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from channels.credentials import Credentials


class AuthMethod(Protocol):
    """Turns what a channel keeps into what a mailbox is shown."""

    @property
    def kind(self) -> str:
        """The value of Channel.auth."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets it needs, as kept in ChannelSecret."""

    def credentials(self, username: str, secrets: Mapping[str, str]) -> Credentials:
        """Raises ConfigurationProblem when a secret is missing."""
