"""Whether an e-invoice names another IBAN than its supplier's invoices before it.

A supplier is a VAT number, or a name where an invoice says none. The order of reading does not matter: an invoice is
held against those that came before it, and after each reading the next ones are looked at again. What a person closed
makes its IBAN known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from administrations.models import Administration
from documents.einvoice.values import compact
from documents.models import Document, EInvoice, Finding

#: invoices of a supplier that one is held against, and that are looked at again: the nearest
MOST_BEFORE: Final = 200
MOST_AFTER: Final = 50


def hold(administration_id: UUID) -> None:
    """Two invoices of one supplier that are read together would each find nothing before them.

    Before any other lock: an erasing locks the administration first too.
    """
    Administration.objects.select_for_update(no_key=True).get(pk=administration_id)


def look_at(invoice: EInvoice) -> None:
    """In the transaction that keeps what was read, after `hold`."""
    _look(invoice)
    if _ibans(invoice):
        later = _of_supplier(invoice).filter(_after(invoice.document), _differs_from(invoice))
        for other in later.order_by("document__received_at")[:MOST_AFTER]:
            _look(other)


def trust(document: Document) -> None:
    """Somebody closed its finding, after `hold`: others of this supplier that name the same IBAN are right too."""
    invoice = EInvoice.objects.filter(document=document).select_related("document").first()
    if invoice is None:
        return
    doubted = Finding.objects.filter(kind=Finding.Kind.IBAN, closed_at=None).values("document")
    others = _of_supplier(invoice).filter(document__in=doubted)
    for other in others.order_by("-document__received_at")[:MOST_BEFORE]:
        _look(other)


@dataclass
class _History:
    #: on invoices before this one, and on any that a person said is right
    ibans: set[str] = field(default_factory=set)
    #: of the invoices that came before; a PDF and its XML are one
    numbers: set[str] = field(default_factory=set)


def _look(invoice: EInvoice) -> None:
    doubts = Finding.objects.filter(document=invoice.document_id, kind=Finding.Kind.IBAN)
    history = _history(invoice)
    new = [iban for iban in _ibans(invoice) if iban not in history.ibans]
    if not new or not history.numbers:
        doubts.filter(closed_at=None).delete()
        return
    facts = {"iban": new[0], "count": len(history.numbers)}
    if not doubts.exists():
        Finding.objects.create(
            administration_id=invoice.administration_id,
            document_id=invoice.document_id,
            kind=Finding.Kind.IBAN,
            facts=facts,
        )
    doubts.filter(closed_at=None).update(facts=facts)


def _history(invoice: EInvoice) -> _History:
    history = _History()
    doubt = Finding.objects.filter(document=OuterRef("document_id"), kind=Finding.Kind.IBAN)
    rows = _of_supplier(invoice).annotate(
        is_doubted=Exists(doubt.filter(closed_at=None)), is_trusted=Exists(doubt.filter(closed_at__isnull=False))
    )
    for other in rows.filter(_before(invoice.document)).order_by("-document__received_at")[:MOST_BEFORE]:
        if not other.is_doubted:
            history.numbers.add(other.number)
            history.ibans |= _ibans(other).keys()
    for other in rows.filter(is_trusted=True)[:MOST_BEFORE]:
        history.ibans |= _ibans(other).keys()
    return history


def _of_supplier(invoice: EInvoice) -> QuerySet[EInvoice]:
    """Other invoices of the same supplier that name an IBAN; deleted ones too, which somebody may have handled."""
    same = Q(supplier_vat=invoice.supplier_vat) if invoice.supplier_vat else Q()
    if invoice.supplier_key:
        by_name = Q(supplier_key=invoice.supplier_key)
        same |= by_name & Q(supplier_vat="") if invoice.supplier_vat else by_name
    elif not invoice.supplier_vat:
        same = Q(pk=None)
    others = EInvoice.objects.filter(same).exclude(iban="").exclude(pk=invoice.pk)
    return others.exclude(document__companion=invoice.document_id).select_related("document")


def _differs_from(invoice: EInvoice) -> Q:
    """What came later and may have become doubtful, or no longer be so: seldom any."""
    doubt = Finding.objects.filter(document=OuterRef("document_id"), kind=Finding.Kind.IBAN, closed_at=None)
    return Exists(doubt) | ~Q(iban=invoice.iban, other_ibans=invoice.other_ibans)


def _before(document: Document) -> Q:
    same_moment = Q(document__received_at=document.received_at, document__id__lt=document.pk)
    return Q(document__received_at__lt=document.received_at) | same_moment


def _after(document: Document) -> Q:
    same_moment = Q(document__received_at=document.received_at, document__id__gt=document.pk)
    return Q(document__received_at__gt=document.received_at) | same_moment


def _ibans(invoice: EInvoice) -> dict[str, None]:
    """As one writes them to compare; the one to pay to first."""
    given: Iterable[str] = (invoice.iban, *invoice.other_ibans)
    return dict.fromkeys(iban for iban in map(compact, given) if iban)
