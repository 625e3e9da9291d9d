"""Passwords that are easily guessed, told before they are taken. Nothing is asked of anybody outside."""

from __future__ import annotations

import re
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from administrations.models import User

#: of 0 to 4: 4 takes ten thousand million guesses
STRONG: Final = 4
#: what is longer is judged by its beginning: the work grows with the square of the length
JUDGED: Final = 72
#: What people here begin with; the library's own lists are English.
WORDS: Final = (
    "zenvoices", "wachtwoord", "welkom", "geheim", "factuur", "facturen", "kantoor", "boekhouding", "administratie",
    "lente", "zomer", "herfst", "winter", "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus",
    "september", "oktober", "november", "december", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag",
    "zaterdag", "zondag", "amsterdam", "rotterdam", "utrecht", "nederland", "voetbal", "ajax", "feyenoord",
)  # fmt: skip


class StrengthValidator:
    """Refuses what is on the library's list of leaked passwords, or what few guesses find."""

    def validate(self, password: str, user: User | None = None) -> None:
        found = zxcvbn(password[:JUDGED], user_inputs=[*WORDS, *_words_about(user)])
        if found["score"] >= STRONG:
            return
        leaked = any(part.get("dictionary_name") == "passwords" for part in found["sequence"])
        raise ValidationError(_leaked() if leaked else _easy(), code="password_leaked" if leaked else "password_easy")

    def get_help_text(self) -> str:
        return _("Three or four words that have nothing to do with each other are good.")


def _words_about(user: Any) -> list[str]:
    return re.findall(r"\w{3,}", f"{user.email} {user.name}".lower()) if user else []


def _leaked() -> str:
    return _("This is, or looks like, a password that leaked elsewhere. Choose one that you use nowhere else.")


def _easy() -> str:
    return _("This password is easy to guess. Take three or four words that have nothing to do with each other.")
