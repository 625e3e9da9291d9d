"""Makes a page of a mail that shows as the mail looked; run as a process of its own, because the mail may be hostile.

    python -m documents.render_mail READER FILE TARGET

READER is the module that knows mails: its page(file, folder) gives the HTML, the pictures in it by their address, and
the host that has the invoice when only a link leads to it. Prints one line of JSON: {"html": bool, "left_out": n,
"host": ""} or {"problem": "too_large"}; with `html`, TARGET is the page. `left_out`: pictures that lie elsewhere, or
that cannot be drawn. Limits and reasons are those of documents.render_page.
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from documents.render_page import IMAGES, Refused, limit, picture

#: an attachment of the mail is decoded into a file before it is passed over
WRITTEN_BYTES = 200_000_000
_MOST_BYTES = 8_000_000  # of all pictures of a mail, as they are drawn
_MOST_PICTURES = 100
_WIDEST = 1200
_KINDS = IMAGES | {"image/gif": "GIF"}
_TAGS = {
    *(
        "p",
        "br",
        "div",
        "span",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "small",
        "big",
        "sub",
        "sup",
        "ul",
        "ol",
        "li",
        "dl",
    ),
    *("dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "col", "colgroup", "blockquote"),
    *("pre", "code", "tt", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "center", "font", "img"),
}
_LAYOUT = {"align", "valign", "width", "height", "bgcolor", "border", "dir", "lang", "style"}
_CELLS = {"cellpadding", "cellspacing", "colspan", "rowspan", "nowrap"}
_ATTRIBUTES = {
    "*": _LAYOUT,
    **dict.fromkeys(["table", "td", "th"], _CELLS),
    "img": {"src", "alt"},
    "font": {"color", "size", "face"},
    "ol": {"start", "type"},
}
#: nothing that leaves its place, covers anything else or loads
_STYLES = (
    *("background", "border", "color", "direction", "font", "letter-spacing", "line-height", "list-style-type"),
    *("margin", "max-width", "min-width", "padding", "text-align", "text-decoration", "text-indent", "text-transform"),
    *("vertical-align", "white-space", "width", "height", "word-break", "word-spacing", "display", "table-layout"),
    *("empty-cells", "caption-side"),
)
_SAID = re.compile(r"[^()\\@<]*(?:(?<=[: ,])(?:rgb|hsl)a?\([\d\s.,%/]*\)[^()\\@<]*)*", re.IGNORECASE)
_PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<style>body{margin:16px;font:15px/1.5 system-ui,sans-serif;color:#1f1d19;background:#fff;overflow-wrap:anywhere}"
    "img{max-width:100%}blockquote{margin:0 0 0 8px;padding-left:8px;border-left:3px solid #e2ddd3}</style></head>"
    "<body>"
)


@dataclass(slots=True)
class Pictures:
    """The mail's own, drawn anew and written into the page: nothing is asked of anywhere."""

    found: dict[str, bytes]
    left_out: int = 0
    _written: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def at(self, address: str) -> str | None:
        """What to write instead of the address; None for a picture that is not shown."""
        if address not in self._written:
            drawn = self._drawn(address) if len(self._written) < _MOST_PICTURES else ""
            self._bytes += len(drawn)
            self._written[address] = drawn if self._bytes <= _MOST_BYTES else ""
            self.left_out += not self._written[address]
        return self._written[address] or None

    def _drawn(self, address: str) -> str:
        from zenvoices.lib.filetypes import sniff  # noqa: PLC0415 (after the limits)

        data = _inline(address) or self.found.get(unquote(address).lower().removeprefix("cid:"), b"")
        kind = _KINDS.get(sniff(data, "", "")) if data else None
        if not kind:
            return ""
        drawn = io.BytesIO()
        try:
            picture(io.BytesIO(data), kind, 1, _WIDEST)[0].save(drawn, "WEBP", quality=82, method=3)
        except Refused:
            return ""
        return "data:image/webp;base64," + base64.b64encode(drawn.getvalue()).decode()


def _inline(address: str) -> bytes:
    """A picture that is written into the HTML itself (RFC 2397)."""
    head, comma, data = address.partition(",")
    if not comma or not head.lower().startswith("data:image/") or not head.lower().endswith(";base64"):
        return b""
    return base64.b64decode(unquote(data) + "==")  # what is not of the alphabet is passed over


def harmless(html: str, pictures: Pictures) -> str:
    """No scripts, forms or links; nothing that loads or leaves its place."""
    import nh3  # noqa: PLC0415 (after the limits)

    def kept(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("img", "src"):
            return pictures.at(value)
        return _style(value) if name == "style" else value

    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=kept,
        url_schemes={"cid", "data", "http", "https"},
    )


def _style(value: str) -> str | None:
    declared = [one.strip() for one in value.split(";")]
    kept = [one for one in declared if one.lower().startswith(_STYLES) and _SAID.fullmatch(one)]
    return ";".join(kept) or None


def render(reader: str, source: Path, target: Path) -> dict[str, Any]:
    html, found, host = importlib.import_module(reader).page(source, target.parent)
    if not html.strip():
        return {"html": False, "left_out": 0, "host": host}
    pictures = Pictures(found)
    target.write_text(f"{_PAGE}{harmless(html, pictures)}</body></html>", "utf-8", "replace")
    return {"html": True, "left_out": pictures.left_out, "host": host}


def main(arguments: list[str]) -> None:
    reader, source, target = arguments
    limit(WRITTEN_BYTES)
    try:
        answer = render(reader, Path(source), Path(target))
    except MemoryError:
        answer = {"problem": "too_large"}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")  # Pillow warns of half a bomb; twice that is refused
    main(sys.argv[1:])
