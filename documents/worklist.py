"""The work list: what is new, what somebody looked at, what is done. Of everybody in the administration alike.

The PDF and the XML of one invoice are one line of it, and change together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db.models import BooleanField, Case, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from administrations.models import User
from documents.models import XML_TYPES, Document
from zenvoices.lib.counts import at_most, written

log = structlog.get_logger(__name__)
#: what the list may be narrowed to besides a state: "" is all that is left to do
ALL = "all"
_BATCH = 500  # databases bound the number of parameters
_IN_STATE = {
    "": Q(done_at=None),
    Document.State.NEW: Q(done_at=None, seen_at=None),
    Document.State.SEEN: Q(done_at=None, seen_at__isnull=False),
    Document.State.DONE: Q(done_at__isnull=False),
    ALL: Q(),
}


def unfolded(documents: QuerySet[Document]) -> QuerySet[Document]:
    """Without the XML of an invoice whose PDF is there too, which stands under that PDF.

    Each looks for its PDF by itself: joined to all PDFs a list would at times be read whole, for one page.
    """
    beside = Document.objects.filter(pk=OuterRef("companion_id"))
    there = Subquery(beside.values_list(ExpressionWrapper(Q(deleted_at=None), output_field=BooleanField()))[:1])
    of_two = When(content_type__in=XML_TYPES, companion_id__isnull=False, then=Coalesce(there, False))
    return documents.alias(is_folded=Case(of_two, default=False)).filter(is_folded=False)


def in_state(documents: QuerySet[Document], state: str) -> QuerySet[Document]:
    return documents.filter(_IN_STATE[state])


@dataclass(frozen=True)
class Counts:
    """Lines of the list, as they are written: no more than is read at a glance is counted."""

    new: str
    seen: str


def counts(documents: QuerySet[Document]) -> Counts:
    return Counts(counted(documents, Document.State.NEW), counted(documents, Document.State.SEEN))


def counted(documents: QuerySet[Document], state: str) -> str:
    return written(at_most(unfolded(in_state(documents, state))))


def opened(document: Document) -> None:
    """Somebody who works on documents looks at it, and so at both halves of an invoice."""
    if document.seen_at is None:
        halves = Document.objects.filter(Q(pk=document.pk) | Q(companion=document.pk), seen_at=None)
        document.seen_at = timezone.now()
        halves.update(seen_at=document.seen_at)


def mark_done(documents: Iterable[Document], by: User) -> tuple[datetime, int]:
    """All at one moment, by which `undo_done` finds them; and how many lines were not done yet."""
    moment, left = timezone.now(), [one for one in documents if one.done_at is None]
    for some in _batches(left):
        some.filter(done_at=None).update(done_at=moment)
    log.info("documents done", count=len(left), by=str(by.pk))
    return moment, lines_of(left)


def undo_done(moment: datetime, by: User) -> list[Document]:
    """Each is again what it was before."""
    done = list(Document.objects.filter(done_at=moment, deleted_at=None))
    Document.objects.filter(done_at=moment).update(done_at=None)
    log.info("documents not done after all", count=len(done), by=str(by.pk))
    return done


def reopen(documents: Iterable[Document], by: User) -> int:
    """Back on the list, and no longer new to anybody; how many lines were done."""
    done = [one for one in documents if one.done_at]
    for some in _batches(done):
        some.update(done_at=None, seen_at=Coalesce("seen_at", "done_at"))
    log.info("documents back on the list", count=len(done), by=str(by.pk))
    return lines_of(done)


def _batches(documents: list[Document]) -> Iterator[QuerySet[Document]]:
    for start in range(0, len(documents), _BATCH):
        yield Document.objects.filter(pk__in=[one.pk for one in documents[start : start + _BATCH]])


def lines_of(documents: list[Document]) -> int:
    """An XML is no line of its own beside its PDF."""
    there = {one.pk for one in documents}
    return sum(one.content_type not in XML_TYPES or one.companion_id not in there for one in documents)
