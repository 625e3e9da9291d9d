"""The rows of a mail that is taken in, not saved yet: the mail, its documents, and what became of each part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone

from channels.extract import Mail, Part
from channels.fetching.intake import Prepared
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from channels.rules import Rule
from documents import services as documents
from documents.models import Document, Email

NO_MAIL = Mail("", "", "", "", None, "", "", "", (), (), ())


@dataclass(frozen=True, slots=True)
class Drafts:
    """Those of one run."""

    channel: Channel
    run: FetchRun

    def email(self, prepared: Prepared) -> Email:
        mail = prepared.mail or NO_MAIL
        return documents.new_email(
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
            reply_to=mail.reply_to,
            authentication=mail.authentication,
        )

    def _origin(self) -> documents.Origin:
        return documents.Origin(self.channel.pk, self.channel.name, self.run.pk)

    def documents(self, email: Email, prepared: Prepared, mail: Mail) -> dict[str, Document]:
        """By the path of the part; a mail without attachments gives its body at path ""."""

        def make(
            kind: str, filename: str, content_type: str, size: int, sha256: str, path: str, defects: tuple[str, ...]
        ) -> Document:
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
                defects=defects,
            )

        if not prepared.documents:
            body = (
                Document.Kind.BODY,
                body_name(mail),
                "text/plain",
                prepared.body_size,
                prepared.body_sha256,
                "",
                mail.defects,
            )
            return {"": make(*body)}
        kind = Document.Kind.ATTACHMENT
        return {
            part.path: make(kind, part.filename, part.content_type, part.size, part.sha256, part.path, part.defects)
            for part in prepared.documents
        }

    def parts(
        self, row: ReceivedMail, prepared: Prepared, mail: Mail, made: dict[str, Document]
    ) -> Iterator[ReceivedPart]:
        """What became of each part; the text of a mail without attachments stands first, as the document it is."""
        if body := made.get(""):
            told = Part(
                "", body.filename, body.content_type, body.size, body.sha256, "document", "", False, mail.defects
            )
            yield _part(row, told, body)
        for part in mail.parts:
            yield _part(row, part, made.get(part.path), prepared.left_out.get(part.path))


def body_name(mail: Mail) -> str:
    """Of the document that a mail without attachments becomes."""
    return f"{(mail.subject or mail.sender_address or 'e-mail')[:120]}.txt"


def _part(row: ReceivedMail, part: Part, document: Document | None, left_out_by: Rule | None = None) -> ReceivedPart:
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
        left_out_by=left_out_by.told() if left_out_by else {},
        defects=list(part.defects),
        document=document,
    )
