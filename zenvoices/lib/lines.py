"""Names that people type: one line, in which everything can be seen."""

from __future__ import annotations

import unicodedata

#: Control, format (bidi marks, zero width), halves of a pair, private use, not assigned.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def plain_line(text: str) -> str:
    """NFC, single spaces, and no character that nobody sees: two names that look alike are the same name."""
    seen = (" " if character.isspace() else character for character in text)
    seen = (character for character in seen if unicodedata.category(character) not in _UNSEEN)
    return " ".join(unicodedata.normalize("NFC", "".join(seen)).split())
