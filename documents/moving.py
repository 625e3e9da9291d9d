"""A document moves to another administration of its office.

Bytes first, then one transaction. Killed before the commit, nothing moved, and the sweep takes the copied bytes; after
it, everything did. The document that was left stays hidden where it was: its mail, its part of the logbook and the
ledger keep what they point at. Moving back brings that very document back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from administrations import audit, rights
from administrations.access import administrations_of, may, role_in
from administrations.models import Administration, Role, User
from documents import notes, quota, storage, written_down
from documents.duplicates import mark_same_invoice
from documents.models import Document, EInvoice, Move
from documents.queries import visible_documents
from documents.services import add_documents
from zenvoices.lib import database_clock
from zenvoices.lib.paging import with_words
from zenvoices.lib.scoping import administration_scope

log = structlog.get_logger(__name__)
#: in one request
MOST_MOVED: Final = 500
_CHUNK: Final = 1 << 20
_KEPT: Final = ("filename", "content_type", "size", "sha256", "defects", "einvoice_read_at")


@dataclass(frozen=True)
class Moved:
    """`moment`: by which `move_back` finds them."""

    moment: datetime
    arrived: list[Document]


def targets(person: User, here: Administration, words: str = "") -> QuerySet[Administration]:
    """Where this person may upload, in the same office, whose second step they showed to be here."""
    others = administrations_of(person).filter(environment=here.environment_id).exclude(pk=here.pk)
    return others.filter(with_words(words, "name"))


def move(documents: Sequence[Document], here: Administration, to: Administration, by: User) -> Moved:
    """All that are still here, or none. Raises BlobMissing, StorageProblem, PermissionDenied."""
    moment = database_clock.now()
    _copy_bytes(documents, here, to)
    with transaction.atomic():
        rights.hold(here.environment_id)  # no right ends meanwhile, and neither administration is closed
        if not _may_put(by, to):
            raise PermissionDenied
        with administration_scope(here.pk):
            left = _leave(documents, here, to, moment)
        with administration_scope(to.pk):
            arrived = _arrive(left, here, to, moment, by)
        audit.note_each("document.moved_out", here, list(left), by=by, after={"moved_to": to.name})
        audit.note_each("document.moved_in", to, arrived, by=by, after={"moved_from": here.name})
    log.info("documents moved", count=len(left), by=str(by.pk))
    return Moved(moment, arrived)


def move_back(moment: datetime, here: Administration, by: User) -> int:
    """What left `here` at that moment and lives where it went; in the scope of `here`. Raises as `move` does."""
    gone = dict[UUID | None, list[UUID]]()
    for other, lineage in Move.objects.filter(gone_at=moment).values_list("other_id", "lineage"):
        gone.setdefault(other, []).append(lineage)
    count = 0
    for there in administrations_of(by).filter(pk__in=[key for key in gone if key]):
        role = role_in(by, there)
        with administration_scope(there.pk):
            alive = visible_documents(by, role) if role else Document.objects.none()
            found = list(alive.filter(move__lineage__in=gone[there.pk], move__other=here, move__gone_at=None))
        if found:
            count += len(move(found, there, here, by).arrived)
    return count


def came_from(document: Document) -> Move | None:
    """None of a document that is where it came in."""
    return Move.objects.filter(document=document, at_home=False).select_related("other").first()


def gone(document: Document) -> Move | None:
    """None of a document that did not leave. Select it along with `move__other`."""
    found: Move | None = getattr(document, "move", None)
    return found if found and found.gone_at else None


def _may_put(person: User, there: Administration) -> bool:
    fresh = Administration.objects.select_related("environment").get(pk=there.pk)
    return may(role_in(person, fresh), Role.SUBMITTER)


def _copy_bytes(documents: Sequence[Document], here: Administration, to: Administration) -> None:
    with administration_scope(to.pk):
        quota.hold(to.pk, sum(document.size for document in documents))
    with storage.batch(to.pk) as blobs:
        for sha256 in {document.sha256 for document in documents}:
            blobs.add(_held_to_its_name(here.pk, sha256), sha256)
        blobs.settle()


def _held_to_its_name(administration_id: UUID, sha256: str) -> Iterator[bytes]:
    """A file that is damaged is not copied."""
    digest = hashlib.sha256()
    with storage.open_blob(administration_id, sha256) as blob:
        while chunk := blob.read(_CHUNK):
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != sha256:
        raise storage.StorageProblem("storage_failed")


def _leave(
    documents: Sequence[Document], here: Administration, to: Administration, moment: datetime
) -> dict[Document, Move]:
    """Hidden here, newest first, each with its row of the move."""
    ids = [document.pk for document in documents]
    rows = Document.objects.select_for_update(of=("self",)).filter(pk__in=ids, deleted_at=None)
    left = list(rows.select_related("email").order_by("-received_at", "-id"))
    known = {move.document_id: move for move in Move.objects.filter(document__in=left)}
    moves = {document: known.get(document.pk) or _first_move(document) for document in left}
    for move in moves.values():
        move.other, move.gone_at = to, moment
    Move.objects.bulk_create([move for move in moves.values() if move.document_id not in known])
    Move.objects.bulk_update([move for move in moves.values() if move.document_id in known], ["other", "gone_at"])
    Document.objects.filter(pk__in=[document.pk for document in left]).update(deleted_at=moment)
    quota.grew(here.pk, -sum(document.size for document in left))
    return moves


def _first_move(document: Document) -> Move:
    email = document.email
    return Move(
        administration_id=document.administration_id,
        document=document,
        lineage=uuid4(),
        at_home=True,
        subject=email.subject if email else "",
        sender=(email.sender_name or email.sender_address) if email else "",
    )


def _arrive(
    left: Mapping[Document, Move], here: Administration, to: Administration, moment: datetime, by: User
) -> list[Document]:
    """The hidden document of each that was here before, else a new one, which is new to everybody."""
    quota.hold(to.pk, sum(document.size for document in left))
    lineages = [move.lineage for move in left.values()]
    here_before = Move.objects.select_for_update(of=("self", "document")).select_related("document")
    known = {move.lineage: move for move in here_before.filter(lineage__in=lineages)}
    arrived, made = dict[UUID, Document](), dict[Document, Document]()
    for place, (document, move) in enumerate(left.items()):
        if before := known.get(move.lineage):
            arrived[document.pk] = _bring_back(before, here, moment)
        else:
            arrived[document.pk] = made[document] = _new(document, to, moment - timedelta(microseconds=place), by)
    quota.grew(to.pk, sum(move.document.size for move in known.values()))
    add_documents(to.pk, list(made.values()))
    Move.objects.bulk_create([_arrival(left[old], new, here) for old, new in made.items()])
    _copy_invoices(made)
    notes.carry(here.pk, arrived)
    _pair_again(left, arrived)
    written_down.anew(document.pk for document in arrived.values())
    for new in made.values():
        mark_same_invoice(new.pk)
    return list(arrived.values())


def _bring_back(move: Move, here: Administration, moment: datetime) -> Document:
    document = move.document
    move.other, move.gone_at = here, None
    move.save(update_fields=["other", "gone_at"])
    document.deleted_at = None
    if not move.at_home:
        document.received_at = moment
    document.save(update_fields=["deleted_at", "received_at"])
    return document


def _new(document: Document, to: Administration, moment: datetime, by: User) -> Document:
    """Without its mail, which holds what is not for `to`: an e-mail that was a document itself is its text."""
    is_upload = document.kind == Document.Kind.UPLOAD
    return Document(
        administration=to,
        kind=Document.Kind.UPLOAD if is_upload else Document.Kind.ATTACHMENT,
        received_at=moment,
        uploaded_by=by,
        **{name: getattr(document, name) for name in _KEPT},
    )


def _arrival(move: Move, document: Document, here: Administration) -> Move:
    told = {"subject": move.subject, "sender": move.sender}
    return Move(administration=document.administration, document=document, lineage=move.lineage, other=here, **told)


def _copy_invoices(made: Mapping[Document, Document]) -> None:
    """What was read of them. To be read where they left, which is another scope."""
    by_id = {old.pk: new for old, new in made.items()}
    old_place = next((old.administration_id for old in made), None)
    if old_place is None:
        return
    with administration_scope(old_place):
        read = list(EInvoice.objects.filter(document__in=list(made)))
    for invoice in read:
        new = by_id[invoice.document_id]
        invoice.pk, invoice.administration_id, invoice.document = uuid4(), new.administration_id, new
    EInvoice.objects.bulk_create(read)


def _pair_again(left: Mapping[Document, Move], arrived: Mapping[UUID, Document]) -> None:
    """An XML and a PDF of one invoice that came together."""
    pairs = [(arrived[old.pk], arrived.get(old.companion_id)) for old in left if old.companion_id]
    for document, companion in pairs:
        document.companion = companion
    Document.objects.bulk_update([document for document, _ in pairs], ["companion"])
