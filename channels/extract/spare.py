"""What a mail without a document gives after all: its largest picture, its attached page, a link."""

from __future__ import annotations

from dataclasses import replace

from channels.extract import links
from channels.extract.parts import Found, Place, told
from channels.extract.texts import stands_alone
from channels.extract.verdict import Verdict

_LINK = "text/uri-list"


def given_after_all(held: list[Found], html: str, text: str) -> list[Found]:
    """`held`: its parts, none of them a document. `html`, `text`: what it says, attached pages included."""
    pictures = [one for one in held if one.picture]
    if pictures and not stands_alone(text):
        best = max(pictures, key=lambda one: (one.picture.pixels, one.part.size) if one.picture else (0, 0))
        best.part = replace(best.part, outcome="document", reason="", can_be_taken=True)
        return held
    for one in held:
        if one.text:
            one.part = replace(one.part, reason="body_text")
    told_already = any(one.part.reason == "behind_link" for one in held)
    if not stands_alone(text) and not told_already and (host := links.invoice_host(html, text)):
        link = told(Place("link", 0, 0), host, _LINK, 0, "", Verdict("ignored", "behind_link"))
        return [*held, Found(link, None)]
    return held
