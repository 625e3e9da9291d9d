"""Which mails a POP3 server holds, and what each of them is called from session to session."""

from __future__ import annotations

import hashlib
import poplib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_from_bytes

from channels.errors import channel_error
from channels.mailboxes.pop3_client import Client, Refusal, is_refusal, passing, text_of
from channels.mailboxes.refusals import Stage

_LONGEST_UID: Final = 255  # RFC 1939 7 says 70
_MOST_HEADERS: Final = 2000  # asked for by one listing
_HEADERS_AT_ONCE: Final = 50
_HEADERS_TRIED: Final = 3  # TOP that is refused so often, and never done, is of no use
_PRINTABLE: Final = bytes(range(0x21, 0x7F))
_NO_MAILS: Final = re.compile(r"\b(no|0|zero) (new )?(mails?|messages?)\b|\bempty\b", re.IGNORECASE)
#: what mbox servers write into a mail that lies there already
_OF_THE_SERVER: Final = re.compile(
    rb"(?:\A>?From (?!:)|^(?:(?:X-)?Status|X-UIDL?|X-Keywords|X-IMAP(?:base)?|X-Mozilla-[!-9;-~]*|Content-Length|Lines)"
    rb"[ \t]*:).*(?:\n[ \t].*)*\n?",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """`numbers`: uid to message number, oldest first; the numbers hold within this session only (RFC 1939 5).

    `sizes`: by message number, in bytes, where the server said it. `whole`: False when there are more mails.
    """

    numbers: dict[str, int]
    sizes: dict[int, int]
    whole: bool = True


def listed(client: Client, count: int | None, *, pipelines: bool) -> Listed:
    """Every mail that LIST or UIDL names, each under a uid of its own. `count`: of STAT, if it said one.

    A UIDL should be 1 to 70 characters from 0x21 to 0x7E, given to one mail and never again (RFC 1939 7). What the
    server makes of that becomes a uid by this rule:

    - A UIDL of such characters, at most 255 of them, is the uid as it stands.
    - Another one is percent-encoded with " encoded" behind it, or its hash is when it is too long.
    - UIDLs that are the numbers of their mails throughout, be it a single mail, name nothing: when a mail is deleted,
      the next one has its number. They count as missing while TOP works.
    - A mail without a UIDL is "top:" and the hash of its header, looked at past what mbox servers write into it.
      Where TOP is refused for this mail it is its number and " unnamed": better fetched twice than never.
    - The second mail with the same uid has " 2" behind it, and so on.

    Only the first has no blank, so none of them is another one. Raises uidl_missing when nothing tells the mails
    apart, and what a refusal means that will pass.
    """
    if count == 0 and not client.has_a_mail():  # not by a list: of nothing, some end it without its dot
        return Listed({}, {})
    uidls, sizes = _by_number(client, "UIDL"), _by_number(client, "LIST")
    if uidls is None and sizes is None:
        sizes = dict.fromkeys(range(1, min(count or 0, _MOST_HEADERS) + 1), b"")
    numbers = sorted({*(uidls or ()), *(sizes or ())})
    names = _names(client, uidls, numbers, pipelines=pipelines)
    return Listed(_one_each(names), _sizes(sizes or {}), whole=len(names) >= max(len(numbers), count or 0))


def _by_number(client: Client, command: str) -> dict[int, bytes] | None:
    """What stands behind each message number, "" if nothing; None when the command is refused."""
    try:
        lines = client.lines(command)
    except poplib.error_proto as error:
        if not is_refusal(error):
            raise
        if problem := passing(error, Stage.LIST):
            raise problem from None
        return {} if _NO_MAILS.search(text_of(error)) else None
    found: dict[int, bytes] = {}
    for line in lines:
        number, *rest = line.split(None, 1)
        if number.isdigit() and len(number) < 10 and int(number):
            found.setdefault(int(number), rest[0] if rest else b"")
    return found


def _sizes(answers: dict[int, bytes]) -> dict[int, int]:
    """The first number of each; 0 says nothing."""
    numbers = {number: re.match(rb"\(?(\d{1,18})\b", said) for number, said in answers.items()}
    return {number: int(found[1]) for number, found in numbers.items() if found and int(found[1])}


def _names(
    client: Client, uidls: dict[int, bytes] | None, numbers: Sequence[int], *, pipelines: bool
) -> dict[int, str]:
    """A name for each mail, perhaps not its alone; of more mails without one than may be asked for, the newest."""
    names = {number: _uid_of(uidl) for number, uidl in (uidls or {}).items() if uidl}
    positions = all(name.isdigit() and int(name) == number for number, name in names.items())
    unnamed = [number for number in numbers if positions or number not in names]
    asked = unnamed[-_MOST_HEADERS:]
    by_header = _by_header(client, asked, pipelines=pipelines)
    if not by_header:
        if uidls is None and numbers:
            raise channel_error("uidl_missing")
        return {number: names.get(number, f"{number} unnamed") for number in numbers}
    left_out = set(unnamed) - set(asked)
    found = {number: f"{number} unnamed" for number in unnamed} | by_header
    return {number: found.get(number) or names[number] for number in numbers if number not in left_out}


def _uid_of(uidl: bytes) -> str:
    if len(uidl) <= _LONGEST_UID and not uidl.translate(None, _PRINTABLE):
        return uidl.decode()
    encoded = quote_from_bytes(uidl, safe=_PRINTABLE.replace(b"%", b"")) + " encoded"
    return encoded if len(encoded) <= _LONGEST_UID else _hashed(uidl)


def _hashed(name: bytes) -> str:
    return f"sha256:{hashlib.sha256(name).hexdigest()} encoded"


def _one_each(names: dict[int, str]) -> dict[str, int]:
    times: Counter[str] = Counter()
    numbers = {}
    for number, name in names.items():
        times[name] += 1
        numbers[_nth(name, times[name])] = number
    return numbers


def _nth(name: str, time: int) -> str:
    if time == 1:
        return name
    uid = f"{name} {time}"
    return uid if len(uid) <= _LONGEST_UID else f"{_hashed(name.encode())} {time}"


def _by_header(client: Client, numbers: Sequence[int], *, pipelines: bool) -> dict[int, str]:
    """Names by TOP; none for a mail whose header is refused."""
    at_once = _HEADERS_AT_ONCE if pipelines else 1
    names: dict[int, str] = {}
    for start in range(0, len(numbers), at_once):
        if not names and start >= _HEADERS_TRIED:
            break
        names |= _top(client, numbers[start : start + at_once])
    return names


def _top(client: Client, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
    for number, header in zip(numbers, client.headers(numbers), strict=True):
        if not isinstance(header, Refusal):
            lasting = _OF_THE_SERVER.sub(b"", header.replace(b"\r\n", b"\n"))
            yield number, f"top:{hashlib.sha256(lasting).hexdigest()}"
        elif problem := passing(header, Stage.LIST):
            raise problem
