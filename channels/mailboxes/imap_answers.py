"""What an IMAP server says, as values. Plain functions: what cannot be read costs only itself."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any, Final, NamedTuple

from imapclient import imap_utf7
from imapclient.exceptions import ProtocolError
from imapclient.response_parser import parse_response

MOST_UIDS: Final = 1_000_000  # of one folder; a set of twelve bytes may name four thousand million
_SHORT_RUN: Final = 4

# A hostile server may send a line of megabytes: no pattern here looks at a stretch of it more than once.
_IDS: Final = re.compile(rb"[0-9 ]*+(\(MODSEQ \d+\))?[ ]*", re.IGNORECASE)  # RFC 7162 3.1.5, asked for or not
_SET: Final = re.compile(r"\d+(?::\d+)?(?:,\d+(?::\d+)?)*")
_EXTENDED: Final = re.compile(rb'(?:\(TAG "?(?P<tag>[^")]*)"?\))?(?P<data>.*)', re.IGNORECASE)
_NUMBERS: Final = re.compile(r"\bALL (\S+)|\bPARTIAL \(\S+ ([\d:,]+)\)")
_COUNT: Final = re.compile(r"\bCOUNT (\d{1,10})\b")
_MESSAGELIMIT: Final = re.compile(r"\[MESSAGELIMIT (\d{1,9})(?: (\d{1,10}))?\]", re.IGNORECASE)

_LAST_LIST: Final = re.compile(rb"\(([^()]*)\)\s*+$")
_UID: Final = re.compile(rb"[ (]UID (\d{1,10})\b", re.IGNORECASE)
_SIZE: Final = re.compile(rb"[ (]RFC822\.SIZE (\d{1,18})\b", re.IGNORECASE)
_DATE: Final = re.compile(
    rb'[ (]INTERNALDATE "[ ]?(\d{1,2})-([a-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"', re.IGNORECASE
)
_FLAGS: Final = re.compile(rb"[ (]FLAGS \(([^()]*)\)", re.IGNORECASE)
_MONTHS: Final = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")


class Answer(NamedTuple):
    """The tagged line that ends the answer to a command: "OK", "NO" or "BAD", and the words behind it."""

    status: str
    words: str

    @property
    def ok(self) -> bool:
        return self.status == "OK"

    @property
    def limit(self) -> tuple[int, int] | None:
        """RFC 9738: how many mails a command may touch, and the lowest UID that this one did; 0 when not said."""
        found = _MESSAGELIMIT.search(self.words)
        return (int(found[1]), int(found[2] or 0)) if found else None


@dataclass(frozen=True, slots=True)
class Folder:
    """What the answer to a SELECT says. `validity`: "" when it did not say, `next_uid`, `first_unread`: 0 then.

    `first_unread`: the place of a mail.
    """

    exists: int
    validity: str
    next_uid: int
    keeps_seen: bool
    read_only: bool = False
    #: the flags that may be changed for good, in small letters; None: every one
    permanent: frozenset[str] | None = None
    first_unread: int = 0

    def keeps(self, flag: str) -> bool:
        r"""A system flag, or a keyword: of those, "\*" allows new ones (RFC 3501 7.1)."""
        if self.read_only or self.permanent is None:
            return not self.read_only
        return flag.lower() in self.permanent or (not flag.startswith("\\") and r"\*" in self.permanent)


class Found(NamedTuple):
    """The UIDs in the answer to a SEARCH. `total`: how many there are, when the server says so (RFC 4731)."""

    uids: set[int]
    total: int | None = None


class ListedFolder(NamedTuple):
    """`separator`: between the levels of its name. `attributes`: in small letters. `written`: by the server, where that
    is not the modified UTF-7 of its name (RFC 3501 5.1.3).
    """

    name: str
    separator: str
    attributes: frozenset[str] = frozenset()
    written: bytes = b""


class Facts(NamedTuple):
    """Of one mail: bytes, and INTERNALDATE in seconds since 1970; None where it cannot be read."""

    size: int | None
    arrived: int | None


def folder_in(untagged: Mapping[str, Sequence[Any]]) -> Folder | None:
    """None when the answers are not those to a SELECT."""
    if not untagged.get("EXISTS"):
        return None
    said = b"\n".join(line for line in untagged.get("OK", ()) if isinstance(line, bytes))
    flags = re.search(rb"\[PERMANENTFLAGS \(([^()]*)\)", said, re.IGNORECASE)
    # RFC 3501 7.1: without PERMANENTFLAGS, every flag may be changed for good.
    permanent = None if flags is None else frozenset(flags[1].decode("ascii", "replace").lower().split())
    read_only = "READ-ONLY" in untagged
    return Folder(
        exists=int(untagged["EXISTS"][-1]),
        validity=_number(said, b"UIDVALIDITY"),
        next_uid=int(_number(said, b"UIDNEXT") or 0),
        keeps_seen=(permanent is None or "\\seen" in permanent) and not read_only,
        read_only=read_only,
        permanent=permanent,
        first_unread=int(_number(said, b"UNSEEN") or 0),
    )


def _number(said: bytes, name: bytes) -> str:
    found = re.search(rb"\[" + name + rb" (\d{1,20})\]", said, re.IGNORECASE)
    return found[1].decode() if found else ""


def folders_in(lines: Iterable[Any]) -> list[ListedFolder]:
    """In the answer to a LIST, those that can be opened; a line that cannot be read costs its folder."""
    return list(filter(None, map(_listed, lines)))


def _listed(line: Any) -> ListedFolder | None:
    try:
        flags, separator, name = parse_response([line])
        attributes = frozenset(flag.decode("ascii", "replace").lower() for flag in flags)
        if {"\\noselect", "\\nonexistent"} & attributes:
            return None
        name = name if isinstance(name, bytes) else str(name).encode()  # 2026 is read as a number
        called = _name(name)
        written = b"" if imap_utf7.encode(called) == name else name
        return ListedFolder(called, (separator or b"").decode(), attributes, written)
    except (ValueError, TypeError, AttributeError, RecursionError, ProtocolError):
        # The rest of a line behind a literal, or what the parser takes for none ("[Oud").
        return None


def _name(written: bytes) -> str:
    """Some servers write names as they are, in UTF-8 or what was there before it: "Café", "R&D"."""
    try:
        if written.isascii():
            return imap_utf7.decode(written)
        return written.decode("utf-8")
    except ValueError:
        return written.decode("cp1252", "replace")


def found_in(lines: Iterable[Any]) -> Found:
    """SEARCH: in several lines, twice, or in no order. Raises ValueError."""
    uids: set[int] = set()
    for line in lines:
        plain = _IDS.fullmatch(line)
        if plain is None:
            raise ValueError("not the answer to SEARCH")
        uids.update(map(int, line[: plain.start(1) if plain[1] else None].split()))
    return Found(uids)


def extended_in(lines: Iterable[Any], tag: bytes) -> Found | None:
    """ESEARCH with this tag (RFC 4731, RFC 9394); None when there is none. Raises ValueError."""
    for line in lines:
        parts = _EXTENDED.fullmatch(line)
        if parts is None:
            raise ValueError("not the answer to SEARCH")
        if parts["tag"] in (None, tag):
            data = parts["data"].decode("ascii").upper()
            uids, total = _NUMBERS.search(data), _COUNT.search(data)
            return Found(set(uids_of(uids[1] or uids[2]) if uids else ()), int(total[1]) if total else None)
    return None


def status_in(lines: Iterable[Any], item: str) -> int:
    """A number in the answer to a STATUS of one folder, also behind a literal for its name; 0 when it is not there."""
    said = [line for line in lines if isinstance(line, bytes)]
    told = _LAST_LIST.search(said[-1]) if said else None
    found = re.search(rb"\b" + item.encode() + rb" (\d{1,20})\b", told[1], re.IGNORECASE) if told else None
    return int(found[1]) if found else 0


def facts_in(lines: Iterable[Any]) -> dict[int, Facts]:
    """The answers to a FETCH of sizes and dates, by UID."""
    facts: dict[int, Facts] = {}
    for item in lines:
        line = item[0] if isinstance(item, tuple) else item  # with a literal behind it
        uid = _UID.search(line)
        size = _SIZE.search(line) if uid else None
        arrived = _arrived(line) if uid else None
        if uid and (size or arrived):  # else the server tells of another's flags
            facts[int(uid[1])] = Facts(int(size[1]) if size else None, arrived)
    return facts


def flags_in(lines: Iterable[Any]) -> dict[int, frozenset[bytes]]:
    """The answers to a FETCH of flags, by UID, in small letters."""
    flags: dict[int, frozenset[bytes]] = {}
    for item in lines:
        line = item[0] if isinstance(item, tuple) else item
        uid, said = _UID.search(line), _FLAGS.search(line)
        if uid and said:
            flags[int(uid[1])] = frozenset(said[1].lower().split())
    return flags


def _arrived(line: bytes) -> int | None:
    found = _DATE.search(line)
    if found is None or found[2].lower() not in _MONTHS:
        return None
    day, year, hour, minute, second, hours, minutes = (int(found[at]) for at in (1, 3, 4, 5, 6, 8, 9))
    if year < 1970 or not 0 < day < 32:
        return None
    local = timegm((year, _MONTHS.index(found[2].lower()) + 1, day, hour, minute, second))
    offset = (hours * 60 + minutes) * 60
    return local - offset if found[7] == b"+" else local + offset


def set_of(uids: Sequence[int]) -> str:
    """The UIDs for a command; a run of numbers as a range. Ascending: Tencent takes no other order."""
    numbered = zip(sorted(uids), count(), strict=False)
    return ",".join(_run([uid for uid, _ in run]) for _, run in groupby(numbered, _offset))


def _offset(numbered: tuple[int, int]) -> int:
    return numbered[0] - numbered[1]


def _run(uids: list[int]) -> str:
    return ",".join(map(str, uids)) if len(uids) < _SHORT_RUN else f"{uids[0]}:{uids[-1]}"


def uids_of(numbers: str) -> Iterator[int]:
    """The UIDs that a sequence set names. Raises ValueError for what is none, or names more than any folder holds."""
    if numbers and not _SET.fullmatch(numbers):
        raise ValueError("not a set of numbers")
    left = MOST_UIDS
    for part in filter(None, numbers.split(",")):
        first, _, last = part.partition(":")
        low, high = sorted((int(first), int(last or first)))
        left -= high - low + 1
        if left < 0:
            raise ValueError("more numbers than a folder holds")
        yield from range(low, high + 1)
