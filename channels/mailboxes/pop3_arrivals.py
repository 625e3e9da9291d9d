"""When the mails of a POP3 server arrived: it says so nowhere but in their headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final

from channels.mailboxes.pop3_client import Client, Refusal, passing
from channels.mailboxes.refusals import Stage

_HEADERS_AT_ONCE: Final = 50
#: The topmost Received is of the server that keeps the mail (RFC 5321 4.4); Date is what the sender says.
_RECEIVED: Final = re.compile(rb"^Received:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_DATE: Final = re.compile(rb"^Date:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)


def arrivals(client: Client, numbers: Sequence[int], *, pipelines: bool) -> dict[int, int]:
    """Seconds since 1970 by message number; none where it is not said. Raises what a refusal means that will pass."""
    at_once = _HEADERS_AT_ONCE if pipelines else 1
    found: dict[int, int] = {}
    for start in range(0, len(numbers), at_once):
        some = numbers[start : start + at_once]
        for number, header in zip(some, client.headers(some), strict=True):
            if isinstance(header, Refusal):
                if problem := passing(header, Stage.LIST):
                    raise problem
            elif (moment := arrived(header)) is not None:
                found[number] = moment
    return found


def arrived(header: bytes) -> int | None:
    lines = header.replace(b"\r\n", b"\n")
    received, date = _RECEIVED.search(lines), _DATE.search(lines)
    said = (received and _moment(received[1].rpartition(b";")[2])) or (date and _moment(date[1]))
    return said or None


def _moment(text: bytes) -> int | None:
    try:
        return int(parsedate_to_datetime(text.decode("ascii", "replace")).timestamp())
    except (ValueError, OverflowError):
        return None
