"""Lines between us and an IMAP server: a question with its answer, a dialogue, and an answer's head put straight."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from channels.mailboxes.imap_answers import Answer
from channels.mailboxes.said import heard

_HEAD: Final = re.compile(
    rb" *(\*|[A-P]{4}[0-9]+) +([0-9]+ +)?"
    rb"(OK|NO|BAD|BYE|PREAUTH|CAPABILITY|EXISTS|RECENT|EXPUNGE|FETCH|FLAGS|E?SEARCH|LIST|STATUS|ID)(?![A-Z0-9-])",
    re.IGNORECASE,
)
_STRAY: Final = re.compile(
    rb"[ )]+(?:UID|FLAGS|RFC822\.SIZE|INTERNALDATE|MODSEQ)\b|\[COPYUID [0-9:, ]*\]", re.IGNORECASE
)


class _Line(Protocol):
    """`apart`: the server takes one command at a time."""

    apart: bool

    def answer_to(self, tag: bytes) -> Answer: ...
    def has_answer_to(self, tag: bytes) -> bool: ...


class Question:
    """A command, and its answer when it is wanted.

    Sent at once (RFC 3501 5.5); to a server that takes one command at a time, when its answer is wanted.
    """

    def __init__(self, line: _Line, send: Callable[[], bytes]) -> None:
        self._line = line
        self._send = send
        self.tag = None if line.apart else send()

    def answer(self) -> Answer:
        """Reads until the answer is complete."""
        if self.tag is None:
            self.tag = self._send()
        return self._line.answer_to(self.tag)

    @property
    def is_under_way(self) -> bool:
        return self.tag is not None

    @property
    def is_answered(self) -> bool:
        """Without reading: answers are also read while waiting for another."""
        return self.tag is not None and self._line.has_answer_to(self.tag)


class Dialogue:
    """Our lines, each in answer to a "+" of the server; then "*", which cancels (RFC 3501 6.2.2)."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)

    def answer(self, challenge: bytes) -> bytes:
        return next(self._lines, b"*")


def begins_answer(line: bytes) -> bool:
    return _HEAD.match(line) is not None


def is_stray(line: bytes) -> bool:
    """Items of a FETCH behind its end (Xeams), or the numbers of moved mails without their "* OK" (Exchange 2013)."""
    return _STRAY.match(line) is not None


def evened(line: bytes) -> bytes:
    """The head of an answer as imaplib wants it: one space, capitals, something behind it ("*  3 exists")."""
    head = _HEAD.match(line)
    if head is None:
        return line
    even = b" ".join([head[1], *(head[2] or b"").split(), head[3].upper()])
    if head[0] == even and len(line) > len(even):
        return line
    return even + (line[head.end() :] or b" ")


def text_of(words: Any) -> str:
    return heard(words) if isinstance(words, bytes) else str(words)
