"""What a person types for an address or a subject, and whether it fits.

`*` stands for anything; nothing else is special.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from zenvoices.lib import net
from zenvoices.lib.lines import plain_line

WILD: Final = "*"
#: characters, and how many `*` among them
LONGEST: Final = 200
MOST_WILD: Final = 5
_SPACE: Final = re.compile(r"\s")


class BadPattern(ValueError):
    """It is no address and no domain ("address"), empty ("empty"), or has too many `*` ("wild")."""


def address_pattern(typed: str) -> str:
    """An address or a domain as it is kept: "vattenfall.nl" and "@vattenfall.nl" are "*@vattenfall.nl".

    A domain is that domain alone: "*.vattenfall.nl" is everything below it. Raises BadPattern.
    """
    text = plain_line(typed).removeprefix("mailto:").strip("<>")
    if text == WILD:
        return text
    if text.count(WILD) > MOST_WILD:
        raise BadPattern("wild")
    local, _at, domain = text.rpartition("@")
    if _SPACE.search(text) or not _is_domain(domain) or "@" in local:
        raise BadPattern("address")
    return f"{local or WILD}@{domain}".lower()


def literally(address: str) -> str:
    """The pattern of an address that a stranger wrote. Raises BadPattern: a `*` in it would be anything."""
    if WILD in address or "@" not in address or len(address) > LONGEST:
        raise BadPattern("address")
    return plain_line(address).lower()


def _is_domain(text: str) -> bool:
    """`*` may stand for whole labels of an international name: inside one, its ASCII form would say something else."""
    labels = text.split(".")
    if len(labels) < 2 and WILD not in text:
        return False
    if any(WILD in label and not label.isascii() for label in labels):
        return False
    try:
        net.to_ascii(text)
    except UnicodeError:
        return False
    return True


def text_pattern(typed: str) -> str:
    """What a subject is to contain. Raises BadPattern."""
    text = plain_line(typed)
    if not text.strip(WILD + " "):
        raise BadPattern("empty")
    if text.count(WILD) > MOST_WILD:
        raise BadPattern("wild")
    return text


def comparable(address: str) -> str:
    """An address, or the pattern of one: in small letters, its domain as DNS has it."""
    local, at, domain = address.strip().rpartition("@")
    return f"{folded(local)}@{_in_ascii(domain)}" if at else folded(address)


def _in_ascii(domain: str) -> str:
    try:
        return net.to_ascii(domain.removesuffix("."))
    except UnicodeError:
        return folded(domain)


def folded(text: str) -> str:
    """Capitals and accents in one form."""
    return unicodedata.normalize("NFC", plain_line(text).casefold())


def fits(pattern: str, text: str) -> bool:
    """Each piece between two `*` is looked for once, from where the last one ended."""
    first, *others = pattern.split(WILD)
    if not others:
        return pattern == text
    *middle, last = others
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return text.startswith(first) and text.endswith(last) and len(text) - at >= len(last)
