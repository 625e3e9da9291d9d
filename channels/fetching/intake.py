"""One mail into storage: its bytes and those of each document. Its rows are channels.fetching.recorder's."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog
from django.conf import settings

from channels.errors import MessageProblem
from channels.extract import Content, Limits, Mail, Part, extract, heading
from channels.fetching import ruled
from channels.fetching.rewritten import content_sha256
from channels.mailboxes.base import Fetched, MessageRef
from channels.models import Channel, ReceivedMail
from channels.models.fetched import FOLDER_DATA, LEFT_OUT_BY_RULE
from channels.rules import NO_RULES, Rule, Rules
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
    #: by the path of the part: the rule of the channel that leaves it out
    left_out: dict[str, Rule] = field(default_factory=dict)

    @property
    def is_left_out(self) -> bool:
        """The whole mail, by a rule of the channel or because it is none."""
        return self.problem is not None and self.problem.code in (FOLDER_DATA, LEFT_OUT_BY_RULE)

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


def prepare(channel: Channel, item: Fetched, blobs: storage.Batch, rules: Rules = NO_RULES) -> Prepared:
    """Puts the raw mail and each document of it into `blobs`; nothing of one that is left out.

    Raises StorageProblem; never for what the mail holds.
    """
    prepared = Prepared(item.ref, item.sha256, item.path.stat().st_size)
    _read(channel, prepared, item.path, _Reading(blobs, item.path.parent, rules))
    if prepared.is_left_out:
        item.path.unlink()
    else:
        blobs.adopt(item.path, item.sha256)
    return prepared


def examine(channel: Channel, item: Fetched, rules: Rules = NO_RULES) -> Prepared:
    """What the mail would give: read as for a fetch, and nothing of it is kept."""
    prepared = Prepared(item.ref, item.sha256, item.path.stat().st_size)
    _read(channel, prepared, item.path, _Reading(_Nowhere(), item.path.parent, rules))
    return prepared


def keep_unread(item: Fetched, blobs: storage.Batch) -> Prepared:
    """Only the raw mail: fetches died while they read it."""
    prepared = Prepared(item.ref, item.sha256, item.path.stat().st_size, item.sha256, problem=SET_APART)
    blobs.adopt(item.path, item.sha256)
    return prepared


def prepare_kept(
    channel: Channel, row: ReceivedMail, blobs: storage.Batch, spool: Path, rules: Rules = NO_RULES, *,
    unread: bool = False,
) -> Prepared:  # fmt: skip
    """The same for a mail whose raw bytes are in storage already. `spool`: a folder for what is made meanwhile."""
    prepared = Prepared(MessageRef(row.validity, row.uid, row.size), row.raw_sha256, row.size, row=row)
    if unread:
        return replace(prepared, content_sha256=row.content_sha256, problem=SET_APART)
    with storage.path_of(channel.administration_id, row.raw_sha256) as kept:
        _read(channel, prepared, kept, _Reading(blobs, spool, rules))
    return prepared


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where documents go, where large parts lie meanwhile, and what is left out."""

    blobs: _Kept
    spool: Path
    rules: Rules

    def keep(self, left_out: dict[str, Rule], part: Part, content: Content) -> None:
        if (rule := ruled.of_part(self.rules, part, content)) is not None:
            left_out[part.path] = rule
        elif content.path:
            self.blobs.adopt(content.path, part.sha256)
        else:
            self.blobs.add(content.pieces(), part.sha256)


def _read(channel: Channel, prepared: Prepared, path: Path, reading: _Reading) -> None:
    try:
        with mapped(path) as raw:
            prepared.content_sha256 = content_sha256(raw, prepared.raw_sha256)
            _judge(prepared, raw, reading)
    except MessageProblem as problem:
        prepared.problem = problem
    except OSError as problem:
        raise storage.StorageProblem.of(problem) from problem
    except OUR_MISTAKES as bug:
        # Reading one mail wrongly must cost that mail only: it is kept raw, tried again, then quarantined.
        log.exception("a mail could not be read", channel=str(channel.pk), raw_sha256=prepared.raw_sha256)
        prepared.problem = MessageProblem("mail_unreadable", reason=type(bug).__name__)


def _judge(prepared: Prepared, raw: bytes | mmap.mmap, reading: _Reading) -> None:
    """Fills in what the mail holds, or by which rule it is left out. Raises MessageProblem."""
    limits, rules = limits_for(prepared.raw_size), reading.rules
    if rules.look_at_mails:
        told = heading(raw, limits)
        if (rule := ruled.of_mail(rules, told)) is not None:
            raise ruled.problem(rule, told)
    mail = extract(raw, limits, partial(reading.keep, prepared.left_out), reading.spool, everything=False)
    prepared.mail = ruled.without(mail, prepared.left_out)
    if prepared.documents:
        return
    if (problem := ruled.folder_data(prepared.mail)) is not None:
        raise problem
    if (rule := ruled.of_what_is_left(rules, prepared.left_out)) is not None:
        raise ruled.problem(rule, heading(raw, limits))
    body = body_document(prepared.mail)
    prepared.body_sha256, prepared.body_size = hashlib.sha256(body).hexdigest(), len(body)
    reading.blobs.add([body], prepared.body_sha256)


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
