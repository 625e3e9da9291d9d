"""What a server means by its refusal, at each stage of a session.

Its words first, because providers put several meanings behind one response code; then the code (RFC 5530 for IMAP,
RFC 2449 and 3206 for POP3); then whether it says *later*. The exception's class says nothing. The server's text itself
is never passed on: a hostile server may repeat the password in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from channels.errors import CODES, ChannelError, Throttled, channel_error


class Stage(Enum):
    """Where in a session the refusal came: the same words may mean another thing there."""

    SESSION = auto()  # the greeting, and every goodbye
    SIGN_IN = auto()
    FOLDER = auto()  # SELECT
    LIST = auto()  # SEARCH and sizes, UIDL and LIST
    MAIL = auto()  # FETCH, RETR
    FLAG = auto()  # STORE


_STRANGER: Final = r"unsafe login"
_ARRIVING: Final = (Stage.SESSION, Stage.SIGN_IN, Stage.FOLDER)


@dataclass(frozen=True, slots=True)
class Family:
    """Refusals that mean alike. `meaning`: a code of channels/errors.py; `words`: a regular expression, any case."""

    meaning: str
    words: str = ""
    codes: str = ""
    stages: Iterable[Stage] = tuple(Stage)


#: In this order; the first that fits is taken: by its words, and only then by its response code.
FAMILIES: Final = (
    Family("folder_missing", r"no such (mailbox|folder)|n['o]t exist|unknown (mailbox|folder)", stages=[Stage.FOLDER]),
    Family("app_password_needed", r"app(lication)?[- ]?(specific )?password", stages=[Stage.SIGN_IN]),
    Family("account_locked", r"web browser|web login|too many (login|authentication) failures", stages=[Stage.SIGN_IN]),
    Family("account_locked", r"account (is )?(temporarily )?(locked|suspended|disabled)", stages=[Stage.SIGN_IN]),
    Family("password_expired", r"password (has |is )?expired", stages=[Stage.SIGN_IN]),
    Family("mailbox_full", r"(mailbox|maildrop)\b.{0,80}\bis full"),
    Family("mailbox_in_use", r"(mailbox|maildrop)( is)?( already)? (locked|busy|in use)"),
    Family("mailbox_in_use", r"lock (the )?(mailbox|maildrop)|lock busy"),
    Family("quota_reached", r"bandwidth limit"),
    Family("mailbox_full", r"quota exceeded", stages=[Stage.FOLDER, Stage.FLAG]),
    Family("quota_reached", r"quota exceeded"),
    Family("server_busy", r"throttled|rate limit|backoff time|only every|time between mail checks"),
    Family("too_many_connections", r"too many|maximum number of|connection limit", stages=_ARRIVING),
    Family("too_many_connections", r"too many (\w+ )?(connections|sessions)"),
    Family("server_busy", r"too many (\w+ )?(requests|commands)"),
    Family("server_unavailable", r"authenticated but not connected"),  # Exchange: throttling, or IMAP is off
    Family("mailbox_not_allowed", _STRANGER, stages=[Stage.FOLDER]),
    Family("password_refused", codes="AUTHENTICATIONFAILED AUTH", stages=_ARRIVING),
    Family("password_expired", codes="EXPIRED", stages=_ARRIVING),
    Family("account_locked", codes="CONTACTADMIN WEBALERT", stages=_ARRIVING),
    Family("mailbox_not_allowed", codes="AUTHORIZATIONFAILED NOPERM SYS/PERM", stages=_ARRIVING),
    Family("sign_in_method_missing", codes="PRIVACYREQUIRED", stages=_ARRIVING),
    Family("mailbox_in_use", codes="INUSE IN-USE"),
    Family("mailbox_full", codes="OVERQUOTA", stages=[Stage.FOLDER, Stage.FLAG]),
    Family("quota_reached", codes="OVERQUOTA"),
    Family("too_many_connections", codes="LIMIT", stages=_ARRIVING),
    Family("server_busy", codes="LIMIT LOGIN-DELAY"),
    Family("server_unavailable", codes="UNAVAILABLE TEMPFAIL SYS/TEMP"),
    # At a mail Dovecot says it of a broken one, too: whether the others come is then the answer.
    Family("server_unavailable", codes="SERVERBUG", stages=[*_ARRIVING, Stage.LIST]),
    Family("folder_missing", codes="NONEXISTENT TRYCREATE", stages=[Stage.FOLDER]),
    Family("mail_gone", codes="NONEXISTENT EXPUNGEISSUED", stages=[Stage.MAIL]),
)
_LATER: Final = r"temporar|try again|later|unavailable|time[d ]?-? ?out"
_INTERNAL: Final = "internal"  # at a mail it may be that mail

_CODE: Final = re.compile(r"\[([A-Z][A-Z/-]+)[^\]]*\]", re.IGNORECASE)
_WAIT: Final = re.compile(
    r"(?:back-?off time|login-delay|every|again (?:in|after)|retry[- ]?(?:in|after)|wait(?: for)?)\W+"
    r"(\d{1,9}) ?(ms|milliseconds?|s|seconds?|minutes?|hours?)\b",
    re.IGNORECASE,
)
_UNITS: Final = (("ms", 0.001), ("mil", 0.001), ("s", 1), ("m", 60), ("h", 3600))
_LONGEST_WAIT: Final = 86_400
_READ: Final = 1000  # characters of a refusal

# Providers that take no account password here any more, yet answer like a wrong one.
_APP_PASSWORDS_ONLY: Final = re.compile(
    r"(imap|pop)\.(gmail|googlemail)\.com|imap\.mail\.me\.com|(imap|pop)\.mail\.yahoo\.com"
)
_MICROSOFT: Final = re.compile(r"(outlook|imap-mail|pop-mail)\.(office365|office|outlook)\.com")


def wants_entra(host: str) -> bool:
    """Whether the host is Microsoft's: no password opens IMAP or POP3 there since January 2023."""
    return _MICROSOFT.fullmatch(host.lower()) is not None


