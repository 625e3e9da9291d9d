"""Cuts a mail at its boundaries (RFC 2046) without looking at, or copying, what lies between them.

The order of things follows email.feedparser, which tests/channels/test_extract_properties.py compares it to:
an outer boundary ends every part inside it, a missing close delimiter is forgiven, preamble and epilogue are
dropped, several delimiter lines in a row are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from channels.extract.headers import Head, parse_head
from channels.extract.limits import Budget
from channels.extract.model import Raw
from channels.extract.windows import give_back
from zenvoices.lib.mail_source import is_entity

_GUESSED = re.compile(
    rb"^--((?:[^\s][^\r\n]{0,199}+)?)\r*\n(?:\r*\n)?(?=(?:(?:x-|mime-)[^\n]{1,300}\n){0,5}content-)",
    re.MULTILINE | re.IGNORECASE,
)
_GUESS_WITHIN = 16 * 1024
_LINE_END = re.compile(rb"(--)?[ \t]*\r*(?=\n|\Z)")
_PART_BEGINS = re.compile(rb"\r*\ncontent-(?:type|transfer-encoding|disposition)[ \t]*:", re.IGNORECASE)
_QUOTED_HEADER = re.compile(rb"^content-[a-z-]{2,40}[ \t]*:[^\n]{0,900}=3D", re.MULTILINE | re.IGNORECASE)
_CR, _LF = 0x0D, 0x0A
ENCODED = frozenset(["base64", "quoted-printable", "x-uuencode"])
_WINDOW = 4 * 1024 * 1024
_MOST_GLUED = 1_000  # that turn out to be none, before only lines that begin so are looked at
_LONGEST_BOUNDARY = 1_000  # RFC 2046 5.1.1 says 70
_SHORTEST_DASHED = 2
_MARKS = re.compile(rb"<[^<>]{0,200}>|\s")


@dataclass(slots=True)
class Leaf:
    """A part that is cut no further; its body is raw[start:end].

    `parent`: media type of the multipart it is in. `choice`: path of the multipart/alternative around it, "" without
    one. `refusal`: set when the limits end the cutting here. `mended`: its bounds or headers had to be guessed.
    """

    path: str
    raw: Raw
    start: int
    end: int
    head: Head
    depth: int
    parent: str = ""
    refusal: str = ""
    choice: str = ""
    mended: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(slots=True)
class Message:
    head: Head
    leaves: list[Leaf] = field(default_factory=list)


def cut(raw: Raw, start: int, end: int, prefix: str, depth: int, budget: Budget) -> Message:
    """One message, its parts numbered as IMAP does: "1", "1.2", under `prefix` when it is inside another."""
    head = parse_head(raw, start, end, budget)
    message = Message(head)
    whole = Leaf(prefix, raw, head.body, end, head, depth, mended=_mended(head))
    if not (head.media.startswith("multipart/") and _cut_multipart(whole, message.leaves, budget)):
        whole.path = _child(prefix, 1)
        _add(whole, message.leaves, budget)
    return message


def cut_again(leaf: Leaf, raw: Raw, start: int, end: int, budget: Budget) -> list[Leaf]:
    """The parts of one whose own body, once decoded, turns out to be a multipart or MIME source. [] when it is none."""
    head = leaf.head
    if is_entity(bytes(raw[start : min(end, start + _GUESS_WITHIN)])):
        head = parse_head(raw, start, end, budget)
        start = head.body
    elif not head.media.startswith("multipart/"):
        head = Head(body=start, media="multipart/mixed")
    head = _as_it_stands(head)
    whole = Leaf(leaf.path, raw, start, end, head, leaf.depth + 1, choice=leaf.choice, mended=("header_repaired",))
    leaves: list[Leaf] = []
    if head.media.startswith("multipart/") and _cut_multipart(whole, leaves, budget):
        budget.note("header_repaired")
        return [*_before(whole, leaf.head), *leaves]
    return []


def _as_it_stands(head: Head) -> Head:
    """Of what is decoded already."""
    return replace(head, fields=[one for one in head.fields if one[0].lower() != "content-transfer-encoding"])


def _before(whole: Leaf, head: Head) -> list[Leaf]:
    """What a person wrote before the parts of a mail that does not say that it has any; a program's words for readers
    without MIME are none."""
    first = _GUESSED.search(whole.raw, whole.start, min(whole.end, whole.start + _GUESS_WITHIN))
    text = bytes(whole.raw[whole.start : first.start()]) if first and not whole.head.params.get("boundary") else b""
    if not first or b"mime" in text.lower() or not _MARKS.sub(b"", text):
        return []
    head, stop = _as_it_stands(head), first.start()
    return [Leaf(_child(whole.path, 0), whole.raw, whole.start, stop, head, whole.depth, choice=whole.choice)]


def _mended(head: Head, *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*more, "header_repaired") if head.mended else more))


def _child(path: str, number: int) -> str:
    return f"{path}.{number}" if path else str(number)


def _add(leaf: Leaf, leaves: list[Leaf], budget: Budget) -> None:
    if not budget.full and not budget.count_part():
        leaf.refusal = "too_many_parts"
    leaves.append(leaf)


def _cut_multipart(whole: Leaf, leaves: list[Leaf], budget: Budget) -> bool:
    """False when there is nothing to cut: the caller then takes the part as it is."""
    if whole.depth >= budget.limits.depth or not budget.count_scan(whole.size):
        budget.note("too_deep")
        whole.refusal = "too_deep"
        return False
    ranges = _sections(whole, budget)
    media = whole.head.media
    choice = whole.choice or (whole.path or "0" if media == "multipart/alternative" else "")
    for number, (start, end) in enumerate(ranges, start=1):
        if budget.full:
            break
        head = parse_head(whole.raw, start, end, budget, media)
        give_back(whole.raw, start, head.body)
        part = Leaf(_child(whole.path, number), whole.raw, head.body, end, head, whole.depth + 1, media, choice=choice)
        part.mended = _mended(head, *whole.mended)
        if not (head.media.startswith("multipart/") and _cut_multipart(part, leaves, budget)):
            _add(part, leaves, budget)
        elif not budget.full and not budget.count_part():
            leaves.append(Leaf(part.path, part.raw, end, end, head, part.depth, media, "too_many_parts"))
    if not ranges and whole.head.encoding in ENCODED:
        return False
    if not ranges:
        budget.note("boundary_missing")
        whole.head.media = "text/plain"
    return bool(ranges)


def _sections(whole: Leaf, budget: Budget) -> list[tuple[int, int]]:
    declared = whole.head.params.get("boundary", "").rstrip()
    ranges: list[tuple[int, int]] = []
    if declared and len(declared) <= _LONGEST_BOUNDARY:
        ranges = _between(whole, _boundary_bytes(declared), budget)
    if ranges or whole.head.encoding in ENCODED:
        return [] if whole.head.encoding == "quoted-printable" and _is_quoted(whole) else ranges
    # The standard library gives up here; with a wrong boundary or none the invoice is still there.
    guess = _GUESSED.search(whole.raw, whole.start, min(whole.end, whole.start + _GUESS_WITHIN))
    if not guess:
        return []
    budget.note("boundary_guessed")
    whole.mended += ("boundary_repaired",)
    return _between(whole, guess[1].rstrip(b" \t"), budget)


def _is_quoted(whole: Leaf) -> bool:
    """Whether the headers of its parts are quoted too. What only says so is not (RFC 2045 6.4 forbids both)."""
    return bool(_QUOTED_HEADER.search(bytes(whole.raw[whole.start : min(whole.end, whole.start + _GUESS_WITHIN)])))


def _boundary_bytes(declared: str) -> bytes:
    try:
        return declared.encode("cp1252" if not declared.isascii() else "ascii")
    except UnicodeEncodeError:
        return declared.encode("utf-8", "replace")


def _between(whole: Leaf, boundary: bytes, budget: Budget) -> list[tuple[int, int]]:
    raw, ranges = whole.raw, []
    opened, closed = _opened_at_once(whole, boundary), False
    # The LF before the first delimiter may be the one that ends the header.
    for hits, (at, match) in enumerate(_delimiters(boundary, raw, max(whole.start - 1, 0), whole.end)):
        # A gateway added a part behind the end, or a multipart inside has the same boundary.
        if closed and (match[1] or not _PART_BEGINS.match(raw, match.end(), whole.end)):
            continue
        if closed or (raw[at] != _LF and not match[1]):
            _note_glued(whole, budget)
        if opened >= 0 and at >= opened:
            ranges.append((opened, at - 1 if at > opened and raw[at] == _LF and raw[at - 1] == _CR else at))
        if hits > budget.limits.parts + 1:
            return ranges
        opened, closed = (-1, True) if match[1] else (match.end() + 1, False)
    if 0 <= opened < whole.end:
        ranges.append((opened, _without_close(whole, boundary, opened, budget)))
    return ranges


def _opened_at_once(whole: Leaf, boundary: bytes) -> int:
    """Where the first part begins when the bytes begin with its delimiter, as those that were decoded do; else -1."""
    dashed = b"--" + boundary
    if whole.start or whole.raw[: len(dashed)] != dashed:
        return -1
    match = _LINE_END.match(whole.raw, len(dashed), whole.end)
    return match.end() + 1 if match and not match[1] else -1


def _without_close(whole: Leaf, boundary: bytes, opened: int, budget: Budget) -> int:
    """Where the last part ends: nothing closes it, or its data stands right before what does."""
    tail = bytes(whole.raw[max(opened, whole.end - _LONGEST_BOUNDARY - 100) : whole.end])
    close = b"--" + boundary + b"--"
    if not tail.rstrip().endswith(close):
        budget.note("close_delimiter_missing")
        last = tail.rpartition(b"\n")[2]  # of a mail that was cut off in it
        if len(last) < _SHORTEST_DASHED or not close.startswith(last):
            return whole.end
        before = whole.end - len(last) - 1
        return before - (before > opened and whole.raw[before - 1] == _CR)
    _note_glued(whole, budget)
    return whole.end - len(tail) + tail.rindex(close)


def _note_glued(whole: Leaf, budget: Budget) -> None:
    budget.note("boundary_repaired")
    if "boundary_repaired" not in whole.mended:
        whole.mended += ("boundary_repaired",)


def _delimiters(boundary: bytes, raw: Raw, start: int, end: int) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Where each line begins, its LF included, and the rest of it behind the boundary.

    A delimiter that is glued to the data before it counts when headers of a part follow it; it has no LF.
    find() is three times as fast as a regular expression. One window after the other, so that a mapped file need not
    be in memory as a whole.
    """
    dashed = b"--" + boundary
    first, glued = start, 0
    while start < end:
        stop = min(start + _WINDOW, end)
        needle = dashed if glued < _MOST_GLUED else b"\n" + dashed
        at = raw.find(needle, start, stop)
        give_back(raw, start, stop if at < 0 else at)
        if at >= 0:
            start = at + len(needle)
            at = start - len(dashed)
            match = _LINE_END.match(raw, start, end)
            if match and at > first and raw[at - 1] == _LF:
                yield at - 1, match
                start = match.end()  # this line's end may be the LF of the next delimiter
            elif match and at > first and not match[1] and _PART_BEGINS.match(raw, match.end(), end):
                yield at, match
                start = match.end()
            else:
                glued += 1
        else:
            start = end if stop == end else max(start, stop - len(needle) + 1)
