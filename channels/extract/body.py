"""The text of a mail, and what its HTML shows."""

from __future__ import annotations

import html as entities
import re
from urllib.parse import unquote

from channels.extract.words import storable

_CID = re.compile(r"cid:([^\"'<>\s)]{1,250})", re.IGNORECASE)
_TAG = re.compile(r"/?[a-z][a-z0-9]*", re.IGNORECASE)
_BREAKS = frozenset(
    [
        "br",
        "p",
        "div",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "blockquote",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ]
)
_UNSEEN = frozenset(["script", "style", "head", "title"])
# html.unescape() raises on numbers of more than 4,300 digits (the interpreter's limit for int()).
_ABSURD = re.compile(r"&#x?[0-9a-f]{9,};?", re.IGNORECASE)
_MOST_IMAGES = 1_000


def shown_images(html: str) -> set[str]:
    """The Content-IDs that the HTML refers to (RFC 2392)."""
    found: set[str] = set()
    for match in _CID.finditer(html):
        found.add(unquote(entities.unescape(match[1]) if "&" in match[1] else match[1]).lower())
        if len(found) >= _MOST_IMAGES:
            break
    return found


def html_to_text(html: str) -> str:
    """Readable text in one pass. html.parser takes quadratic time on unclosed tags and comments."""
    out: list[str] = []
    inside = ""  # what is being skipped: "!--" or the name of an element
    for number, piece in enumerate(html.split("<")):
        tag, closed, text = piece.partition(">") if number else ("", ">", piece)
        name = tag.lower() if len(tag) < 12 else tag[:12].lower()
        if inside == "!--":
            _, ended, text = piece.partition("-->")
            inside = "" if ended else inside
            text = text if ended else ""
        elif inside:
            inside, text = ("", text) if name.startswith("/" + inside) else (inside, "")
        elif name.startswith("!--"):
            _, ended, text = piece[3:].partition("-->")
            inside, text = ("", text) if ended else ("!--", "")
        elif number and not _TAG.match(tag) and not tag.startswith(("!", "?")):
            text = "<" + piece  # a less-than sign in the text
        else:
            word = _TAG.match(tag)
            element = word[0].lower().strip("/") if word else ""
            out.append("\n" if element in _BREAKS else " " if element in ("td", "th") else "")
            if closed and element in _UNSEEN and not tag.startswith("/"):
                inside, text = element, ""
        out.append(text)
    plain = entities.unescape(_ABSURD.sub("", _collapsed("".join(out))))
    return tidy(plain.replace("\xa0", " "))


def _collapsed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def tidy(text: str) -> str:
    """No trailing blanks, no more than one empty line in a row, no control characters."""
    text = storable(text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.rstrip() for line in text.split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
