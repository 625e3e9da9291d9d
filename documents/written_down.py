"""What is written down beside a document so that lists can be sorted and searched, when what it says changes."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from documents import search_text, sort_keys
from documents.models import Document


def anew(ids: Iterable[UUID]) -> None:
    """Of documents that were read, paired or moved, in the transaction that did so: whoever comes last sees it all."""
    rows = Document.objects.filter(pk__in=list(ids))
    list(rows.select_for_update().order_by("pk").values_list("pk"))
    documents = list(rows.select_related("email", "einvoice", "companion__einvoice"))
    sort_keys.renew(documents)
    search_text.renew(documents)
