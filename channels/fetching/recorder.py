"""Prepared mails to rows, in the caller's transaction: a handful of statements for a whole batch of mails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.utils import timezone

from channels.errors import MessageProblem
from channels.extract import Mail, Part
from channels.fetching.intake import Prepared
from channels.mailboxes.base import MessageRef
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from documents import services as documents
from documents.models import Document, Email

MAX_ATTEMPTS = 3
AT_ONCE = 100  # mails whose rows are looked up and written together
State = ReceivedMail.State
#: In these states our \Seen flag is owed until the server confirmed it.
OWING = (State.DELIVERED, State.ALREADY, State.QUARANTINED)
COUNTED = ("seen", "delivered", "ignored", "failed", "already", "documents")
NO_MAIL = Mail("", "", "", "", None, "", "", "", (), (), ())


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


def set_counts(run: FetchRun, counts: Counts) -> None:
    for name in COUNTED:
        setattr(run, name, getattr(counts, name))


def ledger_rows(channel: Channel) -> QuerySet[ReceivedMail]:
    """What we know of the mailbox that the channel points at now."""
    return ReceivedMail.objects.filter(channel=channel, mailbox=channel.mailbox, folder=channel.watched_folder)


@dataclass(slots=True)
class Recorder:
    """Writes prepared mails of one run. Every method is called inside the caller's transaction."""

    channel: Channel
    run: FetchRun
    owed: list[ReceivedMail] = field(default_factory=list)
    _ledger: dict[tuple[str, str], ReceivedMail] = field(default_factory=dict)
    _delivered: list[ReceivedMail] = field(default_factory=list)
    _emails: list[Email] = field(default_factory=list)
    _rows: list[ReceivedMail] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _parts: list[ReceivedPart] = field(default_factory=list)
    _replaced: list[Email] = field(default_factory=list)

    def record(self, mails: Sequence[Prepared]) -> Counts:
        """The ledger row of each mail, and all that follows from it."""
        counts = Counts()
        for start in range(0, len(mails), AT_ONCE):
            some = mails[start : start + AT_ONCE]
            self._look_up(some)
            for prepared in some:
                counts += self._record(prepared)
            self._write()
        return counts

    def refuse(self, refs: Sequence[MessageRef]) -> Counts:
        """Mails that we do not even ask for (too large): told once, taken when somebody asks."""
        return self.record(
            [Prepared(ref, problem=MessageProblem("mail_too_large", size=ref.size or 0)) for ref in refs]
        )

    def _look_up(self, mails: Sequence[Prepared]) -> None:
        uids = [prepared.ref.uid for prepared in mails]
        rows = ledger_rows(self.channel).filter(uid__in=uids)
        self._ledger = {(row.validity, row.uid): row for row in rows}
        hashes = {one for prepared in mails for one in (prepared.raw_sha256, prepared.content_sha256)} - {""}
        names = {prepared.mail.message_id[:998] for prepared in mails if prepared.mail} - {""}
        same = Q(content_sha256__in=hashes) | Q(message_id__in=names)
        delivered = ReceivedMail.objects.filter(same, channel=self.channel, state=State.DELIVERED)
        self._delivered = list(delivered.order_by("first_seen_at", "id")) if hashes or names else []

    def _record(self, prepared: Prepared) -> Counts:
        row = prepared.row or self._row(prepared.ref)
        if prepared.problem and prepared.problem.code == "mail_too_large":
            return self._refuse(row, prepared, prepared.problem)
        row.raw_sha256, row.content_sha256 = prepared.raw_sha256, prepared.content_sha256
        row.size = prepared.raw_size or prepared.ref.size or 0
        if prepared.problem or prepared.mail is None:
            return self._record_problem(row, prepared, prepared.problem or MessageProblem("mail_unreadable"))
        row.message_id, row.parts_sha256 = prepared.mail.message_id[:998], prepared.parts_sha256
        earlier = self._same_mail(row)
        if earlier is not None:
            # Our flag is owed for this copy only while it is owed for the first: an owner's "unread" stays.
            row.state, row.acknowledged, row.email = State.ALREADY, earlier.acknowledged, earlier.email
            if row.raw_sha256 != earlier.raw_sha256:
                row.email = self._email(prepared)  # another text around the same attachments: its .eml is kept too
            self._keep(row)
            return Counts(already=1)
        return self._deliver(row, prepared, prepared.mail)

    def _refuse(self, row: ReceivedMail, prepared: Prepared, problem: MessageProblem) -> Counts:
        row.state, row.size = State.REFUSED, prepared.ref.size or 0
        row.error_code, row.error_detail = problem.code, problem.detail
        self._keep(row)
        return Counts(failed=1)

    def _row(self, ref: MessageRef) -> ReceivedMail:
        return self._ledger.get((ref.validity, ref.uid)) or ReceivedMail(
            administration_id=self.channel.administration_id,
            channel=self.channel,
            mailbox=self.channel.mailbox,
            folder=self.channel.watched_folder,
            validity=ref.validity,
            uid=ref.uid,
        )

    def _same_mail(self, row: ReceivedMail) -> ReceivedMail | None:
        """Second key: the same mail, whatever a server wrote into it. Third: Message-ID *and* the same attachments."""
        taken = [other for other in self._delivered if other.pk != row.pk]
        # A row from before there was a content has the hash of its raw mail there.
        by_content = (other for other in taken if other.content_sha256 in (row.content_sha256, row.raw_sha256))
        third = (row.message_id, row.parts_sha256)
        by_parts = (other for other in taken if all(third) and (other.message_id, other.parts_sha256) == third)
        return next(by_content, None) or next(by_parts, None)

    def _deliver(self, row: ReceivedMail, prepared: Prepared, mail: Mail) -> Counts:
        row.state, row.error_code, row.error_detail = State.DELIVERED, "", {}
        if row.email is not None:
            self._replaced.append(row.email)  # stood for the mail while it could not be read
        row.email = self._email(prepared)
        self._keep(row)
        self._delivered.append(row)
        made = self._make_documents(row.email, prepared, mail)
        self._documents += made.values()
        self._parts += self._make_parts(row, mail, made)
        documents.pair_unsaved(list(made.values()))
        return Counts(delivered=1, documents=len(made))

    def _email(self, prepared: Prepared) -> Email:
        mail = prepared.mail or NO_MAIL
        email = documents.new_email(
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
        self._emails.append(email)
        return email

    def _origin(self) -> documents.Origin:
        return documents.Origin(self.channel.pk, self.channel.name, self.run.pk)

    def _make_documents(self, email: Email, prepared: Prepared, mail: Mail) -> dict[str, Document]:
        """By the path of the part; a mail without attachments gives its body at path ""."""

        def make(kind: str, filename: str, content_type: str, size: int, sha256: str, path: str) -> Document:
            return documents.new_document(
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
            return {"": make(*body)}
        kind = Document.Kind.ATTACHMENT
        return {
            part.path: make(kind, part.filename, part.content_type, part.size, part.sha256, part.path)
            for part in prepared.documents
        }

    def _make_parts(self, row: ReceivedMail, mail: Mail, made: dict[str, Document]) -> Iterator[ReceivedPart]:
        """What became of each part; the text of a mail without attachments stands first, as the document it is."""
        if body := made.get(""):
            told = Part("", body.filename, body.content_type, body.size, body.sha256, "document", "", False)
            yield self._part(row, told, body)
        for part in mail.parts:
            yield self._part(row, part, made.get(part.path))

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
        self._keep(row)
        return Counts(failed=1)

    def _keep(self, row: ReceivedMail) -> None:
        row.run = self.run
        # Where there is nothing to mark (POP3), nothing is ever owed.
        row.acknowledged = row.acknowledged or not self.channel.marks_read
        self._rows.append(row)
        here = (row.mailbox, row.folder) == (self.channel.mailbox, self.channel.watched_folder)
        if here and row.state in OWING and not row.acknowledged:  # elsewhere, the number is another mail's
            self.owed.append(row)

    def _write(self) -> None:
        """Each row after those it names."""
        documents.add_emails(self._emails)
        known = [row for row in self._rows if not row._state.adding]
        ReceivedMail.objects.bulk_create([row for row in self._rows if row._state.adding])
        for row in known:
            row.save()
        if known:
            ReceivedPart.objects.filter(mail__in=[row for row in known if row.state == State.DELIVERED]).delete()
        documents.add_documents(self.channel.administration_id, self._documents)
        ReceivedPart.objects.bulk_create(self._parts)
        for email in self._replaced:
            email.delete()
        for written in (self._emails, self._rows, self._documents, self._parts, self._replaced):
            written.clear()
