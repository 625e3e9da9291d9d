"""Goes through a mail part by part and opens what holds others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.extract import tnef
from channels.extract.archive import Archive, Entry, Refused
from channels.extract.body import shown_images
from channels.extract.cms import Unreadable, signed_content
from channels.extract.codec import decode, uu_attachments
from channels.extract.limits import Budget
from channels.extract.mime import Leaf, Message, cut
from channels.extract.model import Part, Raw
from channels.extract.verdict import Hints, Verdict, judge
from channels.extract.words import cut_bytes, decode_text
from zenvoices.lib import filetypes
from zenvoices.lib.filenames import safe_name

_TEXT = frozenset(["text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html"])
_REPORTED = frozenset(["message/rfc822", "message/global"])
_WORTH_TAKING = frozenset(["archive_encrypted", "damaged", "signed_opaque"])
_PATH_NAME = 40  # characters of an entry's name in a path; its number is what makes it unique
_LONGEST_PATH, _LONGEST_TYPE = 255, 127  # what the rows that keep a part have room for
_PATH_DIGEST = 20  # hexadecimal digits


@dataclass(slots=True)
class Found:
    """`data` is None where the bytes could not be had."""

    part: Part
    data: bytes | None


@dataclass(slots=True)
class Body:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    depth: int
    archives: int


class Walk:
    """One mail. `body` holds its own text once `parts()` has begun."""

    def __init__(self, raw: Raw, budget: Budget) -> None:
        self.budget = budget
        self.body = Body()
        self._cut = cut(raw, 0, len(raw), "", 0, budget)
        self.head = self._cut.head

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
        """Whether this is the mail's own text. A nameless text part that holds a PDF or an XML is not."""
        head = leaf.head
        if leaf.refusal or head.media not in _TEXT or head.filename or head.disposition == "attachment":
            return False
        data = self._decoded(leaf)
        if filetypes.sniff(data[:8192], "", "text/plain") in ("application/pdf", "application/xml"):
            return False
        if head.media == "text/html":
            body.html.append(decode_text(cut_bytes(data, 4 * self.budget.limits.html), head.charset))
        elif head.media == "text/plain":
            data, files = uu_attachments(data, self.budget)
            body.plain.append(decode_text(cut_bytes(data, 4 * self.budget.limits.text), head.charset))
            place = Place(leaf.path, leaf.depth, 0)
            for number, (name, content) in enumerate(files, start=1):
                inside.extend(self._entry(place, Entry(number, name, len(content), content)))
        return True

    def _decoded(self, leaf: Leaf) -> bytes:
        with memoryview(leaf.raw) as view:
            return decode(view[leaf.start : leaf.end], leaf.head.encoding, self.budget)

    def _leaf(self, leaf: Leaf, shown: set[str], archives: int) -> Iterator[Found]:
        head = leaf.head
        cid = head.content_id.lower()
        hints = Hints(head.filename, head.media, head.disposition, shown=bool(cid) and cid in shown)
        place = Place(leaf.path, leaf.depth, archives)
        if leaf.refusal:
            yield self._undecoded(place, hints, leaf.size, leaf.refusal)
        elif leaf.parent == "multipart/report" and head.media in _REPORTED:
            data = self._decoded(leaf)
            yield self._found(place, hints, filetypes.MAIL, data, Verdict("ignored", "delivery_report", True))
        elif head.media in _REPORTED and head.encoding in ("", "7bit", "8bit", "binary"):
            yield from self._forwarded(leaf, place, hints)
        else:
            yield from self._item(place, hints, self._decoded(leaf))

    def _forwarded(self, leaf: Leaf, place: Place, hints: Hints) -> Iterator[Found]:
        """A mail inside, cut where it lies: no copy however deep they are."""
        try:
            self._may_open(place)
        except Refused as refused:
            yield self._undecoded(place, hints, leaf.size, refused.reason)
            return
        with memoryview(leaf.raw) as view:
            digest = hashlib.sha256(view[leaf.start : leaf.end]).hexdigest()
        name = safe_name(hints.name, filetypes.MAIL)
        yield Found(_part(place, name, filetypes.MAIL, leaf.size, digest, Verdict("container", "opened")), None)
        inner = cut(leaf.raw, leaf.start, leaf.end, place.path, leaf.depth + 1, self.budget)
        yield from self._message(inner, Body(), place.archives)

    def _item(self, place: Place, hints: Hints, data: bytes) -> Iterator[Found]:
        if len(data) > self.budget.limits.part:
            kind = filetypes.sniff(data[:8192], hints.name, hints.declared)
            yield self._found(place, hints, kind, data, Verdict("refused", "too_large", True))
            return
        kind = filetypes.sniff(data, hints.name, hints.declared)
        archive: Archive | None = None
        inside: Iterator[Found] = iter(())
        try:
            if kind == filetypes.ZIP:
                archive = Archive(data, self.budget)
                kind = archive.kind
            verdict = judge(data, kind, hints)
            if verdict.outcome == "container":
                inside = self._inside(place, kind, data, archive)
        except Refused as refused:
            verdict = Verdict("refused", refused.reason, refused.reason in _WORTH_TAKING)
        yield self._found(place, hints, kind, data, verdict)
        yield from inside

    def _may_open(self, place: Place) -> None:
        if self.budget.full:
            raise Refused("too_many_parts")
        if place.depth >= self.budget.limits.depth:
            raise Refused("too_deep")

    def _inside(self, place: Place, kind: str, data: bytes, archive: Archive | None) -> Iterator[Found]:
        """What a container holds. Raises Refused at once, not when the first part is asked for."""
        self._may_open(place)
        if archive:
            if place.archives >= self.budget.limits.archive_depth:
                raise Refused("too_deep")
            archive.check()
            return self._entries(place, archive.entries())
        # Each level is a copy that stays until the level is done.
        if not self.budget.count_unpacked(len(data)):
            raise Refused("too_deep")
        if kind == filetypes.MAIL:
            return self._mail(place, data)
        if kind == filetypes.SMIME:
            try:
                return self._mail(place, signed_content(data))
            except Unreadable as error:
                raise Refused("signed_opaque") from error
        return self._entries(place, _tnef_entries(data))

    def _mail(self, place: Place, data: bytes) -> Iterator[Found]:
        inner = cut(data, 0, len(data), place.path, place.depth + 1, self.budget)
        # A mail that is nothing but a signed envelope: what it says is the mail's own text.
        yield from self._message(inner, Body() if place.depth else self.body, place.archives)

    def _entries(self, place: Place, entries: Iterator[Entry]) -> Iterator[Found]:
        for entry in entries:
            if self.budget.full:
                return
            yield from self._entry(place, entry)

    def _entry(self, place: Place, entry: Entry) -> Iterator[Found]:
        name = safe_name(entry.name, "")
        inner = Place(f"{place.path}/{name[:_PATH_NAME]}#{entry.number}", place.depth + 1, place.archives + 1)
        hints = Hints(entry.name, attached=True)
        reason = entry.reason if self.budget.count_part() else "too_many_parts"
        if reason or entry.data is None:
            yield self._undecoded(inner, hints, entry.size, reason)
        else:
            yield from self._item(inner, hints, entry.data)

    def _found(self, place: Place, hints: Hints, kind: str, data: bytes, verdict: Verdict) -> Found:
        digest = hashlib.sha256(data).hexdigest()
        name = safe_name(hints.name, kind)
        return Found(_part(place, name, kind, len(data), digest, verdict), data)

    def _undecoded(self, place: Place, hints: Hints, size: int, reason: str) -> Found:
        kind = filetypes.expected(hints.name, hints.declared) or filetypes.BINARY
        name = safe_name(hints.name, kind)
        return Found(_part(place, name, kind, size, "", Verdict("refused", reason)), None)


def _part(place: Place, name: str, kind: str, size: int, digest: str, verdict: Verdict) -> Part:
    kind = kind if len(kind) <= _LONGEST_TYPE else filetypes.BINARY  # only a sender's invention is that long
    path = _fitting(place.path)
    return Part(path, name, kind, size, digest, verdict.outcome, verdict.reason, verdict.can_be_taken)


def _fitting(path: str) -> str:
    """A path that is too long ends in a digest of the whole: as stable and as unique as the path itself."""
    if len(path) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:_PATH_DIGEST]
    return f"{path[: _LONGEST_PATH - _PATH_DIGEST - 1]}~{digest}"


def _tnef_entries(data: bytes) -> Iterator[Entry]:
    for number, attachment in enumerate(tnef.attachments(data), start=1):
        yield Entry(number, attachment.name, len(attachment.data), attachment.data)