def refused(answer: str, stage: Stage = Stage.SESSION) -> ChannelError:
    """The refusal of a command or of the session itself (NO, BAD, -ERR, BYE)."""
    return _error(meaning(answer, stage) or "server_unavailable", answer)


def sign_in_refused(answer: str, host: str) -> ChannelError:
    """The refusal of a sign-in: without a code a wrong password (RFC 3501 6.2.3), unless it says later."""
    code = meaning(answer, Stage.SIGN_IN) or "password_refused"
    if code == "password_refused" and _APP_PASSWORDS_ONLY.fullmatch(host.lower()):
        code = "app_password_needed"
    return _error(code, answer)


def folder_refused(answer: str, folder: str) -> ChannelError:
    """The refusal of SELECT. INBOX is always there (RFC 3501 5.1): there the server is at fault."""
    code = meaning(answer.replace(folder, ""), Stage.FOLDER)  # a folder may be called "Later"
    if code in (None, "folder_missing"):
        if folder.upper() != "INBOX":
            return channel_error("folder_missing", folder=folder)
        code = "server_unavailable"
    return _error(code, answer)


def is_for_strangers(answer: str) -> bool:
    """163.com and 126.com open no folder for a program that has not said who it is (RFC 2971)."""
    return re.search(_STRANGER, answer[:_READ], re.IGNORECASE) is not None


def is_too_much(answer: str) -> bool:
    """So many mails in one command are refused (RFC 5530, RFC 9738): fewer may be taken."""
    return code_of(answer) in ("LIMIT", "MESSAGELIMIT") and wait_named(answer) is None


def mail_refused(answer: str) -> ChannelError | None:
    """The refusal of a FETCH or RETR; None when it may be about that mail alone."""
    code = meaning(answer, Stage.MAIL)
    return None if code is None else _error(code, answer)


def meaning(answer: str, stage: Stage) -> str | None:
    """The code of channels/errors.py; None for words that we do not know."""
    answer = answer[:_READ]
    here = [family for family in FAMILIES if stage in family.stages]
    for family in here:
        if family.words and re.search(family.words, answer, re.IGNORECASE):
            return family.meaning
    response_code = code_of(answer)
    for family in here:
        if response_code in family.codes.split():
            return family.meaning
    later = _LATER if stage is Stage.MAIL else f"{_LATER}|{_INTERNAL}"
    return "server_unavailable" if re.search(later, answer, re.IGNORECASE) else None


def code_of(answer: str) -> str | None:
    """The response code in capitals, without its arguments."""
    found = _CODE.search(answer[:_READ])
    return found[1].upper() if found else None


def wait_named(answer: str) -> int | None:
    """Seconds, rounded up and a day at most, that the server asks us to stay away."""
    found = _WAIT.search(answer[:_READ])
    if found is None:
        return None
    unit = found[2].lower()
    factor = next(factor for name, factor in _UNITS if unit.startswith(name))
    return min(math.ceil(int(found[1]) * factor), _LONGEST_WAIT)


def _error(code: str, answer: str) -> ChannelError:
    wait = wait_named(answer)
    if wait is not None and code == "server_unavailable":
        code = "server_busy"  # it will be there again, and says when
    if issubclass(CODES[code].kind, Throttled):
        return Throttled(code, retry_after=wait)
    return channel_error(code)
