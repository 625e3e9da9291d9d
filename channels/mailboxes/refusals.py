"""What a server means by its refusal: response code first, then known sentences, never the exception's class.

Codes: RFC 5530 (IMAP), RFC 2449 and 3206 (POP3). The server's text itself is never passed on: a hostile
server may repeat the password in it.
"""

from __future__ import annotations

import re
from typing import Final

from channels.errors import ChannelError, channel_error

_BY_CODE: Final = {
    "AUTHENTICATIONFAILED": "password_refused",
    "AUTH": "password_refused",
    "AUTHORIZATIONFAILED": "mailbox_not_allowed",
    "NOPERM": "mailbox_not_allowed",
    "SYS/PERM": "mailbox_not_allowed",
    "EXPIRED": "password_expired",
    "CONTACTADMIN": "account_locked",
    "WEBALERT": "account_locked",
    "PRIVACYREQUIRED": "sign_in_method_missing",
    "UNAVAILABLE": "server_unavailable",
    "SERVERBUG": "server_unavailable",
    "SYS/TEMP": "server_unavailable",
    "INUSE": "mailbox_in_use",
    "IN-USE": "mailbox_in_use",
    "LOGIN-DELAY": "too_many_connections",
    "LIMIT": "too_many_connections",
    "OVERQUOTA": "quota_reached",
}
_BY_SENTENCE: Final = (
    # Before the codes: Gmail puts them behind [ALERT], and [AUTH] in POP3.
    (r"application-specific password|app[- ]?(specific )?password", "app_password_needed"),
    (r"too many|maximum number of|connection limit", "too_many_connections"),
    (r"bandwidth limits?|quota exceeded", "quota_reached"),
    (r"web browser|web login", "account_locked"),
    (r"authenticated but not connected", "server_unavailable"),  # Exchange: throttling, or IMAP is off
)
_LATER = r"temporar|try again|later|unavailable|internal|time[d ]?-? ?out"

# Providers that take no account password here any more, yet answer like a wrong one.
_APP_PASSWORDS_ONLY: Final = re.compile(
    r"(imap|pop)\.(gmail|googlemail)\.com|imap\.mail\.me\.com|(imap|pop)\.mail\.yahoo\.com"
)
_MICROSOFT: Final = re.compile(r"(outlook|imap-mail|pop-mail)\.(office365|office|outlook)\.com")


def wants_entra(host: str) -> bool:
    """Whether the host is Microsoft's: no password opens IMAP or POP3 there since January 2023."""
    return _MICROSOFT.fullmatch(host.lower()) is not None


def refused(answer: str) -> ChannelError:
    """The refusal of a command or of the session itself (NO, -ERR, BYE)."""
    return channel_error(_meaning(answer) or "server_unavailable")


def sign_in_refused(answer: str, host: str) -> ChannelError:
    """The refusal of a sign-in: without a code a wrong password (RFC 3501 6.2.3), unless it says later."""
    code = _meaning(answer)
    if code is None:
        code = "server_unavailable" if re.search(_LATER, answer, re.IGNORECASE) else "password_refused"
    if code == "password_refused" and _APP_PASSWORDS_ONLY.fullmatch(host.lower()):
        code = "app_password_needed"
    return channel_error(code)


def folder_refused(answer: str, folder: str) -> ChannelError:
    """The refusal of SELECT. INBOX is always there (RFC 3501 5.1): there the server is at fault."""
    code = _meaning(answer)
    if code is None:
        code = "server_unavailable" if folder.upper() == "INBOX" else "folder_missing"
    return channel_error(code, folder=folder) if code == "folder_missing" else channel_error(code)


def _meaning(answer: str) -> str | None:
    for sentence, code in _BY_SENTENCE:
        if re.search(sentence, answer, re.IGNORECASE):
            return code
    found = re.search(r"\[([A-Z][A-Z/-]+)[^\]]*\]", answer)
    return _BY_CODE.get(found[1]) if found else None
