"""An invoice that stands behind a link: its host is told, the link is never followed."""

from __future__ import annotations

import html as entities
import re
from urllib.parse import urlsplit

from channels.extract.body import html_to_text
from channels.extract.words import one_line

# The tag first, then its link: in one pattern each href would be tried with each end of the tag.
_ANCHOR = re.compile(r"<a\s([^<>]{0,6000}+)>", re.IGNORECASE)
_HREF = re.compile(r"href\s{0,9}=\s{0,9}[\"']?\s{0,9}(https?:[^\"'\s<>]{1,2000})", re.IGNORECASE)
_PLAIN = re.compile(r"https?://[^\s<>\"')\]]{3,2000}", re.IGNORECASE)
_MEANT = re.compile(
    r"factu|invoice|rechnung|rekening|\bnota\b|fattura|\bfactura|\bbon\b|receipt|\.pdf\b", re.IGNORECASE
)
_NOT_MEANT = re.compile(
    r"unsubscribe|afmelden|uitschrijven|privacy|voorwaarden|terms|facebook|linkedin|instagram|twitter|youtube", re.I
)
_MOST_LINKS = 50
_SHOWN = 500  # characters of what a link is called


def invoice_host(html: str, text: str) -> str:
    """Host of the link by which the mail gives its invoice; "" when it gives none so."""
    spoken = bool(_MEANT.search(text))
    links = [*_anchors(html), *((match[0], "") for match in _PLAIN.finditer(text))][:_MOST_LINKS]
    links = [(link, name) for link, name in links if not _NOT_MEANT.search(link + " " + name)]
    for link, name in links:
        if _MEANT.search(name) or _MEANT.search(link):
            return host(link)
    return host(links[0][0]) if spoken and len(links) == 1 else ""


def host(link: str) -> str:
    try:
        return one_line(urlsplit("".join(link.split())).hostname or "", 253)
    except ValueError:
        return ""


def _anchors(html: str) -> list[tuple[str, str]]:
    found = []
    for match in _ANCHOR.finditer(html):
        href = _HREF.search(match[1])
        if not href:
            continue
        name = html[match.end() : match.end() + _SHOWN]
        found.append((entities.unescape(href[1]), html_to_text(re.split("</a", name, maxsplit=1, flags=re.I)[0])))
        if len(found) >= _MOST_LINKS:
            break
    return found
