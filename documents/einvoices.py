"""E-invoices of documents: read once, in a process with limits, kept as a row, then linked to their PDF."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from documents import accounts, duplicates, pairing, processes, storage
from documents.einvoice.facts import from_json
from documents.einvoice.xml_text import DEFECTS
from documents.models import MAYBE_EINVOICE, PDF, Document, EInvoice, einvoice_of
from documents.senders import folded
from zenvoices.lib.scoping import administration_scope, every_administration

log = structlog.get_logger(__name__)
MOST_FAILURES = 20


class NotNow(Exception):
    """Our storage, process or machine failed: the document stays unread, to be tried again."""


def is_unread(document: Document) -> bool:
    return document.content_type in MAYBE_EINVOICE and document.einvoice_read_at is None


def read(document: Document) -> EInvoice | None:
    """Looks whether `document` is an e-invoice and keeps what it says. Raises NotNow."""
    answer = _answer(document)
    columns: dict[str, Any] | None = None
    if answer.get("problem"):
        columns = {"problem": answer["problem"]}
    elif answer["invoice"]:
        columns = _columns(answer["invoice"])
    with transaction.atomic():
        if columns is not None:
            accounts.hold(document.administration_id)
        locked = Document.objects.select_for_update().get(pk=document.pk)  # two readers at once: the last one counts
        EInvoice.objects.filter(document=locked).delete()
        if columns is not None:
            kept = EInvoice.objects.create(administration_id=locked.administration_id, document=locked, **columns)
            accounts.look_at(kept)
        locked.einvoice_read_at = timezone.now()
        of_the_mail = [code for code in locked.defects if code not in DEFECTS]
        locked.defects = [*of_the_mail, *answer.get("defects", [])]
        locked.save(update_fields=["einvoice_read_at", "defects"])
    fresh = Document.objects.select_related("einvoice").get(pk=document.pk)
    pairing.pair_after_reading(fresh)
    duplicates.mark_same_invoice(fresh.pk)
    return einvoice_of(fresh)


def _columns(found: dict[str, Any]) -> dict[str, Any]:
    invoice = from_json(found)
    more = {"pdf_sha256": invoice.pdf_sha256, "supplier_key": folded(invoice.supplier)}
    return asdict(invoice) | {"lines": found["lines"]} | more


def _answer(document: Document) -> dict[str, Any]:
    try:
        with storage.path_of(document.administration_id, document.sha256) as path:
            return processes.answer_of("documents.einvoice.read_file", str(path), document.content_type)
    except storage.BlobMissing:
        return _unreadable(document, "missing")
    except processes.Killed:
        return _unreadable(document, "too_hard")
    except (storage.StorageProblem, OSError, processes.TimedOut, processes.Failed) as problem:
        raise NotNow from problem


def _unreadable(document: Document, code: str) -> dict[str, Any]:
    """Of an XML a person wants to know why; of a PDF the preview tells enough, and an e-invoice is only a chance."""
    return {"invoice": None} if document.content_type == PDF else {"problem": code}


@dataclass
class Tally:
    read: int = 0
    einvoices: int = 0
    unreadable: int = 0
    failed: int = 0


def read_waiting(seconds: float | None = None, only: UUID | None = None, before: datetime | None = None) -> Tally:
    """What nobody read yet (or not since `before`), for so long. May be stopped at any time and called again."""
    tally, until = Tally(), time.monotonic() + seconds if seconds else None
    for owner in [only] if only else _owners(before):
        with administration_scope(owner):
            for document in _unread(before):
                if until is not None and time.monotonic() > until:
                    return tally
                _count(document, tally)
                if tally.failed == MOST_FAILURES:  # it is us, not the files
                    return tally
    return tally


def _count(document: Document, tally: Tally) -> None:
    try:
        found = read(document)
    except NotNow as problem:
        log.warning("an e-invoice waits", document=str(document.pk), reason=type(problem.__cause__).__name__)
        tally.failed += 1
        return
    tally.read += 1
    if found is not None:
        tally.einvoices += not found.problem
        tally.unreadable += bool(found.problem)


def _rows(before: datetime | None) -> QuerySet[Document]:
    rows = Document.objects.filter(content_type__in=sorted(MAYBE_EINVOICE), deleted_at=None)
    never = Q(einvoice_read_at=None)
    return rows.filter(never | Q(einvoice_read_at__lt=before) if before else never)


def _owners(before: datetime | None) -> list[UUID]:
    with every_administration():
        return list(_rows(before).order_by().values_list("administration_id", flat=True).distinct())


def _unread(before: datetime | None, most: int = 200) -> Iterator[Document]:
    """In slices, so that no cursor stays open while files are read."""
    last = UUID(int=0)
    while documents := list(_rows(before).filter(pk__gt=last).order_by("pk")[:most]):
        yield from documents
        last = documents[-1].pk
