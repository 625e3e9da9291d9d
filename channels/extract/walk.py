"""Goes through a mail part by part and opens what holds others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from channels.extract.body import shown_images
from channels.extract.codec import decode, is_base64, uu_attachments
from channels.extract.content import Content, Scratch, of_bytes, of_encoded, of_region, windows
from channels.extract.limits import Budget
from channels.extract.mime import Leaf, Message, cut
from channels.extract.model import Part, Raw
from channels.extract.opened import Entry, Opened, Refused
from channels.extract.opening import open_part
from channels.extract.verdict import Hints, Verdict, judge
from channels.extract.words import cut_bytes, decode_text
from zenvoices.lib import filetypes
from zenvoices.lib.apart import Region
from zenvoices.lib.filenames import safe_name

_TEXT = frozenset(["text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html"])
_REPORTED = frozenset(["message/rfc822", "message/global"])
_WORTH_TAKING = frozenset(["archive_encrypted", "damaged", "encrypted", "not_opened", "signed_opaque"])
_PDF = "application/pdf"
_PATH_NAME = 40  # characters of an entry's name in a path; its number is what makes it unique
_LONGEST_PATH, _LONGEST_TYPE, _LARGEST = 255, 127, 2**63 - 1  # what the rows that keep a part have room for
_PATH_DIGEST = 20  # hexadecimal digits


@dataclass(slots=True)
class Found:
    """`content` is None where the bytes could not be had; it can be read until the walk is closed."""

    part: Part
    content: Content | None


@dataclass(slots=True)
class Body:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    depth: int
    archives: int


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """What is in a container, and the file in which it lies."""

    found: Opened
    file: BinaryIO

    def content(self, entry: Entry) -> Content:
        return of_region(Region(self.file, entry.at, entry.size))


class Walk:
    """One mail. `body` holds its own text once `parts()` has begun."""

    def __init__(self, raw: Raw, budget: Budget, directory: Path | None = None) -> None:
        self.budget = budget
        self.body = Body()
        self._scratch = Scratch(directory)
        self._cut = cut(raw, 0, len(raw), "", 0, budget)
        self.head = self._cut.head

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *args: object) -> None:
        self._scratch.close()

    def parts(self) -> Iterator[Found]:
        yield from self._message(self._cut, self.body, 0)

    def _message(self, message: Message, body: Body, archives: int) -> Iterator[Found]:
        inside: list[Found] = []
        texts = {leaf.path for leaf in message.leaves if self._take_text(leaf, body, inside)}
        yield from inside
        shown = shown_images("".join(body.html))
        for leaf in message.leaves:
            if leaf.path not in texts:
                yield from self._leaf(leaf, shown, archives)

    def _take_text(self, leaf: Leaf, body: Body, inside: list[Found]) -> bool:
        """Whether this is the mail's own text. A nameless text part that holds a file is not."""
        head = leaf.head
        if leaf.refusal or head.media not in _TEXT or head.filename or head.disposition == "attachment":
            return False
        data = self._decoded(leaf)
        kind = filetypes.sniff(data[:8192], "", "text/plain" if head.understood else "")
        if is_base64(data[:80]) or kind in (_PDF, "application/xml"):
            return False
        if head.media == "text/html":
            body.html.append(decode_text(cut_bytes(data, 4 * self.budget.limits.html), head.charset))
        elif head.media == "text/plain":
            data, files = uu_attachments(data, self.budget)
            body.plain.append(decode_text(cut_bytes(data, 4 * self.budget.limits.text), head.charset))
            place = Place(leaf.path, leaf.depth, 0)
            for number, (name, file) in enumerate(files, start=1):
                inside.extend(self._entry(place, Entry(number, name, len(file)), of_bytes(file)))
        return True

    def _decoded(self, leaf: Leaf) -> bytes:
        with memoryview(leaf.raw) as view:
            return decode(view[leaf.start : leaf.end], leaf.head.encoding, self.budget)

    def _content(self, leaf: Leaf) -> Content:
        found = of_encoded(leaf.raw, leaf.start, leaf.end, leaf.head.encoding, self.budget, self._scratch)
        if not is_base64(found.head):
            return found
        # Encoded twice, or under a wrong or misspelt Content-Transfer-Encoding: nobody sends this on purpose.
        self.budget.note("base64_undeclared")
        return of_bytes(decode(found.read(), "base64", self.budget))

    def _leaf(self, leaf: Leaf, shown: set[str], archives: int) -> Iterator[Found]:
        head = leaf.head
        cid = head.content_id.lower()
        hints = Hints(head.filename, head.media, head.disposition, shown=bool(cid) and cid in shown)
        place = Place(leaf.path, leaf.depth, archives)
        if leaf.refusal:
            yield self._undecoded(place, hints, leaf.size, leaf.refusal)
        elif leaf.parent == "multipart/report" and head.media in _REPORTED:
            yield self._found(
                place, hints, filetypes.MAIL, self._content(leaf), Verdict("ignored", "delivery_report", True)
            )
        elif head.media in _REPORTED and head.encoding in ("", "7bit", "8bit", "binary"):
            yield from self._forwarded(leaf, place, hints)
        else:
            yield from self._item(place, hints, self._content(leaf))

    def _forwarded(self, leaf: Leaf, place: Place, hints: Hints) -> Iterator[Found]:
        """A mail inside, cut where it lies: no copy however deep they are."""
        if reason := self._why_closed(place, archive=False):
            yield self._undecoded(place, hints, leaf.size, reason)
            return
        digest = hashlib.sha256()
        for window in windows(leaf.raw, leaf.start, leaf.end):
            digest.update(window)
        name = safe_name(hints.name, filetypes.MAIL)
        yield Found(
            _part(place, name, filetypes.MAIL, leaf.size, digest.hexdigest(), Verdict("container", "opened")), None
        )
        inner = cut(leaf.raw, leaf.start, leaf.end, place.path, leaf.depth + 1, self.budget)
        yield from self._message(inner, Body(), place.archives)

    def _item(self, place: Place, hints: Hints, content: Content) -> Iterator[Found]:
        kind = _kind(content, hints)
        if content.size > self.budget.limits.part:
            yield self._found(place, hints, kind, content, Verdict("refused", "too_large", True))
            return
        inside: list[Found] | Iterator[Found] = []
        try:
            kind, opened = self._look(place, kind, hints, content)
            verdict = judge(content, kind, hints)
            if verdict.outcome == "container":
                inside = self._inside(place, kind, content, opened)
            elif opened and opened.found.entries:
                inside = list(self._entries(place, opened))
                if any(found.part.outcome == "document" for found in inside):
                    verdict = Verdict("container", "opened")
        except Refused as refused:
            verdict = Verdict("refused", refused.reason, refused.reason in _WORTH_TAKING)
        yield self._found(place, hints, kind, content, verdict)
        yield from inside

    def _look(self, place: Place, kind: str, hints: Hints, content: Content) -> tuple[str, _Unpacked | None]:
        """What needs opening to know what it is is opened at once. Raises Refused."""
        if kind not in (filetypes.ZIP, filetypes.OLE) and not (kind == _PDF and content.may_be_locked):
            return kind, None
        may = self._why_closed(place, archive=kind == filetypes.ZIP) == ""
        hint = filetypes.expected(hints.name, hints.declared)
        opened = _Unpacked(*open_part(kind, content, self.budget, self._scratch, inside=may, hint=hint))
        if opened.found.reason:
            raise Refused(opened.found.reason)
        return opened.found.kind or kind, opened

    def _why_closed(self, place: Place, archive: bool) -> str:
        """The reason when nothing may be opened here."""
        if self.budget.full:
            return "too_many_parts"
        if place.depth >= self.budget.limits.depth:
            return "too_deep"
        return "too_deep" if archive and place.archives >= self.budget.limits.archive_depth else ""

    def _inside(self, place: Place, kind: str, content: Content, opened: _Unpacked | None) -> Iterator[Found]:
        """What a container holds. Raises Refused at once, not when the first part is asked for."""
        if reason := self._why_closed(place, archive=kind == filetypes.ZIP):
            raise Refused(reason)
        if opened:
            return self._entries(place, opened)
        # Each level is a copy that stays until the mail is done.
        if not self.budget.count_unpacked(content.size):
            raise Refused("too_deep")
        if kind == filetypes.MAIL:
            return self._mail(place, content)
        opened = _Unpacked(*open_part(kind, content, self.budget, self._scratch))
        if opened.found.reason:
            raise Refused(opened.found.reason)
        if kind == filetypes.SMIME:
            return self._mail(place, opened.content(opened.found.entries[0]))
        return self._entries(place, opened)

    def _mail(self, place: Place, content: Content) -> Iterator[Found]:
        raw, start, end = content.mapped(self._scratch)
        inner = cut(raw, start, end, place.path, place.depth + 1, self.budget)
        # A mail that is nothing but a signed envelope: what it says is the mail's own text.
        yield from self._message(inner, Body() if place.depth else self.body, place.archives)

    def _entries(self, place: Place, opened: _Unpacked) -> Iterator[Found]:
        for entry in opened.found.entries:
            if self.budget.full:
                return
            mailed = opened.found.kind == filetypes.OUTLOOK
            yield from self._entry(place, entry, None if entry.reason else opened.content(entry), mailed)

    def _entry(self, place: Place, entry: Entry, content: Content | None, mailed: bool = False) -> Iterator[Found]:
        """`mailed`: it was attached to a message, not put into an archive."""
        name = safe_name(entry.name, "")
        inner = Place(f"{place.path}/{name[:_PATH_NAME]}#{entry.number}", place.depth + 1, place.archives + 1)
        hints = Hints(entry.name, "", "attachment" if mailed else "", entry.shown, attached=not mailed)
        reason = entry.reason if self.budget.count_part() else "too_many_parts"
        if reason or content is None:
            yield self._undecoded(inner, hints, entry.size, reason)
        else:
            yield from self._item(inner, hints, content)

    def _found(self, place: Place, hints: Hints, kind: str, content: Content, verdict: Verdict) -> Found:
        name = safe_name(hints.name, kind)
        return Found(_part(place, name, kind, content.size, content.sha256, verdict), content)

    def _undecoded(self, place: Place, hints: Hints, size: int, reason: str) -> Found:
        kind = filetypes.expected(hints.name, hints.declared) or filetypes.BINARY
        name = safe_name(hints.name, kind)
        return Found(_part(place, name, kind, size, "", Verdict("refused", reason)), None)


def _kind(content: Content, hints: Hints) -> str:
    if content.head.startswith(filetypes.OLE_MAGIC):
        return filetypes.OLE
    if not content.head.strip() and not content.blank:
        return "text/plain"
    return filetypes.sniff(content.head, hints.name, hints.declared)


def _part(place: Place, name: str, kind: str, size: int, digest: str, verdict: Verdict) -> Part:
    kind = kind if len(kind) <= _LONGEST_TYPE else filetypes.BINARY  # only a sender's invention is that long
    path, size = _fitting(place.path), max(0, min(size, _LARGEST))
    return Part(path, name, kind, size, digest, verdict.outcome, verdict.reason, verdict.can_be_taken)


def _fitting(path: str) -> str:
    """A path that is too long ends in a digest of the whole: as stable and as unique as the path itself."""
    if len(path) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:_PATH_DIGEST]
    return f"{path[: _LONGEST_PATH - _PATH_DIGEST - 1]}~{digest}"
