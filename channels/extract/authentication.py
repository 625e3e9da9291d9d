"""What the receiving server found out about who sent a mail: its `Authentication-Results` (RFC 8601).

Anybody can write such a field. The receiving server's stands above every line of a server before it: on top (Microsoft
365, which names no server; Fastmail; milters), or right below the Received line by which it took the mail in (Gmail).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from channels.extract.sender import addresses
from zenvoices.lib.domains import is_inside, owned

_METHODS = ("spf", "dkim", "dmarc", "compauth")
_CONSIDERED = 200  # fields from the top
_LONGEST = 4_000  # characters of one
_FROM = re.compile(r"from\s+([^\s;()]{1,255})", re.I)
_BY = re.compile(r"(?:^|\s)by\s+([^\s;()]{1,255})", re.I)
# Whoever sends chooses what stands in quotes and comments: smtp.mailfrom="a;dmarc=pass"@example.com
_THEIRS = re.compile(r'"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\)', re.S)
_NESTED = 4
_RESULT = re.compile(r"(?:^|;)\s*(spf|dkim|dmarc|compauth)\s*(?:/\s*\d+\s*)?=\s*([a-z]{1,20})", re.I)


def results(fields: Sequence[tuple[str, str]]) -> str:
    """`spf=pass dkim=fail dmarc=fail`, as far as the receiving server says it; "" when it says nothing."""
    taken_in_by = ""
    for name, value in fields[:_CONSIDERED]:
        match name.lower():
            case "received" if taken_in_by:
                return ""  # what follows was there when the mail came
            case "received":
                taken_in_by = _takes_in(value)
            case "authentication-results":
                told = _without_theirs(value[:_LONGEST])
                return "" if taken_in_by and _server(told) != taken_in_by else _told(told)
    return ""


def reply_addresses(value: str) -> str:
    """The first five of a Reply-To, with blanks between."""
    return " ".join(addresses(value, 5))


def _takes_in(received: str) -> str:
    """Whose server took the mail from somebody else's; "" when it went about within one house."""
    came, by = _FROM.match(received), _BY.search(received[:1_000])
    if not came or not by or is_inside(came[1]):
        return ""
    taker = owned(by[1])
    return "" if owned(came[1]) == taker else taker


def _without_theirs(value: str) -> str:
    for _ in range(_NESTED):
        value, count = _THEIRS.subn(" ", value)
        if not count:
            break
    return value


def _server(told: str) -> str:
    words = told.partition(";")[0].split()
    return owned(words[0]) if words and "=" not in words[0] else ""


def _told(told: str) -> str:
    found: dict[str, str] = {}
    for method, result in _RESULT.findall(told):
        name, said = method.lower(), result.lower()
        # One good signature of several is enough; of anything else a pass hides no failure.
        if name not in found or said == ("pass" if name == "dkim" else "fail"):
            found[name] = said
    return " ".join(f"{name}={found[name]}" for name in _METHODS if name in found)
