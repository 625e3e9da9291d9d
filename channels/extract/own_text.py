"""Which leaves of a mail are its own text, and those that have to be cut once more before that can be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.extract.body import unflowed
from channels.extract.codec import (
    UU_NAMES,
    behind_lead,
    decode,
    is_base64,
    is_encoded_text,
    is_hex,
    says_quoted,
    stands_plainly,
)
from channels.extract.content import AS_IT_STANDS, Scratch, of_encoded, plainly
from channels.extract.in_text import (
    SHOWN,
    Inside,
    Stretch,
    beginning,
    loose_files,
    packed_files,
    pasted_files,
    taken_out,
    uu_files,
)
from channels.extract.limits import Budget
from channels.extract.mime import ENCODED, Leaf, cut_again
from channels.extract.texts import Body
from channels.extract.windows import give_back
from channels.extract.words import charset_of_page, cut_bytes, decode_text
from zenvoices.lib import filetypes
from zenvoices.lib.mail_source import is_entity

_PLAIN, _HTML = "text/plain", "text/html"
_MARKED = frozenset(["text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html"])
_TEXT = frozenset([_PLAIN, _HTML]) | _MARKED
_NOT_TEXT = frozenset(["application/pdf", "application/xml", filetypes.MAIL, filetypes.SMIME, "text/calendar"])
_BEGINNING = 8 * 1024
_LETTER = 4  # bytes of the longest in UTF-8
_AGAIN = 3  # times; each is one decoding more
_DELIMITED = re.compile(
    rb"^--([^\s-][^\r\n]{0,199}?)[ \t]*\r*\n(?:\r*\n)?(?:(?:x-|mime-)[^\n]{1,300}\n){0,5}content-[a-z-]{2,40}[ \t]*:",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(slots=True)
class OwnText:
    """`paths` of the leaves that are it; by the leaf, `files` that old programs put into it, and what was `pasted` into
    a page."""

    body: Body = field(default_factory=Body)
    paths: set[str] = field(default_factory=set)
    files: list[tuple[Leaf, Inside]] = field(default_factory=list)
    pasted: list[tuple[Leaf, Inside]] = field(default_factory=list)

    def room(self, budget: Budget) -> int:
        """How many more files are taken out of texts: all that a mail may have, and the one that tells of more."""
        return budget.limits.parts + 1 - len(self.files) - len(self.pasted)


def encoding_of(leaf: Leaf) -> str:
    """What is called encoded and stands there plainly is read as it stands: so Gmail forwards mails."""
    declared = leaf.head.encoding
    start = bytes(leaf.raw[leaf.start : min(leaf.end, leaf.start + 1024)])
    if declared == "base64" and (stands_plainly(start) or is_hex(start)):
        return ""
    if declared in UU_NAMES and is_base64(start):
        return ""
    return declared


def expanded(leaves: list[Leaf], budget: Budget, scratch: Scratch, level: int = 0) -> Iterator[Leaf]:
    """The leaves, those that are a multipart once decoded, or the source of one, cut again."""
    for leaf in leaves:
        inner = _cut_again(leaf, budget, scratch) if level < _AGAIN and not leaf.refusal else []
        give_back(leaf.raw, leaf.start, leaf.end)
        if inner:
            yield from expanded(inner, budget, scratch, level + 1)
            continue
        if leaf.head.media.startswith("multipart/") and not leaf.refusal:
            leaf.head.media = _PLAIN
        yield leaf


def _cut_again(leaf: Leaf, budget: Budget, scratch: Scratch) -> list[Leaf]:
    head = leaf.head
    multipart = head.media.startswith("multipart/") and head.encoding in ENCODED
    if not multipart:
        if head.media not in (_PLAIN, _HTML) or head.filename or head.disposition == "attachment":
            return []
        with memoryview(leaf.raw) as view:
            start = view[leaf.start : min(leaf.end, leaf.start + _BEGINNING)]
            beginning = decode(start, encoding_of(leaf), Budget(budget.limits))
        if not (is_entity(beginning) or _is_source(beginning)):
            return []
    if not budget.count_unpacked(leaf.size):
        return []
    content = of_encoded(leaf.raw, leaf.start, leaf.end, encoding_of(leaf), budget, scratch)
    return cut_again(leaf, *content.mapped(scratch), budget)


def _is_source(text: bytes) -> bool:
    """Whether the parts of a multipart stand in it, to be read by a person."""
    delimited = _DELIMITED.search(text)
    if not delimited or SHOWN.search(text[: delimited.start()]):
        return False
    alone = b"\n--" + delimited[1] not in text[delimited.end() :]
    return not alone or len(text) >= _BEGINNING or not text[: delimited.start()].strip()


def own_text(leaves: list[Leaf], budget: Budget, scratch: Scratch) -> OwnText:
    """A text with a name, inside the mail, is its text only when no other is."""
    own = OwnText()
    for leaf in leaves:
        if _may_be_text(leaf) and (leaf.choice or not leaf.head.filename):
            _take(leaf, own, budget, scratch)
    named = [leaf for leaf in leaves if _may_be_text(leaf) and leaf.path not in own.paths]
    if named and not own.body.text():
        for leaf in named:
            _take(leaf, own, budget, scratch)
    return own


def _may_be_text(leaf: Leaf) -> bool:
    return not leaf.refusal and leaf.head.media in _TEXT and leaf.head.disposition != "attachment"


def _take(leaf: Leaf, own: OwnText, budget: Budget, scratch: Scratch) -> None:
    """Unless it holds a file all the same."""
    head = leaf.head
    encoding, begin = _encoding_of_text(leaf), leaf.start
    if encoding == "base64":  # a gateway's warning may stand before it as it is
        begin = behind_lead(leaf.raw, leaf.start, leaf.end, is_encoded_text)
    raw, start, end = plainly(leaf.raw, begin, leaf.end, encoding, budget, scratch)
    first = bytes(raw[start : min(end, start + _BEGINNING)])
    kind = filetypes.sniff(first, "", _PLAIN if head.understood else "")
    if is_base64(first) or kind in _NOT_TEXT:
        return
    own.paths.add(leaf.path)
    text: list[Stretch] = [(start, end)]
    for find in (uu_files(budget), packed_files, loose_files) if head.media == _PLAIN else (loose_files,):
        text, files = taken_out(raw, text, find, own.room(budget))
        own.files += [(leaf, file) for file in files]
    text, files = taken_out(raw, text, pasted_files(f"pasted-{leaf.path}"), own.room(budget))
    own.pasted += [(leaf, file) for file in files]
    data = beginning(raw, text, 4 * max(budget.limits.html, budget.limits.text) + _LETTER)
    add_text(own.body, data, leaf, budget, page=kind == _HTML)


def _encoding_of_text(leaf: Leaf) -> str:
    """Also where the mail does not say it: nobody writes so."""
    encoding = encoding_of(leaf)
    if encoding not in AS_IT_STANDS:
        return encoding
    first = bytes(leaf.raw[leaf.start : min(leaf.end, leaf.start + _BEGINNING)])
    if is_encoded_text(first):
        return "base64"
    return "quoted-printable" if says_quoted(first) else encoding


def add_text(body: Body, data: bytes, leaf: Leaf, budget: Budget, *, page: bool) -> None:
    """As far as a mail may have text. `page`: it is HTML, whatever it is called."""
    head, limits = leaf.head, budget.limits
    size = body.plain_size + body.html_size
    if head.media == _PLAIN and not page:
        room = max(0, min(2 * limits.text - body.plain_size, budget.text_room()))
        text = decode_text(cut_bytes(data, min(4 * limits.text, 4 * room)), head.charset)
        if head.params.get("format", "").lower() == "flowed":
            text = unflowed(text, head.params.get("delsp", "").lower() == "yes")
        body.add_plain(text[:room], leaf.choice)
    else:
        room = max(0, min(limits.html - body.html_size, budget.text_room()))
        data = cut_bytes(data, 4 * room)
        body.add_html(decode_text(data, head.charset or charset_of_page(data))[:room], leaf.choice)
    budget.texts += body.plain_size + body.html_size - size
