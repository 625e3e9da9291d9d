"""Rows of mails and documents: taking them in, pairing, deleting, restoring. Bytes are documents.storage's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from administrations import audit
from administrations.models import Administration, User
from documents import quota, search_text, senders, sort_keys, sources
from documents.models import Document, Email, Move, Question
from documents.pairing import pair_saved as pair_saved
from documents.pairing import pair_unsaved as pair_unsaved
from zenvoices.lib import database_clock
from zenvoices.lib.filenames import safe_name

log = structlog.get_logger(__name__)
MAX_TEXT = 1_000_000
MAX_LINE = 10_000


@dataclass(frozen=True)
class Origin:
    """Where something comes from: a channel and its run, or an upload (all empty)."""

    source_id: UUID | None = None
    source_name: str = ""
    source_run_id: UUID | None = None


UPLOAD = Origin()
#: rows and the sum over them (documents.quota), without a savepoint where the caller has a transaction
_together = transaction.atomic(savepoint=False)


@_together
def add_emails(emails: Sequence[Email]) -> Sequence[Email]:
    """Of one administration."""
    for administration_id in {email.administration_id for email in emails}:
        quota.grew(administration_id, sum(email.raw_size for email in emails))
    Email.objects.insert(emails)
    return emails


@_together
def remove_email(email: Email) -> None:
    """Another row stands for the same mail."""
    quota.grew(email.administration_id, -email.raw_size)
    email.delete()


def new_email(
    administration_id: UUID,
    *,
    origin: Origin,
    raw_sha256: str,
    raw_size: int,
    message_id: str,
    subject: str,
    sender_name: str,
    sender_address: str,
    recipients: str,
    sent_at: datetime | None,
    text: str,
    received_at: datetime,
    reply_to: str = "",
    authentication: str = "",
) -> Email:
    """Not saved yet."""
    return Email(
        administration_id=administration_id,
        **_columns(origin),
        raw_sha256=raw_sha256,
        raw_size=raw_size,
        message_id=_fit(message_id, 998),
        subject=_fit(subject, MAX_LINE),
        sender_name=_fit(sender_name, MAX_LINE),
        sender_address=_fit(sender_address, 320),
        recipients=_fit(recipients, MAX_LINE),
        sent_at=sent_at,
        text=_fit(text, MAX_TEXT),
        received_at=received_at,
        reply_to=_fit(reply_to, MAX_LINE),
        authentication=_fit(authentication, 120),
    )


def add_document(administration_id: UUID, **facts: Any) -> Document:
    """`facts` are those of new_document()."""
    return add_documents(administration_id, [new_document(administration_id, **facts)])[0]


@_together
def add_documents(administration_id: UUID, documents: Sequence[Document]) -> Sequence[Document]:
    """All in one statement; each that has the bytes of an earlier one, also of this list, names it."""
    # First: who adds the same at the same moment waits here, and finds ours.
    quota.grew(administration_id, sum(document.size for document in documents))
    first = _earliest_with(administration_id, {document.sha256 for document in documents})
    for document in documents:
        document.duplicate_of = first.get(document.sha256)
        first.setdefault(document.sha256, document)
        sort_keys.put(document, None)
    Document.objects.insert(documents)
    search_text.add(documents)
    sources.keep(administration_id, documents)
    senders.look_at(administration_id, documents)
    return documents


def new_document(
    administration_id: UUID,
    *,
    origin: Origin,
    email: Email | None,
    kind: str,
    filename: str,
    content_type: str,
    size: int,
    sha256: str,
    part_path: str = "",
    received_at: datetime,
    uploaded_by: User | None = None,
    question: Question | None = None,
    defects: Sequence[str] = (),
) -> Document:
    """Not saved yet."""
    return Document(
        administration_id=administration_id,
        **_columns(origin),
        email=email,
        kind=kind,
        filename=safe_name(filename, content_type),
        content_type=_fit(content_type, 127),
        size=size,
        sha256=sha256,
        part_path=_fit(part_path, 255),
        received_at=received_at,
        uploaded_by=uploaded_by,
        question=question,
        defects=list(defects),
    )


def _columns(origin: Origin) -> dict[str, object]:
    return {
        "source_id": origin.source_id,
        "source_name": _fit(origin.source_name, 120),
        "source_run_id": origin.source_run_id,
    }


def _fit(text: str, length: int) -> str:
    # PostgreSQL stores no NUL, and no half of a surrogate pair.
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]


def _earliest_with(administration_id: UUID, hashes: Iterable[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    wanted = list(hashes)
    for start in range(0, len(wanted), 500):  # databases bound the number of parameters
        some = wanted[start : start + 500]
        same = Document.objects.filter(administration_id=administration_id, sha256__in=some, deleted_at=None)
        for document in same.order_by("received_at", "id"):
            found.setdefault(document.sha256, document)
    return found


@_together
def delete_documents(documents: Iterable[Document], by: User) -> datetime:
    """Out of sight, all at one moment, which `restore_documents` takes to bring them back. Bytes stay for a month."""
    moment = database_clock.now()
    ids = [document.pk for document in documents]
    chosen = list(Document.objects.select_for_update().filter(pk__in=ids, deleted_at=None))
    deleted = Document.objects.filter(pk__in=[document.pk for document in chosen])
    deleted.update(deleted_at=moment)
    quota.grew_by(deleted, -1)
    _note("document.deleted", chosen, by)
    log.info("documents deleted", count=len(chosen), by=str(by.pk))
    return moment


def deleted_together(moment: datetime) -> bool:
    """Whether a PDF and the XML of the same invoice went at that moment."""
    return Document.objects.filter(deleted_at=moment, companion__deleted_at=moment).exists()


def _deleted() -> QuerySet[Document]:
    """By hand: what moved away is hidden too, and lives elsewhere."""
    gone = Move.objects.filter(document=OuterRef("pk"), gone_at__isnull=False)
    return Document.objects.exclude(deleted_at=None).exclude(Exists(gone))


@_together
def bring_back(document: Document) -> None:
    """Somebody asked for one document that was deleted; one that lives in another administration stays away."""
    # Locked: of two who ask at once one brings it back, and its bytes count once.
    if list(_deleted().select_for_update(of=("self",)).filter(pk=document.pk)):
        back = Document.objects.filter(pk=document.pk)
        quota.grew_by(back)
        back.update(deleted_at=None)


@_together
def restore_documents(moment: datetime, by: User) -> int:
    back = list(_deleted().select_for_update().filter(deleted_at=moment))
    restored = Document.objects.filter(pk__in=[document.pk for document in back])
    quota.grew_by(restored)
    restored.update(deleted_at=None)
    _note("document.restored", back, by)
    log.info("documents restored", count=len(back), by=str(by.pk))
    return len(back)


def _note(code: str, documents: Sequence[Document], by: User) -> None:
    if documents:
        place = Administration.objects.get(pk=documents[0].administration_id)
        audit.note_each(code, place, documents, by=by)
