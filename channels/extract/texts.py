"""What a mail says: of several versions of a text the one that says most, of several texts all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.extract.body import html_to_text, tidy

_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"\w[\w.,:/-]*\w|\w")
_AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)")
_LONG = 300  # characters; with so many, or an amount, a text stands on its own
_MOST_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class _Piece:
    """One of the two is "". `choice`: the multipart/alternative that it is one version of; "" outside one."""

    plain: str
    html: str
    choice: str


@dataclass(slots=True)
class Body:
    """Texts in the order in which they stand. Characters: `plain_size` of plain texts, `html_size` of pages.

    Pages become text only when somebody asks for it: a mail may hold many mails that nobody reads.
    """

    plain_size: int = 0
    html_size: int = 0
    _pieces: list[_Piece] = field(default_factory=list)
    _text: str | None = None

    def add_plain(self, text: str, choice: str = "") -> None:
        self._put(_Piece(text, "", choice))

    def add_html(self, html: str, choice: str = "") -> None:
        self._put(_Piece("", html, choice))

    def take(self, other: Body) -> None:
        for piece in other._pieces:
            self._put(piece)

    def _put(self, piece: _Piece) -> None:
        self._pieces.append(piece)
        self.plain_size += len(piece.plain)
        self.html_size += len(piece.html)
        self._text = None

    def html(self) -> str:
        return "\n".join(piece.html for piece in self._pieces if piece.html)

    def text(self) -> str:
        if self._text is None:
            self._text = "\n\n".join(filter(None, self._kept()))
        return self._text

    def _kept(self) -> list[str]:
        kept: list[str] = []
        said = [(piece, tidy(piece.plain) or html_to_text(piece.html)) for piece in self._pieces]
        for choice in dict.fromkeys(piece.choice for piece in self._pieces):
            texts = [(piece, text) for piece, text in said if piece.choice == choice and text]
            plain = "\n\n".join(text for piece, text in texts if not piece.html)
            shown = "\n\n".join(text for piece, text in texts if piece.html)
            if choice or says(plain, shown) or says(shown, plain):
                kept.append(_richer(plain, shown))
            else:
                kept += [text for _, text in texts]
        return kept


def stands_alone(text: str) -> bool:
    """Whether this may be an invoice itself, and is not only what goes with one."""
    return len(text) >= _LONG or bool(_AMOUNT.search(text))


def _richer(plain: str, shown: str) -> str:
    """The plain text, unless it is a stub: "your program shows no HTML", or without the amounts."""
    if not plain or not shown:
        return plain or shown
    ours, theirs = _words(plain), _words(shown)
    numbers = {word for word in theirs if word[0].isdigit()}
    if numbers <= ours and 2 * len(ours) >= len(theirs):
        return plain
    return shown if 2 * len(theirs) >= len(ours) else plain


def says(one: str, other: str) -> bool:
    """Whether `one` holds nearly all that `other` says."""
    words = _words(other)
    return bool(words) and len(words & _words(one)) * 10 >= len(words) * 9


def _words(text: str) -> set[str]:
    different = " ".join(dict.fromkeys(text[: 10 * _MOST_WORDS].lower().split()))
    return set(_WORD.findall(_ADDRESS.sub(" ", different))[:_MOST_WORDS])
