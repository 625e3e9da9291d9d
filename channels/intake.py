"""One mail into Uploaden & Inlezen: first its bytes into storage, then its rows in the caller's transaction."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from channels.errors import MessageProblem
from channels.extract import Content, Limits, Mail, Part, extract
from channels.mailboxes.base import MessageRef
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from documents import services as documents
from documents import storage
from documents.models import Document, Email
from zenvoices.lib import failpoints

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 3
OUR_MISTAKES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
)  # fmt: skip
State = ReceivedMail.State
#: In these states our \Seen flag is owed until the server confirmed it.
OWING = (State.DELIVERED, State.ALREADY, State.QUARANTINED)
NO_MAIL = Mail("", "", "", "", None, "", "", "", (), (), ())


@dataclass(slots=True)
class Prepared:
    """A mail whose bytes are safe in storage and whose rows are not yet written."""

    ref: MessageRef
    raw_sha256: str = ""
    raw_size: int = 0
    mail: Mail | None = None
    body_sha256: str = ""
    body_size: int = 0
    problem: MessageProblem | None = None

    @property
    def parts_sha256(self) -> str:
        """One hash over all documents of the mail, whatever their order; "" without any."""
        hashes = sorted(part.sha256 for part in self.documents)
        return hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else ""

    @property
    def documents(self) -> list[Part]:
        return [part for part in self.mail.parts if part.outcome == "document"] if self.mail else []


@dataclass(slots=True)
class Counts:
    delivered: int = 0
    ignored: int = 0
    failed: int = 0
    already: int = 0
    documents: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.delivered + other.delivered,
            self.ignored + other.ignored,
            self.failed + other.failed,
            self.already + other.already,
            self.documents + other.documents,
        )

    @property
    def seen(self) -> int:
        return self.delivered + self.ignored + self.failed + self.already


def ledger_rows(channel: Channel, folder: str) -> QuerySet[ReceivedMail]:
    """What we know of the mailbox that the channel points at now."""
    return ReceivedMail.objects.filter(channel=channel, mailbox=channel.mailbox, folder=folder)


def limits_for(size: int) -> Limits:
    """A mail that is here was let in already, if need be by a person: its own size is no reason to refuse it."""
    return Limits(mail=max(settings.MAIL_MAX_BYTES, size), part=settings.PART_MAX_BYTES)


def prepare(channel: Channel, ref: MessageRef, path: Path) -> Prepared:
    """Keeps the raw mail and each document of it. Raises StorageProblem; never for what the mail holds."""
    size = path.stat().st_size
    raw_sha256 = storage.put_file(channel.administration_id, path)
    return prepare_kept(channel, ref, raw_sha256, size)


def prepare_kept(channel: Channel, ref: MessageRef, raw_sha256: str, size: int) -> Prepared:
    """The same for a mail whose raw bytes are in storage already."""
    prepared = Prepared(ref, raw_sha256, size)
    with storage.path_of(channel.administration_id, raw_sha256) as kept:
        _read(channel, prepared, kept)
    failpoints.reach("blob_written")
    return prepared


def _read(channel: Channel, prepared: Prepared, path: Path) -> None:
    def keep(part: Part, content: Content) -> None:
        with content.open() as source:
            storage.put_stream(channel.administration_id, source)

    try:
        with mapped(path) as raw:
            prepared.mail = extract(raw, limits_for(prepared.raw_size), keep)
    except MessageProblem as problem:
        prepared.problem = problem
        return
    except OUR_MISTAKES as bug:
        # Reading one mail wrongly must cost that mail only: it is kept raw, tried again, then quarantined.
        log.exception("a mail could not be read", channel=str(channel.pk), raw_sha256=prepared.raw_sha256)
        prepared.problem = MessageProblem("mail_unreadable", reason=type(bug).__name__)
        return
    if not prepared.documents:
        body = body_document(prepared.mail)
        prepared.body_sha256 = storage.put_bytes(channel.administration_id, body)
        prepared.body_size = len(body)


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes without reading them into memory; an empty file cannot be mapped."""
    if path.stat().st_size == 0:
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        yield raw


def body_document(mail: Mail) -> bytes:
    """The text of a mail without attachments, as its document: never empty, because the heading is not."""
    sent = mail.sent_at.isoformat(timespec="minutes") if mail.sent_at else ""
    sender = f"{mail.sender_name} <{mail.sender_address}>".strip()
    return f"From: {sender}\nSubject: {mail.subject}\nDate: {sent}\n\n{mail.text}".encode()


