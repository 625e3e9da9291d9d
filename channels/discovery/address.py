"""The one thing that a person types: the address of the mailbox."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from zenvoices.lib import net

_LONGEST = 320
#: what nobody means to type: a mail address that was copied as a link
_LINK = "mailto:"


class BadAddress(ValueError):
    """No whole mail address of a domain on the internet."""


@dataclass(frozen=True, slots=True)
class Address:
    """`domain` in ASCII, as DNS and certificates have it; `typed` is what the person reads and signs in with."""

    local: str
    domain: str
    typed: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises BadAddress."""
        typed = text.strip().removeprefix(_LINK)
        local, at, domain = typed.rpartition("@")
        if not at or len(typed) > _LONGEST or not re.fullmatch(r"[^@\s\x00-\x1f\x7f]+", local):
            raise BadAddress
        try:
            name = net.to_ascii(domain.removesuffix("."))
        except UnicodeError:
            raise BadAddress from None
        # At least two labels: a name of one is a machine in our own network. The last is no number: an IP address.
        if not re.fullmatch(r"([a-z0-9_-]+\.)+(?!\d+$)[a-z0-9-]+", name):
            raise BadAddress
        return cls(local, name, typed.removesuffix("."))

    @property
    def ascii(self) -> str:
        """For questions to servers."""
        return f"{self.local}@{self.domain}"
