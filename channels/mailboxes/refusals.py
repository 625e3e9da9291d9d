"""What a server means by its refusal, at each stage of a session.

Its words first, because providers put several meanings behind one response code; then the code; then whether it says
that it passes. The exception's class says nothing. The server's own words are passed on only where we do not know them,
and then cleaned (said.py): a hostile server may repeat the password in them.
"""

from __future__ import annotations

import math
import re
from typing import Final

from channels.credentials import Credentials, Password
from channels.errors import CODES, ChannelError, Throttled, channel_error
from channels.mailboxes.arriving_words import ARRIVING_WORDS, WRONG_PASSWORD
from channels.mailboxes.families import BY_CODE, Stage, folded, one_of
from channels.mailboxes.mailbox_words import MAILBOX_WORDS, STRANGER
from channels.mailboxes.other_languages import OTHER_LANGUAGES, PASSES
from channels.mailboxes.other_languages import WRONG_PASSWORD as WRONG_PASSWORD_ELSEWHERE
from channels.mailboxes.said import words_of

__all__ = [
    "Stage",
    "as_meant",
    "blames_itself",
    "folder_refused",
    "is_for_strangers",
    "is_too_much",
    "mail_refused",
    "meaning",
    "refused",
    "sign_in_refused",
    "wait_named",
    "wants_entra",
]

_PASSES: Final = one_of(
    r"tempora|later|unavailable|time[d ]?-? ?out|tijdelijk|niet beschikbaar|vorübergehend|nicht verfügbar|später"
    r"|indisponible|plus tard|no disponible|más tarde|non disponibile|più tardi",
    PASSES,
)
_INTERNAL: Final = "internal"  # at a mail it may be that mail
_OWN_ERROR: Final = (
    r"server error|internal|(database|backend|storage|system) (error|failure)|\[(SERVERBUG|CONTACTADMIN)"
)
#: RFC 5530 and 3206
_CODES_THAT_PASS: Final = ("UNAVAILABLE", "SYS/TEMP")
_AGAIN: Final = "try again"  # after a wrong password, a person is told so

_CODE: Final = re.compile(r"\[([A-Z][A-Z/-]+)[^\]]*\]", re.IGNORECASE)
_UNIT: Final = r"(ms|milli\w+|sec\w*|s\b|min\w*|m\b|h\b|hours?|hrs?|stunden?|uur|heures?|sekunden?)"
_WAIT: Final = re.compile(
    r"(?:back-?off time|login-delay|every|elke|alle|(?:again|opnieuw|wieder) (?:in|after|over)|retry[- ]?(?:in|after)"
    r"|wait(?: for)?|(?:locked|blocked) (?:out )?for|once (?:per|in)|eens per|at least)"
    rf"\W{{1,4}}(\d{{1,9}}(?:\.\d{{1,6}})?) ?{_UNIT}"
    rf"|(\d{{1,9}}) ?{_UNIT} (?:between|remaining|left)"
    r"|(?:retry[- ]?after|login-delay)\W{1,4}(\d{1,9})",  # in seconds, as HTTP and RFC 2449 have it
    re.IGNORECASE,
)
#: seconds of a unit, by how it begins
_UNITS: Final = (
    ("ms", 0.001), ("mil", 0.001), ("sec", 1), ("sek", 1), ("st", 3600), ("s", 1), ("m", 60), ("u", 3600),
    ("h", 3600),
)  # fmt: skip
_LONGEST_WAIT: Final = 86_400
_READ: Final = 1000  # characters of a refusal

# Providers that take no account password here any more, yet answer like a wrong one.
_APP_PASSWORDS_ONLY: Final = re.compile(
    r"(imap|pop)\.(gmail|googlemail)\.com|imap\.mail\.me\.com|(imap|pop)\.mail\.yahoo\.com|(export\.)?(imap|pop)\.aol\.com"
    r"|(imap|pop)\.fastmail\.com"
)
# IMAP and POP3 are off there until the owner switches them on, and after long disuse; told as a wrong password.
_OFF_AT_FIRST: Final = re.compile(r"(imap|pop)\.gmx\.(net|com)|(imap|pop3)\.web\.de")
_MICROSOFT: Final = re.compile(r"(outlook|imap-mail|pop-mail)\.(office365|office|outlook)\.com")


def wants_entra(host: str) -> bool:
    """Whether the host is Microsoft's: no password opens IMAP or POP3 there since January 2023."""
    return _MICROSOFT.fullmatch(host.lower()) is not None


def as_meant(credentials: Credentials, host: str) -> Credentials:
    """An app password is shown in groups of four, with blanks between that some pages make unbreakable. It has none."""
    if not (isinstance(credentials, Password) and _APP_PASSWORDS_ONLY.fullmatch(host.lower())):
        return credentials
    return Password(credentials.username, "".join(credentials.password.split()))


def refused(answer: str, stage: Stage = Stage.SESSION) -> ChannelError:
    """The refusal of a command or of the session itself (NO, BAD, -ERR, BYE)."""
    return _error(meaning(answer, stage) or "server_unavailable", answer)


