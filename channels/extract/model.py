"""What comes out of a mail."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from datetime import datetime

from channels.errors import MessageProblem

Raw = bytes | bytearray | mmap.mmap


class MailUnreadable(MessageProblem):
    """Nothing of this mail may be read. Its code is one of channels.errors.CODES."""


@dataclass(frozen=True, slots=True)
class Part:
    """One attachment, or what was found in one.

    `path` is its stable address: "2", "1.2", and behind a "/" the entry of an archive in that part, with its
    place in it: "3/factuur.pdf#1"; at most 255 characters, of which a longer one ends in "~" and its digest.
    `content_type` has at most 127. `outcome` is "document", "container", "ignored"
    or "refused"; `reason` says why, "" for a document. `sha256` and `size` are of the decoded bytes ("" and
    an estimate when they were not decoded). `can_be_taken`: a person may still ask for it. `defects`: what was
    broken about it and read all the same: "base64_repaired", "base64_cut", "pdf_cut", "boundary_repaired",
    "header_repaired", "uuencode_damaged".
    """

    path: str
    filename: str
    content_type: str
    size: int
    sha256: str
    outcome: str
    reason: str
    can_be_taken: bool
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """Who sent a mail, and to whom: everybody whom it or a server on its way names as its addressee."""

    subject: str
    sender_name: str
    sender_address: str
    recipients: tuple[str, ...]
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Mail:
    """`html` is as the sender wrote it, not sanitised; large pictures that were pasted into it are parts. Everything is
    decoded and bounded.

    `reply_to`: addresses with blanks between. `authentication`: see channels.extract.authentication.results.
    """

    message_id: str
    subject: str
    sender_name: str
    sender_address: str
    sent_at: datetime | None
    to: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    defects: tuple[str, ...]
    reply_to: str = ""
    authentication: str = ""
