"""Possible duplicates: the same bytes twice (documents.services), or the same invoice by another road.

The later one names the earlier. Nothing is suppressed: a person looks at both, and may say that both stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from administrations import audit
from administrations.models import Administration, User
from documents.models import Document, EInvoice
from documents.queries import shown_invoice


@dataclass(frozen=True)
class Question:
    """Two documents that may be one."""

    other: Document
    later: Document

    @property
    def is_same_file(self) -> bool:
        return self.later.duplicate_of is not None and self.later.sha256 == self.later.duplicate_of.sha256


def question(document: Document, visible: QuerySet[Document]) -> Question | None:
    """The earlier one that it may be, else the first later one that may be it; what a person may not see is neither."""
    rows = visible.select_related("duplicate_of", "einvoice", "email", "uploaded_by")
    if document.duplicate_of_id and document.kept_both_at is None:
        earlier = rows.filter(pk=document.duplicate_of_id).first()
        if earlier:
            return Question(earlier, document)
    later = rows.filter(duplicate_of=document, kept_both_at=None).order_by("received_at", "id").first()
    return Question(later, later) if later else None


@transaction.atomic
def keep_both(asked: Question, by: User) -> datetime:
    """For both, and for the other halves of their invoices; the moment, by which `ask_again` finds them."""
    moment, later = timezone.now(), asked.later
    Document.objects.filter(Q(pk=later.pk) | Q(companion=later.pk), kept_both_at=None).update(kept_both_at=moment)
    audit.note("document.kept_both", Administration.objects.get(pk=later.administration_id), later, by=by)
    return moment


def ask_again(moment: datetime) -> int:
    return Document.objects.filter(kept_both_at=moment).update(kept_both_at=None)


def mark_same_invoice(document_id: UUID) -> None:
    """After it was read and paired: supplier, number and amount alike, not in the same mail."""
    document = Document.objects.select_related("einvoice", "companion__einvoice").get(pk=document_id)
    halves = [one for one in (document, document.companion) if one and one.deleted_at is None]
    invoice = shown_invoice(document, document.companion)
    if document not in halves or invoice is None or not invoice.number or invoice.amount is None:
        return
    alike = EInvoice.objects.filter(number=invoice.number, problem="", document__deleted_at=None)
    read = [one for one in alike.select_related("document").exclude(document__in=halves) if _is_same(one, invoice)]
    others = [one.document for one in read if not _in_one_mail(one.document, document)]
    if not others:
        return
    first = min([*halves, *others], key=_came)
    if first in halves:
        _mark([*others, *(one.companion_id for one in others if one.companion_id)], document)
    else:
        _mark(halves, first)


def _mark(later: Iterable[Document | UUID], first: Document) -> None:
    """What is marked already, for its bytes say, stays as it is."""
    ids = [one.pk if isinstance(one, Document) else one for one in later]
    Document.objects.filter(pk__in=ids, duplicate_of=None).exclude(pk=first.pk).update(duplicate_of=first)


def _came(document: Document) -> tuple[datetime, UUID]:
    return document.received_at, document.pk


def _in_one_mail(one: Document, other: Document) -> bool:
    return one.email_id is not None and one.email_id == other.email_id


def _is_same(one: EInvoice, other: EInvoice) -> bool:
    facts = [(read.amount, read.currency, read.is_credit) for read in (one, other)]
    return facts[0] == facts[1] and _is_same_supplier(one, other)


def _is_same_supplier(one: EInvoice, other: EInvoice) -> bool:
    """By VAT number where both say one, else by name."""
    numbers = ["".join(filter(str.isalnum, read.supplier_vat)).upper() for read in (one, other)]
    if all(numbers):
        return numbers[0] == numbers[1]
    names = [" ".join(read.supplier.casefold().split()) for read in (one, other)]
    return bool(names[0]) and names[0] == names[1]