def sign_in_refused(answer: str, host: str, credentials: Credentials | None = None) -> ChannelError:
    """The refusal of a sign-in. In words that we do not know it is no wrong password: then they are passed on.

    `credentials`: what the server was shown, and may say again.
    """
    name = credentials.username if credentials else ""
    nameless = answer.replace(name, "") if "@" in name else answer  # an account may be called "maintenance@…"
    code = meaning(nameless, Stage.SIGN_IN) or "sign_in_refused"
    if code in ("password_refused", "sign_in_refused") and _APP_PASSWORDS_ONLY.fullmatch(host.lower()):
        code = "app_password_needed"
    if code == "password_refused" and _OFF_AT_FIRST.fullmatch(host.lower()):
        code = "password_or_protocol_off"
    if code == "sign_in_refused":
        return _saying(code, answer, credentials)
    return _error(code, answer)


def folder_refused(
    answer: str, folder: str, credentials: Credentials | None = None, *, is_listed: bool = False
) -> ChannelError:
    """The refusal of SELECT. INBOX is always there (RFC 3501 5.1): there the server is at fault, and so it is where a
    folder is refused without a reason that the server's own list has (`is_listed`).
    """
    code = meaning(answer.replace(folder, ""), Stage.FOLDER)  # a folder may be called "Later"
    is_there = folder.upper() == "INBOX" or (is_listed and code is None)
    if code in (None, "folder_missing") and is_there:
        return _saying("server_unavailable", answer, credentials)
    if code in (None, "folder_missing"):
        return channel_error("folder_missing", folder=folder)
    return channel_error(code, folder=folder) if code == "folder_not_allowed" else _error(code, answer)


def is_for_strangers(answer: str) -> bool:
    """163.com and 126.com open no folder for a program that has not said who it is (RFC 2971)."""
    return re.search(STRANGER, answer[:_READ], re.IGNORECASE) is not None


def is_too_much(answer: str) -> bool:
    """So many mails in one command are refused (RFC 5530, RFC 9738): fewer may be taken."""
    return code_of(answer) in ("LIMIT", "MESSAGELIMIT") and wait_named(answer) is None


def mail_refused(answer: str) -> ChannelError | None:
    """The refusal of a FETCH or RETR; None when it may be about that mail alone."""
    code = meaning(answer, Stage.MAIL)
    return None if code is None else _error(code, answer)


def blames_itself(answer: str) -> bool:
    """The server calls it an error of its own; of one mail it may say so too."""
    return re.search(_OWN_ERROR, answer[:_READ], re.IGNORECASE) is not None


def meaning(answer: str, stage: Stage) -> str | None:
    """The code of channels/errors.py; None for words that we do not know."""
    answer = answer[:_READ]
    words, response_code = folded(re.sub(r"https?://\S+", "", answer)), code_of(answer)
    for family in (*ARRIVING_WORDS, *MAILBOX_WORDS, *OTHER_LANGUAGES):
        if stage in family.stages and family.is_said_in(words):
            lasts = CODES[family.meaning].kind.permanent
            return "server_unavailable" if lasts and _says_twice_that_it_passes(words) else family.meaning
    for family in BY_CODE:
        if stage in family.stages and response_code in family.codes:
            return family.meaning
    if _PASSES.search(folded(answer)) or (stage is not Stage.MAIL and re.search(_INTERNAL, answer, re.IGNORECASE)):
        return "server_unavailable"
    if stage is Stage.SIGN_IN and (WRONG_PASSWORD.search(words) or WRONG_PASSWORD_ELSEWHERE.search(words)):
        return "password_refused"
    return "server_unavailable" if re.search(_AGAIN, answer, re.IGNORECASE) else None


def _says_twice_that_it_passes(words: str) -> bool:
    """By its response code and in words, as Dovecot: "[UNAVAILABLE] Account is temporarily disabled."."""
    return code_of(words) in _CODES_THAT_PASS and _PASSES.search(_CODE.sub("", words)) is not None


def code_of(answer: str) -> str | None:
    """The response code in capitals, without its arguments."""
    found = _CODE.search(answer[:_READ])
    return found[1].upper() if found else None


def wait_named(answer: str) -> int | None:
    """Seconds, rounded up and a day at most, that the server asks us to stay away."""
    found = _WAIT.search(answer[:_READ])
    if found is None:
        return None
    number, unit = found[1] or found[3] or found[5], (found[2] or found[4] or "s").lower()
    factor = next(factor for name, factor in _UNITS if unit.startswith(name))
    return min(math.ceil(float(number) * factor), _LONGEST_WAIT)


def _error(code: str, answer: str) -> ChannelError:
    wait = wait_named(answer)
    if wait is not None and code == "server_unavailable":
        code = "server_busy"  # it will be there again, and says when
    if issubclass(CODES[code].kind, Throttled):
        return Throttled(code, retry_after=wait)
    return channel_error(code)


def _saying(code: str, answer: str, credentials: Credentials | None) -> ChannelError:
    said = words_of(answer, credentials)
    return channel_error(code, said=said) if said else channel_error(code)
