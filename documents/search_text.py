"""What a document can be found by, in one row of it, written down when that changes.

Its names, those of the other half of its invoice, what an e-invoice of either says, and its mail.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from documents.models import TEXT_IS_LATE, Document, SearchText, einvoice_of

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
    SearchText.objects.insert([_row(one, text_of(one, ())) for one in documents])


def renew(documents: Iterable[Document]) -> None:
    """Select `email`, `einvoice` and `companion__einvoice` along."""
    documents = list(documents)
    SearchText.objects.bulk_create(
        [_row(one, text_as_read(one)) for one in documents],
        update_conflicts=True,
        unique_fields=["document"],
        update_fields=["text", "written_at"],
    )
    Document.objects.filter(pk__in=[one.pk for one in documents]).update(text_written_at=timezone.now())


def _row(document: Document, text: str) -> SearchText:
    return SearchText(administration_id=document.administration_id, document=document, text=text)


def fill_in() -> int:
    """What a process of the version before made or read: it knows no such row. Returns how many."""
    count, last = 0, UUID(int=0)
    rows = (
        Document.objects.filter(TEXT_IS_LATE).select_related("email", "einvoice", "companion__einvoice").order_by("pk")
    )
    while some := list(rows.filter(pk__gt=last)[:_AT_ONCE]):
        renew(some)
        count, last = count + len(some), some[-1].pk
    return count
