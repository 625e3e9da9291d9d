"""Who sent a mail and when, from headers that may say anything."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from itertools import islice

from channels.extract.words import decode_words, one_line

# From where a word begins, so that a long one is looked at once and not from each of its letters.
_ADDRESS = re.compile(
    r"(?<![^\s<>\"(),:;@\[])[^\s<>\"(),:;@\[]{1,128}@(?:\[[^\s\]]{1,60}\]|[^\s<>\"(),:;@\[\]]{1,253})"
)
_BRACKETED = re.compile(rf"([^<,]*)<\s*(?:mailto:)?({_ADDRESS.pattern})\s*>", re.IGNORECASE)
_ATOM = r"[^\x00-\x20\"(),.:;<>@\[\\\]\x7f]+"
# As nearly all are: email.utils takes fifty times as long.
_PLAIN = re.compile(rf'[ \t]*(?:"([^"\\\r\n]*)"|({_ATOM}(?:[ \t]+{_ATOM})*))?[ \t]*<([\w.+=-]+@[\w.-]+)>[ \t]*', re.A)
_CONSIDERED = 4_000  # characters of a header that may hold thousands of addresses


def sender(value: str) -> tuple[str, str]:
    """Name and address of a From header; either may be ""."""
    value = value[:_CONSIDERED]
    name, address = _name_and_address(value)
    if (bracketed := _BRACKETED.match(value)) and bracketed[2] != address:
        name, address = bracketed[1], bracketed[2]
    if not _ADDRESS.fullmatch(address):
        value = value if "@" in value else decode_words(value)  # the address is encoded along with the name
        found = _ADDRESS.search(value)
        address = found[0] if found else ""
        name = value[: found.start()].removesuffix("mailto:").rstrip("[ ") if found else value
    return one_line(decode_words(name), 200).strip(' "<'), one_line(address, 320)


def addresses(value: str, most: int) -> list[str]:
    return [one_line(found[0], 320) for found in islice(_ADDRESS.finditer(value[:_CONSIDERED]), most)]


def _name_and_address(value: str) -> tuple[str, str]:
    if plain := _PLAIN.fullmatch(value):
        return plain[1] or plain[2] or "", plain[3]
    try:
        return parseaddr(value)
    except (RecursionError, IndexError, ValueError):
        return "", ""


def sent_at(value: str) -> datetime | None:
    """In UTC; a time without a zone (or with -0000, RFC 5322 3.3) is taken for UTC."""
    try:
        moment = parsedate_to_datetime(value[:200])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
