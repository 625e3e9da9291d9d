"""Refusals that mean alike: by their response codes, and what a family of words is.

The words are in arriving_words.py, mailbox_words.py and other_languages.py; what they are drawn from is in
tests/channels/refusals.tsv.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final


class Stage(Enum):
    """Where in a session the refusal came: the same words may mean another thing there."""

    SESSION = auto()  # the greeting, and every goodbye
    SIGN_IN = auto()
    FOLDER = auto()  # SELECT
    LIST = auto()  # SEARCH and sizes, UIDL and LIST
    MAIL = auto()  # FETCH, RETR
    FLAG = auto()  # STORE


class Family:
    """`meaning`: a code of channels/errors.py; `words`: regular expressions, any case, for what folded() gives."""

    def __init__(self, meaning: str, *words: str, codes: str = "", stages: Iterable[Stage] = tuple(Stage)) -> None:
        self.meaning = meaning
        self.stages = frozenset(stages)
        self.codes = frozenset(codes.split())
        self._words = one_of(*words) if words else None

    def is_said_in(self, answer: str) -> bool:
        return self._words is not None and self._words.search(answer) is not None


def one_of(*words: str) -> re.Pattern[str]:
    return re.compile(folded("|".join(words)), re.IGNORECASE)


def folded(text: str) -> str:
    """Without accents, which many servers leave out."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFD", text.translate(_LETTERS))
    return "".join(character for character in plain if not unicodedata.combining(character))


_LETTERS: Final = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ß": "ss", "œ": "oe"})


ARRIVING: Final = (Stage.SESSION, Stage.SIGN_IN, Stage.FOLDER)
SIGN_IN: Final = (Stage.SIGN_IN,)
FOLDER: Final = (Stage.FOLDER,)

#: RFC 5530 for IMAP, RFC 2449 and 3206 for POP3; looked at when no words fit
BY_CODE: Final = (
    Family("password_refused", codes="AUTHENTICATIONFAILED AUTH", stages=ARRIVING),
    Family("password_expired", codes="EXPIRED", stages=ARRIVING),
    Family("sign_in_by_browser", codes="WEBALERT", stages=ARRIVING),
    Family("account_locked", codes="CONTACTADMIN", stages=ARRIVING),
    Family("folder_not_allowed", codes="NOPERM", stages=FOLDER),
    Family("mailbox_not_allowed", codes="AUTHORIZATIONFAILED NOPERM SYS/PERM", stages=ARRIVING),
    Family("sign_in_method_missing", codes="PRIVACYREQUIRED", stages=ARRIVING),
    Family("mailbox_in_use", codes="INUSE IN-USE"),
    Family("mailbox_full", codes="OVERQUOTA", stages=[Stage.FOLDER, Stage.FLAG]),
    Family("quota_reached", codes="OVERQUOTA"),
    Family("too_many_connections", codes="LIMIT", stages=ARRIVING),
    Family("server_busy", codes="LIMIT LOGIN-DELAY"),
    Family("server_unavailable", codes="UNAVAILABLE TEMPFAIL SYS/TEMP"),
    # At a mail Dovecot says it of a broken one, too: whether the others come is then the answer.
    Family("server_unavailable", codes="SERVERBUG", stages=[*ARRIVING, Stage.LIST]),
    Family("folder_missing", codes="NONEXISTENT TRYCREATE", stages=FOLDER),
    Family("mail_gone", codes="NONEXISTENT EXPUNGEISSUED", stages=[Stage.MAIL]),
)
