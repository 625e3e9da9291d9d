"""The ways in: everything a mail holds, one part of it, or its heading alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from channels.extract.authentication import reply_addresses, results
from channels.extract.content import Content
from channels.extract.headers import Head, parse_head
from channels.extract.limits import Budget, Limits
from channels.extract.model import Heading, Mail, MailUnreadable, Part, Raw
from channels.extract.sender import addresses, sender, sent_at
from channels.extract.walk import Walk, ends_lines_with_cr
from channels.extract.words import decode_words, one_line, storable
from zenvoices.lib.mail_source import begin

Keep = Callable[[Part, Content], None]
_CONSIDERED = 64 * 1024
_LONGEST_HEADER = 4 * 1024 * 1024
_MOST_HEADERS = 500
_SHOWN = 2_000  # characters of a header
#: Delivered-To and its likes: where a list, an alias or a forward brought the mail, which To does not say
_ADDRESSEES = frozenset(
    ["to", "cc", "delivered-to", "x-delivered-to", "x-original-to", "x-forwarded-to", "envelope-to", "x-envelope-to"]
)
_MOST_ADDRESSEES = 100


def extract(
    raw: Raw,
    limits: Limits | None = None,
    keep: Keep | None = None,
    directory: Path | None = None,
    *,
    everything: bool = True,
) -> Mail:
    """Everything in a mail, as bytes or a mapped file.

    `keep` gets each document as it is found, to be read in pieces, or taken away as a file, before it returns.
    `directory`: for large parts while the mail is read; the machine's own for such things when None.
    `everything`: False leaves `html` and `headers` empty, which no row has. Raises
    MailUnreadable for a mail above the limit, and nothing else for any input; OSError when the disk is full;
    `keep` may raise what it likes.
    """
    parts: list[Part] = []
    with walk_of(raw, limits, directory) as walk:
        for found in walk.parts():
            parts.append(found.part)
            if keep and found.content and found.part.outcome == "document":
                keep(found.part, found.content)
            del found  # its bytes need not stay while the next part is decoded
    return _mail(walk, tuple(parts), everything=everything)


def heading(raw: Raw, limits: Limits | None = None) -> Heading:
    """Only the header block is read."""
    if ends_lines_with_cr(raw):
        raw = bytes(raw[:_LONGEST_HEADER]).replace(b"\r", b"\n")
    head = parse_head(raw, begin(bytes(raw[:_CONSIDERED])), len(raw), Budget(limits or Limits()))
    name, address = sender(head.get("from") or head.get("sender"))
    to = [
        found
        for field, value in head.fields
        if field.lower() in _ADDRESSEES
        for found in addresses(value, _MOST_ADDRESSEES)
    ]
    subject = one_line(decode_words(head.get("subject")), 998)
    recipients = tuple(dict.fromkeys(to))[:_MOST_ADDRESSEES]
    return Heading(subject, name, address, recipients, sent_at(head.get("date")))


def part_bytes(raw: Raw, path: str, limits: Limits | None = None) -> tuple[Part, bytes]:
    """One part by its path, a refused or ignored one too as far as its bytes can be had. Raises KeyError."""
    with walk_of(raw, limits) as walk:
        for found in walk.parts():
            if found.part.path == path and found.content:
                return found.part, found.content.read()
    raise KeyError(path)


def walk_of(raw: Raw, limits: Limits | None, directory: Path | None = None) -> Walk:
    limits = limits or Limits()
    if len(raw) > limits.mail:
        raise MailUnreadable("mail_too_large", size=len(raw), limit=limits.mail)
    return Walk(raw, Budget(limits), directory)


def _mail(walk: Walk, parts: tuple[Part, ...], *, everything: bool) -> Mail:
    head, limits, text = walk.head, walk.budget.limits, walk.text()
    name, address = sender(head.get("from") or head.get("sender"))
    return Mail(
        message_id=one_line(head.get("message-id"), 998),
        subject=one_line(decode_words(head.get("subject")), 998),
        sender_name=name,
        sender_address=address,
        sent_at=sent_at(head.get("date")),
        to=one_line(decode_words(head.get("to")[: 2 * _SHOWN]), _SHOWN),
        text=text[: limits.text],
        html=storable(walk.html()[: limits.html]) if everything else "",
        headers=_shown(head) if everything else (),
        parts=parts,
        defects=tuple(sorted(walk.budget.defects)),
        reply_to=reply_addresses(head.get("reply-to")),
        authentication=results(head.fields),
    )


def _shown(head: Head) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, one_line(decode_words(value[: 2 * _SHOWN]), _SHOWN)) for name, value in head.fields[:_MOST_HEADERS]
    )
