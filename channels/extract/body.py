"""The text of a mail, and what its HTML shows."""

from __future__ import annotations

import html as entities
import re
from urllib.parse import unquote

from channels.extract.words import storable

_TAG = re.compile(r"/?[a-z][a-z0-9]*", re.IGNORECASE)
_BREAKS = frozenset(
    ["br", "p", "div", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "h1", "h2", "h3", "h4", "h5", "h6"]
)
_UNSEEN = frozenset(["script", "style", "title"])
# In lower case; by the letters that each begins with, which a search looks for first: no \b before them.
_ADDRESSES = {
    "cid:": re.compile(r"cid:([^\"'<>\s)]{1,250})"),
    "src": re.compile(r"src(?<=\bsrc)\s*=\s*[\"']?([^\"'<>\s]{1,500})"),
    "background": re.compile(r"background(?<=\bbackground)\s*=\s*[\"']?([^\"'<>\s]{1,500})"),
    "url(": re.compile(r"url\((?<=\burl\()\s*[\"']?([^\"'<>\s)]{1,500})"),
}
_CENTS = re.compile(r"<(?<=\d<)sup\b[^<>]{0,200}>\s*([\d-]{2})\s*(?=</sup)", re.IGNORECASE)
# html.unescape() raises on numbers of more than 4,300 digits (the interpreter's limit for int()).
_ABSURD = re.compile(r"&#x?[0-9a-f]{9,};?", re.IGNORECASE)
_MOST_IMAGES = 1_000


def shown_images(html: str) -> set[str]:
    """The Content-IDs and Content-Locations that the HTML refers to (RFC 2392, RFC 2557)."""
    html, found = html.lower(), set[str]()
    for word, address in _ADDRESSES.items():
        most = _MOST_IMAGES if word == "cid:" else 2 * _MOST_IMAGES
        for match in address.finditer(html) if word in html else ():
            if len(found) >= most:
                break
            found.add(_written(match[1]))
    return found


def _written(address: str) -> str:
    return unquote(entities.unescape(address) if "&" in address else address).lower()


def html_to_text(html: str) -> str:
    """Readable text in one pass. html.parser takes quadratic time on unclosed tags and comments."""
    html = _CENTS.sub(r",\1", html)  # twelve euros and fifty cents, not 1,250
    first, *pieces = html.split("<")
    out = [first]
    inside = ""  # what is being skipped: "!--" or the name of an element
    gaps: dict[str, str] = {}  # what a tag puts between its neighbours: a page has the same tags again and again
    for piece in pieces:
        tag, closed, text = piece.partition(">")
        if not inside and tag in gaps:
            out += gaps[tag], text
            continue
        name = tag[:12].lower()
        if inside == "!--":
            _, ended, text = piece.partition("-->")
            inside, text = ("", text) if ended else (inside, "")
        elif inside:
            inside, text = ("", text) if name.startswith("/" + inside) else (inside, "")
        elif name.startswith("!--"):
            _, ended, text = piece[3:].partition("-->")
            inside, text = ("", text) if ended else ("!--", "")
        elif not (word := _TAG.match(tag)) and not tag.startswith(("!", "?")):
            text = "<" + piece  # a less-than sign in the text
        else:
            element = word[0].lower().strip("/") if word else ""
            gap = "\n" if element in _BREAKS else " " if element in ("td", "th") else ""
            out.append(gap)
            if closed and element in _UNSEEN and not tag.startswith("/"):
                inside, text = element, ""
            elif closed:
                gaps[tag] = gap
        out.append(text)
    plain = entities.unescape(_ABSURD.sub("", _collapsed("".join(out))))
    return tidy(plain.replace("\xa0", " "))


def unflowed(text: str, delete_space: bool) -> str:
    """format=flowed (RFC 3676): lines that end in a blank go on in the next."""
    paragraphs: list[list[str]] = []
    open_depth = -1
    for line in text.replace("\r\n", "\n").split("\n"):
        stripped = line.lstrip(">")
        depth = len(line) - len(stripped)
        stripped = stripped.removeprefix(" ")  # 4.4: stuffed so that it is not taken for a quote
        signature = stripped == "-- "
        flows = stripped.endswith(" ") and not signature
        piece = stripped[:-1] if flows and delete_space else stripped
        if open_depth == depth and not signature:
            paragraphs[-1].append(piece)
        else:
            paragraphs.append([">" * depth + (" " if depth else "") + piece])
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) for pieces in paragraphs)


def _collapsed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def tidy(text: str) -> str:
    """No trailing blanks, no more than one empty line in a row, no control characters."""
    lines = [storable(line).rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
