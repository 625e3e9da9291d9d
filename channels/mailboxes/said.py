"""A server's own words, as they may be shown to who manages the channel.

They come from outside. A hostile server may repeat what it was told, in whatever form: only plain words stay, and
nothing stays when what is left spells a secret all the same.
"""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from channels.credentials import BearerToken, Credentials

_LONGEST: Final = 120  # characters that are shown
_READ: Final = 1000
_LONGEST_WORD: Final = 24  # in letters; German needs them
_SHORTEST: Final = 3  # letters and digits of a secret: one of two stands in any sentence
_PART: Final = 4  # letters of a word that is a piece of the secret
_GAP: Final = "…"
#: tag and status, response codes, and a session number behind them ("sc=1")
_FRAME: Final = re.compile(r"^(?:\* |[A-P]{4}\d+ )?(?:(?:NO|BAD|BYE)\b|-ERR|-err)|\[[^\]]*\]|\bsc=\S*")
_PARTS: Final = re.compile(r"[-/.'’]")
#: of 163.com: no letter beyond ASCII stands alone, as it would in French
_CHINESE: Final = re.compile(rb"(?:[\x00-\x7f]*[\xa1-\xf7][\xa1-\xfe]){4,}[\x00-\x7f]*")
_EDGES: Final = " .,:;!?()\"'“”‘’<>"


def heard(answer: bytes) -> str:
    """A line of a server. What is not UTF-8 is Windows-1252, as servers that know one language say it; or GBK."""
    try:
        return answer.decode("utf-8")
    except UnicodeDecodeError:
        return answer.decode("gbk" if _CHINESE.fullmatch(answer) else "cp1252", "replace")


def words_of(answer: str, credentials: Credentials | None = None) -> str:
    """At most 120 characters, "" when nothing is left. `credentials`: what the server was shown."""
    secret, name = _secret(credentials), credentials.username if credentials else ""
    text = _FRAME.sub(" ", _even(answer[:_READ]))
    words = (_without(secret, text) if secret else text).split()
    forms = [form for form in (*_forms(secret), *_encoded(name)) if len(form) >= _SHORTEST]
    spelt = [word for word in words if any(form in _squeezed(word) for form in forms)]
    others = _squeezed("".join(word for word in words if word not in spelt))
    if any(form in others for form in forms):  # over several words
        return ""
    kept = [word if word not in spelt and _is_plain(word, secret, name) else _GAP for word in words]
    said = re.sub(rf"{_GAP}(?:\s*{_GAP})*", _GAP, " ".join(kept))
    if not _squeezed(said):
        return ""
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1].rsplit(" ", 1)[0] + _GAP


def _secret(credentials: Credentials | None) -> str:
    if credentials is None:
        return ""
    return credentials.token if isinstance(credentials, BearerToken) else credentials.password


def _even(text: str) -> str:
    """Without characters that do not show, or turn the direction of others; look-alikes in their plain form."""
    kept = (" " if character.isspace() else character for character in unicodedata.normalize("NFKC", text))
    return "".join(character for character in kept if not unicodedata.category(character).startswith("C"))


def _without(secret: str, text: str) -> str:
    return re.sub(re.escape(_even(secret)), f" {_GAP} ", text, flags=re.IGNORECASE)


def _is_plain(word: str, secret: str, name: str) -> bool:
    """A word of a language, a short number, the user name: nothing that could hold something else."""
    bare = word.strip(_EDGES)
    if not bare:
        return False
    folded = bare.casefold()
    if folded == secret.casefold() or (len(bare) >= _PART and folded in secret.casefold()):
        return False
    return folded == name.casefold() or all(_is_word(part) for part in _PARTS.split(bare) if part)


def _is_word(part: str) -> bool:
    if part.isdecimal():
        return len(part) <= 4
    cased = part.islower() or part.isupper() or part[1:].islower() or not part.isascii()
    return part.isalpha() and len(part) <= _LONGEST_WORD and cased


def _forms(secret: str) -> Iterator[str]:
    """How a secret may stand in a line from which blanks and signs are gone."""
    plain = _squeezed(secret)
    yield from (plain, plain[::-1], codecs.encode(plain, "rot13"))
    yield from _encoded(secret)


def _encoded(text: str) -> Iterator[str]:
    for encoding in ("utf-8", "latin-1"):
        data = text.encode(encoding, "ignore")
        if len(data) < _SHORTEST:
            continue
        yield data.hex()
        yield _squeezed(base64.b32encode(data).decode().rstrip("="))
        for shift in range(3):  # wherever it begins in what was encoded (the response of PLAIN)
            coded = base64.b64encode(bytes(shift) + data).decode().rstrip("=")
            yield _squeezed(coded[(shift * 8 + 5) // 6 : -1])


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))).casefold()
