"""Goes through a mail part by part and opens what holds others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from channels.extract import links
from channels.extract.body import shown_images
from channels.extract.codec import behind_lead, still_encoded, unarmoured
from channels.extract.content import Content, Scratch, of_encoded, of_part, of_pieces, of_region
from channels.extract.headers import name_of_entry
from channels.extract.in_text import Inside, calendar_files, taken_out
from channels.extract.limits import Budget
from channels.extract.mime import Leaf, Message, cut
from channels.extract.model import Raw
from channels.extract.opened import Entry, Opened, Refused
from channels.extract.opening import open_part
from channels.extract.own_text import add_text, encoding_of, expanded, own_text
from channels.extract.parts import Found, Place, found, told, undecoded
from channels.extract.rtf import to_text
from channels.extract.spare import given_after_all
from channels.extract.texts import Body, says
from channels.extract.verdict import ARCHIVES, Hints, Verdict, judge, spare_picture
from channels.extract.windows import give_back, windows
from channels.extract.words import cut_bytes, decode_words, is_utf8, one_line
from zenvoices.lib import filetypes
from zenvoices.lib.apart import Region
from zenvoices.lib.filenames import extension, safe_name
from zenvoices.lib.mail_source import begin, is_mail, lead, mailbox, narrowed, narrowed_pieces, wide

_MESSAGES = frozenset(["message/rfc822", "message/global", "message/news"])
_EXTERNAL = "message/external-body"  # RFC 2046 5.2.3
_DELETED = "text/x-moz-deleted"  # what Thunderbird leaves of an attachment
_ATTACHED_TEXT = frozenset(["text/plain", "text/html"])
_UNCALLED_TEXT = frozenset([filetypes.BINARY, "application/xhtml+xml", "application/rtf", "application/json"])
_UNKNOWN_TEXT = re.compile(r"text/(?!rfc822|x-moz|calendar|vcard|csv|css|xml|javascript).*")
_TEXT_NAMES = frozenset(["", ".txt", ".text", ".htm", ".html", ".asc"])
_WORTH_TAKING = frozenset(
    ["archive_encrypted", "damaged", "encrypted", "not_opened", "packed_unknown", "signed_opaque"]
)
_PDF, _RTF = "application/pdf", "application/rtf"
_MOST_ENCODINGS = 3  # of one file; each is one copy more
_PATH_NAME = 40  # characters of an entry's name in a path; its number is what makes it unique
_START = 8 * 1024
_LETTER = 4  # bytes of the longest in UTF-8
_CONSIDERED = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Unpacked:
    """What is in a container, and the file in which it lies."""

    found: Opened
    file: BinaryIO

    def content(self, entry: Entry) -> Content:
        return of_region(Region(self.file, entry.at, entry.size))


class Walk:
    """One mail. Once `parts()` is through, `body` holds its own text, `attached` what it attaches, `inner` what mails
    and messages inside it say. `pictures`: by the path of the part, the addresses at which the HTML shows it."""

    def __init__(self, raw: Raw, budget: Budget, directory: Path | None = None) -> None:
        self.budget = budget
        self.body, self.attached, self.inner = Body(), Body(), Body()
        self.documents = 0
        self.pictures: dict[str, set[str]] = {}
        self._scratch = Scratch(directory)
        if ends_lines_with_cr(raw):
            pieces = (piece.replace(b"\r", b"\n") for piece in windows(raw, 0, len(raw)))
            raw, *_ = of_pieces(pieces, self._scratch).mapped(self._scratch)
        self._cut = cut(raw, begin(bytes(raw[:_START])), len(raw), "", 0, budget)
        self.head = self._cut.head

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *args: object) -> None:
        self._scratch.close()

    def parts(self) -> Iterator[Found]:
        """In order. What may yet become the document is held back until another is."""
        held: list[Found] = []
        for one in self._message(self._cut, self.body, 0):
            self.documents += one.part.outcome == "document"
            if self.documents or not (held or one.picture or one.text):
                yield from held
                held = []
                yield one
            else:
                one.content = one.content and self._scratch.kept(one.content)
                held.append(one)
        if not self.documents:
            held = given_after_all(held, self.html(), self.text())
            self.documents = sum(one.part.outcome == "document" for one in held)
        yield from held

    def text(self) -> str:
        """What the mail says, or else what is in it: never "" when there is text anywhere."""
        own = self.body.text()
        if own and self.documents:
            return own
        return "\n\n".join(filter(None, [own, *(body.text() for body in self._others())]))

    def html(self) -> str:
        own = self.body.html()
        if self.documents and (own or self.body.text()):
            return own
        return "\n".join(filter(None, [own, *(body.html() for body in self._others())]))

    def _others(self) -> list[Body]:
        """Those that say more: winmail.dat, for one, has once again what the mail itself says."""
        return [body for body in (self.attached, self.inner) if not says(self.body.text(), body.text())]

    def _message(self, message: Message, body: Body, archives: int) -> Iterator[Found]:
        leaves = list(expanded(message.leaves, self.budget, self._scratch))
        own = own_text(leaves, self.budget, self._scratch)
        limits = self.budget.limits
        if body.html_size <= limits.html and body.plain_size <= 2 * limits.text:
            body.take(own.body)
        self.budget.mends()
        subject = one_line(decode_words(message.head.get("subject")), 200)
        number = 0
        for leaf, inside in (*own.files, *own.pasted):
            if self.budget.full:
                break
            content = inside.content(self.budget, self._scratch)
            self.budget.mends()
            number += bool(content.size)
            if content.size:
                yield from self._of_text(Place(leaf.path, leaf.depth, 0, subject), number, inside, content)
        attached = [leaf for leaf in leaves if leaf.path not in own.paths]
        shown = shown_images(own.body.html()) if attached else set()
        for leaf in attached:
            yield from self._leaf(leaf, shown, archives, subject)
            give_back(leaf.raw, leaf.start, leaf.end)

    def _of_text(self, place: Place, number: int, inside: Inside, content: Content) -> Iterator[Found]:
        entry = Entry(number, inside.name, content.size, shown=bool(inside.address))
        for one in self._entry(place, entry, content, mailed=bool(inside.address)):
            if inside.address:
                self.pictures[one.part.path] = {inside.address}
            yield one

    def _content(self, leaf: Leaf) -> Content:
        encoding = encoding_of(leaf)
        if encoding != leaf.head.encoding:
            self.budget.mend("header_repaired")
        start = behind_lead(leaf.raw, leaf.start, leaf.end) if encoding == "base64" else leaf.start
        if start != leaf.start:
            self.budget.mend("base64_repaired")
        return self._plain(of_encoded(leaf.raw, start, leaf.end, encoding, self.budget, self._scratch))

    def _plain(self, content: Content) -> Content:
        for _ in range(_MOST_ENCODINGS):
            if not (again := still_encoded(narrowed(content.head))):
                break
            content = self._decoded_again(content, again)
        return content

    def _decoded_again(self, content: Content, encoding: str) -> Content:
        """Encoded more than once, or under a wrong or misspelt Content-Transfer-Encoding: nobody sends this on purpose.
        Windows saves what its scripts encode as UTF-16."""
        if codec := wide(content.head):
            content = of_pieces(narrowed_pieces(content.pieces, codec), self._scratch)
        raw, start, end = content.mapped(self._scratch)
        if encoding == "base64":
            self.budget.note("base64_undeclared")
            start, end = unarmoured(raw, start, end)
        self.budget.mend("base64_repaired" if encoding == "base64" else "header_repaired")
        return of_encoded(raw, start, end, encoding, self.budget, self._scratch)

    def _leaf(self, leaf: Leaf, shown: set[str], archives: int, subject: str) -> Iterator[Found]:
        head = leaf.head
        location = head.location
        names = {head.content_id, location, PurePosixPath(location).name if location else "", head.filename} - {""}
        names = {name.lower() for name in names}
        if names & shown:
            self.pictures[leaf.path] = names & shown
        hints = Hints(head.filename, head.media, head.disposition, shown=leaf.path in self.pictures)
        place = Place(leaf.path, leaf.depth, archives, subject)
        if leaf.refusal:
            yield undecoded(place, hints, leaf.size, leaf.refusal)
        elif leaf.parent == "multipart/report" and head.media in _MESSAGES:
            ignored = Verdict("ignored", "delivery_report", True)
            yield found(place, hints, filetypes.MAIL, self._content(leaf), ignored)
        elif head.media == _EXTERNAL:
            yield _behind_link(place, head.params.get("url", "") or f"//{head.params.get('site', '')}")
        elif links.host(head.elsewhere):
            yield _behind_link(place, head.elsewhere)
        elif head.elsewhere or head.media == _DELETED:
            yield found(place, hints, head.media, self._content(leaf), Verdict("ignored", "removed"))
        elif head.media in _MESSAGES and self._stands_here(leaf):
            yield from self._forwarded(leaf, place, hints)
        else:
            content = self._content(leaf)
            self._keep_text(leaf, hints, content)
            yield from self._item(place, hints, content, (*leaf.mended, *self.budget.mends()))

    def _keep_text(self, leaf: Leaf, hints: Hints, content: Content) -> None:
        """An attached page or text may be all that the mail says."""
        if not _is_called_text(hints) or content.size > 4 * self.budget.limits.html:
            return
        kind = filetypes.sniff(content.head, "", hints.declared)
        if hints.declared not in _ATTACHED_TEXT and not is_utf8(cut_bytes(content.head, _START - _LETTER)):
            return
        if kind in _ATTACHED_TEXT:
            add_text(self.attached, content.read(), leaf, self.budget, page=kind == "text/html")
        elif kind == _RTF:
            text, kind = to_text(content.read())
            add_text(self.attached, text.encode("utf-8", "replace"), leaf, self.budget, page=kind == "text/html")

    def _stands_here(self, leaf: Leaf) -> bool:
        start = bytes(leaf.raw[leaf.start : min(leaf.end, leaf.start + _START)])
        if leaf.head.encoding in ("", "7bit", "8bit", "binary"):
            return not still_encoded(start) and not start.startswith(b"%PDF-")
        return is_mail(start, expected=True) and not (leaf.head.encoding == "quoted-printable" and b"=3D" in start)

    def _forwarded(self, leaf: Leaf, place: Place, hints: Hints) -> Iterator[Found]:
        """A mail inside, cut where it lies: no copy however deep they are."""
        if reason := self._why_closed(place, archive=False):
            yield undecoded(place, hints, leaf.size, reason)
            return
        defects = leaf.mended if encoding_of(leaf) == leaf.head.encoding else (*leaf.mended, "header_repaired")
        content = of_part(leaf.raw, leaf.start, leaf.end)
        yield found(place, hints, filetypes.MAIL, content, Verdict("container", "opened", True), defects)
        yield from self._cut_and_read(place, leaf.raw, leaf.start, leaf.end, self.inner)

    def _cut_and_read(self, place: Place, raw: Raw, start: int, end: int, body: Body) -> Iterator[Found]:
        begins, size = lead(bytes(raw[start : min(end, start + _START)]))
        if size is not None:
            end = min(end, start + begins + size)
        inner = cut(raw, start + begins, end, place.path, place.depth + 1, self.budget)
        yield from self._message(inner, body, place.archives)

    def _item(self, place: Place, hints: Hints, content: Content, defects: tuple[str, ...] = ()) -> Iterator[Found]:
        kind = _kind(content, hints)
        if content.size > self.budget.limits.part:
            yield found(place, hints, kind, content, Verdict("refused", "too_large", True), defects)
            return
        inside: list[Found] | Iterator[Found] = []
        try:
            kind, opened = self._look(place, kind, hints, content)
            verdict = judge(content, kind, hints)
            if verdict.outcome == "container":
                inside = self._inside(place, kind, hints, content, opened)
            elif verdict.reason == "calendar" and (files := self._in_calendar(place, content)):
                verdict, inside = Verdict("container", "opened", True), self._attached_files(place, files)
            elif opened and opened.found.entries:
                inside = list(self._entries(place, kind, opened, hints))
                if any(one.part.outcome == "document" for one in inside):
                    verdict = Verdict("container", "opened", True)
        except Refused as refused:
            verdict = Verdict("refused", refused.reason, refused.reason in _WORTH_TAKING)
        one = found(place, hints, kind, content, verdict, defects)
        one.picture = spare_picture(content, kind, verdict)
        is_text = kind in _ATTACHED_TEXT or kind == _RTF
        one.text = verdict.reason == "type_not_allowed" and is_text and _is_called_text(hints)
        yield one
        yield from inside

    def _in_calendar(self, place: Place, content: Content) -> list[Inside]:
        if self._why_closed(place, archive=False) or not self.budget.count_unpacked(content.size):
            return []
        raw, start, end = content.mapped(self._scratch)
        return taken_out(raw, [(start, end)], calendar_files, self.budget.limits.parts)[1]

    def _attached_files(self, place: Place, files: list[Inside]) -> Iterator[Found]:
        for number, file in enumerate(files, start=1):
            if self.budget.full:
                return
            content = file.content(self.budget, self._scratch)
            self.budget.mends()
            yield from self._entry(place, Entry(number, file.name, content.size), content, mailed=True)

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

    def _inside(
        self, place: Place, kind: str, hints: Hints, content: Content, opened: _Unpacked | None
    ) -> Iterator[Found]:
        """What a container holds. Raises Refused at once, not when the first part is asked for."""
        if reason := self._why_closed(place, archive=kind in ARCHIVES):
            raise Refused(reason)
        if opened:
            return self._entries(place, kind, opened, hints)
        # Each level is a copy that stays until the mail is done.
        if not self.budget.count_unpacked(content.size):
            raise Refused("too_deep")
        if kind == filetypes.MAIL:
            return self._mail(place, content)
        opened = _Unpacked(*open_part(kind, content, self.budget, self._scratch))
        if opened.found.reason:
            raise Refused(opened.found.reason)
        if kind == filetypes.SMIME:
            signed = opened.content(opened.found.entries[0])
            if is_mail(signed.head, expected=True) and filetypes.sniff(signed.head, "", "") != filetypes.SMIME:
                return self._mail(place, signed)
            return self._entry(place, replace(opened.found.entries[0], name=_unsigned(hints.name)), signed, mailed=True)
        return self._entries(place, kind, opened, hints)

    def _mail(self, place: Place, content: Content) -> Iterator[Found]:
        # A mail that is nothing but a signed envelope: what it says is the mail's own text.
        body = self.inner if place.depth else self.body
        if codec := wide(content.head):
            content = of_pieces(narrowed_pieces(content.pieces, codec), self._scratch)
        if ends_lines_with_cr(content.head):
            content = of_pieces((piece.replace(b"\r", b"\n") for piece in content.pieces()), self._scratch)
        raw, start, end = content.mapped(self._scratch)
        if mails := mailbox(raw, start, end, self.budget.limits.parts + 1):
            return self._mailbox(place, raw, mails)
        return self._cut_and_read(place, raw, start, end, body)

    def _mailbox(self, place: Place, raw: Raw, mails: list[tuple[int, int]]) -> Iterator[Found]:
        for number, (start, end) in enumerate(mails, start=1):
            if self.budget.full:
                return
            yield from self._entry(place, Entry(number, "", end - start), of_part(raw, start, end), mailed=True)

    def _entries(self, place: Place, kind: str, opened: _Unpacked, hints: Hints) -> Iterator[Found]:
        for entry in opened.found.entries:
            if self.budget.full:
                return
            content = None if entry.reason else opened.content(entry)
            if entry.text and content:
                self._keep_message(entry, content)
                continue
            if kind in ARCHIVES and not entry.name:  # a file that was packed by itself
                entry = replace(entry, name=PurePosixPath(hints.name).stem)
            elif kind == filetypes.APPLE:
                entry = replace(entry, name=hints.name)
            mailed = kind == filetypes.APPLE or opened.found.kind == filetypes.OUTLOOK
            yield from self._entry(place, entry, content, mailed)

    def _keep_message(self, entry: Entry, content: Content) -> None:
        limits, text = self.budget.limits, content.read().decode("utf-8", "replace")
        if entry.text == "text/html":
            self.inner.add_html(text[: max(0, limits.html - self.inner.html_size)])
        else:
            self.inner.add_plain(text[: max(0, 2 * limits.text - self.inner.plain_size)])

    def _entry(self, place: Place, entry: Entry, content: Content | None, mailed: bool = False) -> Iterator[Found]:
        """`mailed`: it was attached to a message, not put into an archive."""
        entry = replace(entry, name=name_of_entry(entry.name))
        name = safe_name(entry.name, "")
        path = f"{place.path}/{name[:_PATH_NAME]}#{entry.number}"
        inner = Place(path, place.depth + 1, place.archives + 1, place.subject)
        hints = Hints(entry.name, "", "attachment" if mailed else "", entry.shown, attached=not mailed)
        reason = entry.reason if self.budget.count_part() else "too_many_parts"
        if reason or content is None:
            yield undecoded(inner, hints, entry.size, reason)
        else:
            plain = self._plain(content)
            yield from self._item(inner, hints, plain, self.budget.mends())


def ends_lines_with_cr(raw: Raw) -> bool:
    """As old Macs did."""
    start = bytes(raw[:_CONSIDERED])
    return b"\r" in start and b"\n" not in start


def _kind(content: Content, hints: Hints) -> str:
    if content.head.startswith(filetypes.OLE_MAGIC):
        return filetypes.OLE
    if not content.head.strip() and not content.blank:
        return "text/plain"
    return filetypes.sniff(content.head, hints.name, hints.declared)


def _is_called_text(hints: Hints) -> bool:
    """Without a name any text: RFC 2046 4.1.4 has unknown ones shown, and some programs call theirs no text at all."""
    if hints.declared in _ATTACHED_TEXT:
        return extension(hints.name) in _TEXT_NAMES
    return not hints.name and (hints.declared in _UNCALLED_TEXT or _UNKNOWN_TEXT.fullmatch(hints.declared) is not None)


def _unsigned(name: str) -> str:
    return name[:-4] if name.lower().endswith((".p7m", ".p7s", ".p7z")) else name


def _behind_link(place: Place, link: str) -> Found:
    kind, reason = "text/uri-list", Verdict("ignored", "behind_link")
    return Found(told(place, links.host(link) or safe_name("", kind), kind, 0, "", reason), None)