@dataclass(slots=True)
class Recorder:
    """Writes prepared mails of one run. Every method is called inside the caller's transaction."""

    channel: Channel
    run: FetchRun
    folder: str
    #: POP3 has nothing to mark: nothing is ever owed
    marks_read: bool
    owed: list[ReceivedMail] = field(default_factory=list)

    def record(self, prepared: Prepared, known: ReceivedMail | None = None) -> Counts:
        """The ledger row of one mail (`known` when the caller has it), and all that follows from it."""
        if prepared.problem and prepared.problem.code == "mail_too_large":
            return self.refuse(prepared.ref, prepared.problem)
        row = known or self._row(prepared.ref)
        row.raw_sha256, row.size = prepared.raw_sha256, prepared.raw_size or prepared.ref.size or 0
        if prepared.problem or prepared.mail is None:
            return self._record_problem(row, prepared, prepared.problem or MessageProblem("mail_unreadable"))
        row.message_id, row.parts_sha256 = prepared.mail.message_id[:998], prepared.parts_sha256
        earlier = self._same_mail(row)
        if earlier is not None:
            # Our flag is owed for this copy only while it is owed for the first: an owner's "unread" stays.
            row.state, row.acknowledged, row.email = State.ALREADY, earlier.acknowledged, earlier.email
            if row.raw_sha256 != earlier.raw_sha256:
                row.email = self._email(prepared)  # another text around the same attachments: its .eml is kept too
            self._save(row)
            return Counts(already=1)
        return self._deliver(row, prepared, prepared.mail)

    def refuse(self, ref: MessageRef, problem: MessageProblem) -> Counts:
        """A mail we do not even ask for (too large): told once, taken when somebody asks."""
        row = self._row(ref)
        row.state, row.size = State.REFUSED, ref.size or 0
        row.error_code, row.error_detail = problem.code, problem.detail
        self._save(row)
        return Counts(failed=1)

    def _row(self, ref: MessageRef) -> ReceivedMail:
        row = ledger_rows(self.channel, self.folder).filter(validity=ref.validity, uid=ref.uid).first()
        return row or ReceivedMail(
            administration_id=self.channel.administration_id,
            channel=self.channel,
            mailbox=self.channel.mailbox,
            folder=self.folder,
            validity=ref.validity,
            uid=ref.uid,
        )

    def _same_mail(self, row: ReceivedMail) -> ReceivedMail | None:
        """Second key: the same raw mail. Third: the same Message-ID *and* the same attachments."""
        taken = ReceivedMail.objects.filter(channel=self.channel, state=State.DELIVERED).exclude(pk=row.pk)
        same = taken.filter(raw_sha256=row.raw_sha256).first()
        if same is None and row.message_id and row.parts_sha256:
            same = taken.filter(message_id=row.message_id, parts_sha256=row.parts_sha256).first()
        return same

    def _deliver(self, row: ReceivedMail, prepared: Prepared, mail: Mail) -> Counts:
        row.state, row.error_code, row.error_detail = State.DELIVERED, "", {}
        unread, row.email = row.email, self._email(prepared)
        self._save(row)
        if unread is not None:
            unread.delete()  # stood for the mail while it could not be read
        made = self._documents(row.email, prepared, mail)
        self._parts(row, mail, made)
        documents.link_companions(list(made.values()))
        return Counts(delivered=1, documents=len(made))

    def _email(self, prepared: Prepared) -> Email:
        mail = prepared.mail or NO_MAIL
        return documents.add_email(
            self.channel.administration_id,
            origin=self._origin(),
            raw_sha256=prepared.raw_sha256,
            raw_size=prepared.raw_size,
            message_id=mail.message_id,
            subject=mail.subject,
            sender_name=mail.sender_name,
            sender_address=mail.sender_address,
            recipients=mail.to,
            sent_at=mail.sent_at,
            text=mail.text,
            received_at=timezone.now(),
        )

    def _origin(self) -> documents.Origin:
        return documents.Origin(self.channel.pk, self.channel.name, self.run.pk)

    def _documents(self, email: Email, prepared: Prepared, mail: Mail) -> dict[str, Document]:
        """By the path of the part; a mail without attachments gives its body at path ""."""

        def add(kind: str, filename: str, content_type: str, size: int, sha256: str, path: str) -> Document:
            return documents.add_document(
                self.channel.administration_id,
                origin=self._origin(),
                email=email,
                kind=kind,
                filename=filename,
                content_type=content_type,
                size=size,
                sha256=sha256,
                part_path=path,
                received_at=email.received_at,
            )

        if not prepared.documents:
            name = f"{(mail.subject or mail.sender_address or 'e-mail')[:120]}.txt"
            body = (Document.Kind.BODY, name, "text/plain", prepared.body_size, prepared.body_sha256, "")
            return {"": add(*body)}
        kind = Document.Kind.ATTACHMENT
        return {
            part.path: add(kind, part.filename, part.content_type, part.size, part.sha256, part.path)
            for part in prepared.documents
        }

    def _parts(self, row: ReceivedMail, mail: Mail, made: dict[str, Document]) -> None:
        """What became of each part; the text of a mail without attachments stands first, as the document it is."""
        ReceivedPart.objects.filter(mail=row).delete()
        rows = [self._part(row, part, made.get(part.path)) for part in mail.parts]
        if body := made.get(""):
            told = Part("", body.filename, body.content_type, body.size, body.sha256, "document", "", False)
            rows.insert(0, self._part(row, told, body))
        ReceivedPart.objects.bulk_create(rows)

    def _part(self, row: ReceivedMail, part: Part, document: Document | None) -> ReceivedPart:
        return ReceivedPart(
            administration_id=row.administration_id,
            mail=row,
            path=part.path,
            filename=part.filename,
            content_type=part.content_type,
            size=part.size,
            outcome=part.outcome,
            reason=part.reason,
            can_be_taken=part.can_be_taken,
            document=document,
        )

    def _record_problem(self, row: ReceivedMail, prepared: Prepared, problem: MessageProblem) -> Counts:
        row.attempts += 1
        row.error_code, row.error_detail = problem.code, problem.detail
        row.state = State.REFUSED if problem.code == "mail_gone" else State.FAILED
        if row.attempts >= MAX_ATTEMPTS:
            # Kept raw it needs the mailbox no more; never had, it stays there unread until somebody asks.
            row.state = State.QUARANTINED if prepared.raw_sha256 else State.REFUSED
        if row.email is None and prepared.raw_sha256:
            row.email = self._email(prepared)  # keeps the .eml for whoever wants to see it
        self._save(row)
        return Counts(failed=1)

    def _save(self, row: ReceivedMail) -> None:
        row.run = self.run
        row.acknowledged = row.acknowledged or not self.marks_read
        row.save()
        if row.state in OWING and not row.acknowledged:
            self.owed.append(row)
