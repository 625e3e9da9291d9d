"""What each line of the list is sorted by: what its row shows, written down when that changes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.utils import timezone

from documents.models import NO_AMOUNT, NO_NAME, Document, EInvoice
from documents.queries import shown_invoice

_COLUMNS = ("sort_date", "sort_name", "sort_amount")


def put(document: Document, invoice: EInvoice | None) -> None:
    """Not saved yet. Whoever sent a document stands for its supplier where no e-invoice names one."""
    email = document.email
    sender = (email.sender_name or email.sender_address) if email else ""
    document.sort_name = name_key((invoice and invoice.supplier) or sender)
    document.sort_date = (invoice and invoice.issued) or timezone.localdate(document.received_at)
    document.sort_amount = amount_key(invoice.amount if invoice else None)


def renew(documents: Iterable[Document]) -> None:
    """Select `email`, `einvoice` and `companion__einvoice` along."""
    changed = []
    for document in documents:
        before = [getattr(document, name) for name in _COLUMNS]
        put(document, shown_invoice(document, document.companion))
        if before != [getattr(document, name) for name in _COLUMNS]:
            changed.append(document)
    Document.objects.bulk_update(changed, _COLUMNS)


def name_key(name: str) -> str:
    """Before NO_NAME in whichever collation."""
    words = " ".join(name[:500].casefold().split())
    return f"0 {words}"[:120] if words else NO_NAME


def amount_key(amount: Decimal | None) -> int:
    return NO_AMOUNT if amount is None else int(amount * 10_000)
