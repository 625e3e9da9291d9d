"""What was found for an address, in a form that lies in a row of the database until the page has shown it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from channels.presets import Password


class Kind(StrEnum):
    """What the person does next."""

    GOOGLE = "google"  # signs in at Google; `host` takes an app password as well
    MICROSOFT = "microsoft"  # signs in at Microsoft
    PASSWORD = "password"  # noqa: S105 -- types the password of the mailbox
    PERSONAL = "personal"  # nothing: Microsoft lets no personal account be linked
    UNREACHABLE = "unreachable"  # nothing: no server can read its mail
    NOTHING = "nothing"  # fills the form in


class Security(StrEnum):
    """Never less than a certificate that was checked."""

    TLS = "tls"
    STARTTLS = "starttls"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a password would go. `username`: who signs in there."""

    protocol: str
    host: str
    port: int
    security: Security
    username: str


@dataclass(frozen=True, slots=True)
class Found:
    """`host` and what follows are "" and 0 unless there is a server that takes a password.

    `provider`: a name that people know, or "". `belongs`: the server's name lies in the domain of the address, or is
    one that we have known for long; any other came from the domain's DNS or from a list, which can be forged
    (RFC 6186 6), and the person must know it.
    """

    kind: Kind
    provider: str = ""
    protocol: str = "imap"
    host: str = ""
    port: int = 0
    security: Security = Security.TLS
    username: str = ""
    password: Password = Password.OWN
    switched_off: bool = False
    belongs: bool = True

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Self:
        words = {"kind": Kind(kept["kind"]), "security": Security(kept["security"])}
        return cls(**{**kept, **words, "password": Password(kept["password"])})
