"""One mail into storage: its bytes and those of each document. Its rows are channels.fetching.recorder's."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog
from django.conf import settings

from channels.errors import MessageProblem
from channels.extract import Content, Limits, Mail, Part, extract
from channels.fetching.rewritten import content_sha256
from channels.mailboxes.base import Fetched, MessageRef
from channels.models import Channel, ReceivedMail
from documents import storage

log = structlog.get_logger(__name__)
_SMALL = 1024 * 1024
SET_APART = MessageProblem("mail_quarantined")
OUR_MISTAKES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
)  # fmt: skip


class _Kept(Protocol):
    """Where the bytes of documents go (documents.storage.Batch)."""

    def add(self, pieces: Iterable[bytes], sha256: str) -> None: ...
    def adopt(self, path: Path, sha256: str) -> None: ...


class _Nowhere:
    def add(self, pieces: Iterable[bytes], sha256: str) -> None:
        """They are not wanted."""

    def adopt(self, path: Path, sha256: str) -> None:
        """Its folder is removed with all that is in it."""


@dataclass(slots=True)
class Prepared:
    """A mail whose bytes are in storage and whose rows are not yet written. `row`: the one of a mail kept before."""

    ref: MessageRef
    raw_sha256: str = ""
    raw_size: int = 0
    content_sha256: str = ""
    mail: Mail | None = None
    body_sha256: str = ""
    body_size: int = 0
    problem: MessageProblem | None = None
    row: ReceivedMail | None = None

    @property
    def parts_sha256(self) -> str:
        """One hash over all documents of the mail, whatever their order; "" without any."""
        hashes = sorted(part.sha256 for part in self.documents)
        return hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else ""

    @property
    def documents(self) -> list[Part]:
        return [part for part in self.mail.parts if part.outcome == "document"] if self.mail else []


def limits_for(size: int) -> Limits:
    """A mail that is here was let in already, if need be by a person: its own size is no reason to refuse it."""
    return Limits(mail=max(settings.MAIL_MAX_BYTES, size), part=settings.PART_MAX_BYTES)


def prepare(channel: Channel, item: Fetched, blobs: storage.Batch) -> Prepared:
    """Puts the raw mail and each document of it into `blobs`. Raises StorageProblem; never for what the mail holds."""
    prepared = Prepared(item.ref, item.sha256, item.path.stat().st_size)
    _read(channel, prepared, item.path, blobs, item.path.parent)
    blobs.adopt(item.path, item.sha256)
    return prepared


def examine(channel: Channel, item: Fetched) -> Prepared:
    """What the mail would give: read as for a fetch, and nothing of it is kept."""
    prepared = Prepared(item.ref, item.sha256, item.path.stat().st_size)
    _read(channel, prepared, item.path, _Nowhere(), item.path.parent)
    return prepared


def keep_unread(item: Fetched, blobs: storage.Batch) -> Prepared:
    """Only the raw mail: fetches died while they read it."""
    prepared = Prepared(item.ref, item.sha256, item.path.stat().st_size, item.sha256, problem=SET_APART)
    blobs.adopt(item.path, item.sha256)
    return prepared


def prepare_kept(
    channel: Channel, row: ReceivedMail, blobs: storage.Batch, spool: Path, *, unread: bool = False
) -> Prepared:
    """The same for a mail whose raw bytes are in storage already. `spool`: a folder for what is made meanwhile."""
    prepared = Prepared(MessageRef(row.validity, row.uid, row.size), row.raw_sha256, row.size, row=row)
    if unread:
        return replace(prepared, content_sha256=row.content_sha256, problem=SET_APART)
    with storage.path_of(channel.administration_id, row.raw_sha256) as kept:
        _read(channel, prepared, kept, blobs, spool)
    return prepared


def _read(channel: Channel, prepared: Prepared, path: Path, blobs: _Kept, spool: Path) -> None:
    def keep(part: Part, content: Content) -> None:
        if content.path:
            blobs.adopt(content.path, part.sha256)
        else:
            blobs.add(content.pieces(), part.sha256)

    try:
        with mapped(path) as raw:
            prepared.content_sha256 = content_sha256(raw, prepared.raw_sha256)
            prepared.mail = extract(raw, limits_for(prepared.raw_size), keep, spool, everything=False)
    except MessageProblem as problem:
        prepared.problem = problem
        return
    except OSError as problem:
        raise storage.StorageProblem.of(problem) from problem
    except OUR_MISTAKES as bug:
        # Reading one mail wrongly must cost that mail only: it is kept raw, tried again, then quarantined.
        log.exception("a mail could not be read", channel=str(channel.pk), raw_sha256=prepared.raw_sha256)
        prepared.problem = MessageProblem("mail_unreadable", reason=type(bug).__name__)
        return
    if not prepared.documents:
        body = body_document(prepared.mail)
        prepared.body_sha256, prepared.body_size = hashlib.sha256(body).hexdigest(), len(body)
        blobs.add([body], prepared.body_sha256)


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes: a large file's without reading them into memory."""
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= _SMALL:  # an empty file cannot be mapped, a small one need not be
            yield file.read()
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            yield raw


def body_document(mail: Mail) -> bytes:
    """The text of a mail without attachments, as its document: never empty, because the heading is not."""
    sent = mail.sent_at.isoformat(timespec="minutes") if mail.sent_at else ""
    sender = f"{mail.sender_name} <{mail.sender_address}>".strip()
    return f"From: {sender}\nSubject: {mail.subject}\nDate: {sent}\n\n{mail.text}".encode()
