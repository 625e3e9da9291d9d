"""What a document can be found by, in one row of it, written down when that changes.

Its names, those of the other half of its invoice, what an e-invoice of either says, and its mail.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from documents.models import Document, SearchText, einvoice_of

#: of a mail's text; what stands further on is not found
MOST_TEXT: Final = 20_000
#: before the sender, who stands last: a filter looks behind it
SENDER: Final = "\x01"
_AT_ONCE: Final = 500


def folded(text: str) -> str:
    """Capitals are no difference, and neither is how a letter with an accent is written."""
    return unicodedata.normalize("NFC", text).lower().replace(SENDER, " ")


def text_of(document: Any, invoices: Iterable[Any]) -> str:
    """Each on lines of its own; a word that is looked for has no line in it. `invoices`: of both halves."""
    email = document.email
    said = [email.subject, email.text[:MOST_TEXT]] if email else []
    sender = f"{email.sender_name}\n{email.sender_address}" if email else ""
    names = [half.filename for half in _halves(document)]
    facts = [fact for invoice in invoices for fact in (invoice.number, invoice.supplier)]
    return folded("\n".join([*names, *facts, *said])) + SENDER + folded(sender)


def text_as_read(document: Any) -> str:
    """Select `email`, `einvoice` and `companion__einvoice` along."""
    read = [einvoice_of(half) for half in _halves(document)]
    return text_of(document, filter(None, read))


def _halves(document: Any) -> list[Any]:
    return [half for half in (document, document.companion) if half]


def add(documents: Iterable[Document]) -> None:
    """Of documents that are new, in the transaction that adds them."""
    SearchText.objects.bulk_create(
        SearchText(administration_id=one.administration_id, document=one, text=text_of(one, ())) for one in documents
    )


def refresh(ids: Iterable[UUID]) -> None:
    """Of documents that were read, paired or moved, in the transaction that did so."""
    rows = Document.objects.filter(pk__in=list(ids)).select_related("email", "einvoice", "companion__einvoice")
    SearchText.objects.bulk_create(
        [SearchText(administration_id=one.administration_id, document=one, text=text_as_read(one)) for one in rows],
        update_conflicts=True,
        unique_fields=["document"],
        update_fields=["text", "written_at"],
    )


def fill_in() -> int:
    """What a process of the version before made or read: it knows no such row. Returns how many."""
    late = Q(search_text=None) | Q(einvoice_read_at__gt=F("search_text__written_at"))
    count, last = 0, UUID(int=0)
    while ids := list(
        Document.objects.filter(late, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]
    ):
        with transaction.atomic():
            refresh(ids)
        count, last = count + len(ids), ids[-1]
    return count
