"""A part that was left out and that somebody asks for, out of the mail as it was received."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.utils import timezone

from channels.extract import extract, part_bytes
from channels.fetching import intake
from channels.models import ReceivedPart
from documents import services as documents
from documents import storage
from documents.models import Document


@dataclass(frozen=True, slots=True)
class Stored:
    filename: str
    content_type: str
    size: int
    sha256: str


def store_again(part: ReceivedPart, raw_sha256: str) -> Stored:
    """Raises LookupError, StorageProblem, BlobMissing."""
    filename, content_type, data = _read(part, raw_sha256)
    return Stored(filename, content_type, len(data), storage.put_bytes(part.administration_id, data))


def _read(part: ReceivedPart, raw_sha256: str) -> tuple[str, str, bytes]:
    limits = intake.limits_for(part.mail.size)
    with storage.path_of(part.administration_id, raw_sha256) as path, intake.mapped(path) as raw:
        if not part.path:  # the text of a mail without attachments
            return part.filename, part.content_type, intake.body_document(extract(raw, limits, lambda *_: None))
        found, data = part_bytes(raw, part.path, limits)
        return found.filename, found.content_type, data


def make_document(part: ReceivedPart, stored: Stored) -> Document:
    mail = part.mail
    part.document = documents.add_document(
        part.administration_id,
        origin=documents.Origin(mail.channel_id, mail.channel.name, mail.run_id),
        email=mail.email,
        kind=Document.Kind.ATTACHMENT,
        part_path=part.path,
        received_at=timezone.now(),
        defects=part.defects,
        **asdict(stored),
    )
    part.outcome, part.reason = "document", ""
    part.save(update_fields=["document", "outcome", "reason"])
    return part.document
