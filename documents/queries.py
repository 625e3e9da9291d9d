"""Lists of documents: what a person may see, narrowed by filters, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from administrations.access import may
from administrations.models import Role, User
from documents import findings, search
from documents.models import PDF, Document, EInvoice, Forward, einvoice_of
from documents.moments import EPOCH, moment_to_text
from documents.notes import count_at
from documents.sorting import Place, Sort, came_before, ordered, up_to
from documents.worklist import in_state, unfolded
from zenvoices.lib.days import midnight

#: a line is 2.6 kB
PAGE_SIZE = 20


@dataclass(frozen=True)
class Filters:
    words: str = ""
    source: UUID | None = None
    uploads: bool = False
    kind: str = ""
    sender: str = ""
    since: date | None = None
    until: date | None = None
    #: only what is behind this line, in the order of arrival
    behind: Place | None = None
    duplicates: bool = False
    warned: bool = False
    #: a state, "" for what is left to do, or worklist.ALL
    state: str = ""

    @property
    def narrows(self) -> bool:
        return self != Filters()


def newest(documents: QuerySet[Document]) -> str:
    """When the last one came, as an address carries it."""
    moments = documents.order_by("-received_at", "-id").values_list("received_at", flat=True)
    return moment_to_text(next(iter(moments[:1]), EPOCH))


def lines(documents: QuerySet[Document], filters: Filters, since: datetime | None = None) -> QuerySet[Document]:
    """Of the list, unordered; only what came `since`, when that is given.

    The XML of an invoice whose PDF is there too is folded under that PDF.
    """
    rows, asked = _unsearched(documents, filters, since), _patterns(filters)
    if not asked:
        return rows
    newest_first = ordered(rows, Sort.ARRIVAL)
    keys, edge = _walked(newest_first, asked, Sort.ARRIVAL, search.WALKED_FIRST)
    ids = search.few(asked) if edge and len(keys) <= PAGE_SIZE else None
    return search.saying(rows, asked) if ids is None else rows.filter(pk__in=ids)


@dataclass(frozen=True)
class Selection:
    """The newest lines that a filter finds."""

    ids: list[UUID]
    #: the last line that was looked at, where the list may go on behind it
    last: Place | None = None
    #: more were found than are selected at once
    is_full: bool = False


def selection(documents: QuerySet[Document], filters: Filters, most: int) -> Selection:
    rows, asked = ordered(_unsearched(documents, filters, None), Sort.ARRIVAL), _patterns(filters)
    some = most + 1  # whether anything is behind them
    keys, edge = _found(rows, asked, Sort.ARRIVAL, search.SELECTED, some) if asked else (_first(rows, some), None)
    if len(keys) <= most:
        return Selection(keys, edge)
    return Selection(keys[:most], Place.of(documents.get(pk=keys[most - 1]), Sort.ARRIVAL), is_full=True)


def _patterns(filters: Filters) -> list[str]:
    return search.patterns(filters.words, filters.sender)


def _unsearched(documents: QuerySet[Document], filters: Filters, since: datetime | None) -> QuerySet[Document]:
    found = documents.filter(received_at__gt=since) if since else documents
    return unfolded(_narrowed(found, filters))


@dataclass(frozen=True)
class Page:
    documents: list[Document] = field(default_factory=list)
    older: Place | None = None


def visible_documents(user: User, role: Role) -> QuerySet[Document]:
    """An Aanleveraar sees what they uploaded themselves; everybody else sees all that is not deleted."""
    return _of_person(user, role).filter(deleted_at=None)


def is_deleted(document_id: UUID, user: User, role: Role) -> bool:
    """Or moved; of what this person saw before."""
    return _of_person(user, role).filter(pk=document_id, deleted_at__isnull=False).exists()


def _of_person(user: User, role: Role) -> QuerySet[Document]:
    return Document.objects.all() if may(role, Role.USER) else Document.objects.filter(uploaded_by=user)


def inbox(
    documents: QuerySet[Document],
    filters: Filters,
    after: Place | None = None,
    since: datetime | None = None,
    sort: Sort = Sort.ARRIVAL,
) -> Page:
    """One page of the lines, each with `is_duplicate`, `is_warned`, `is_unsent` and `note_count`."""
    rows = ordered(_unsearched(documents, filters, since), sort, after)
    asked = _patterns(filters)
    keys, edge = _found(rows, asked, sort, search.WALKED) if asked else (_first(rows), None)
    shown = _shown(documents, keys[:PAGE_SIZE])
    return Page(shown, Place.of(shown[-1], sort) if len(keys) > PAGE_SIZE else edge)


def _first(rows: QuerySet[Document], most: int = PAGE_SIZE + 1) -> list[UUID]:
    """Of a page, and one more."""
    return [*rows.values_list("pk", flat=True)[:most]]


def _found(
    rows: QuerySet[Document], asked: Sequence[str], sort: Sort, lines: int, most: int = PAGE_SIZE + 1
) -> tuple[list[UUID], Place | None]:
    """With the place behind which the list goes on, when so many lines were looked at."""
    keys, edge = _walked(rows, asked, sort, search.WALKED_FIRST, most)
    if len(keys) == most or edge is None:
        return keys, edge
    ids = search.few(asked) if len(keys) <= PAGE_SIZE else None
    return _walked(rows, asked, sort, lines, most) if ids is None else (_first(rows.filter(pk__in=ids), most), None)


def _walked(
    rows: QuerySet[Document], asked: Sequence[str], sort: Sort, lines: int, most: int = PAGE_SIZE + 1
) -> tuple[list[UUID], Place | None]:
    """What so many lines of the list give, and the last of these; None when the list ends before."""
    last_two = rows[lines - 1 : lines + 1]
    edge = Place.of(last_two[0], sort) if len(last_two) == 2 else None
    return _first(search.saying(up_to(rows, sort, edge) if edge else rows, asked), most), edge


def _shown(documents: QuerySet[Document], keys: Sequence[UUID]) -> list[Document]:
    """In this order. Ids first, then rows: no estimate behind a policy makes it read tables whole."""
    rows = documents.filter(pk__in=keys).select_related("email", "einvoice", "companion__einvoice", "uploaded_by")
    twin = documents.filter(pk=OuterRef("duplicate_of_id"))
    marked = rows.defer("email__text").annotate(
        is_duplicate=_asked(Exists(twin)), is_warned=findings.is_warned(), is_unsent=_unsent()
    )
    shown: list[Document] = [*sorted(marked, key=lambda document: keys.index(document.pk))]
    count_at(shown)
    return shown


def _asked(twin: Exists) -> ExpressionWrapper[Any]:
    """Nobody said yet that both stay."""
    return ExpressionWrapper(Q(twin) & Q(kept_both_at=None), output_field=BooleanField())


def _unsent() -> ExpressionWrapper[Any]:
    """Somebody forwarded it, and it did not leave."""
    forwards = Forward.objects.filter(document=OuterRef("pk"))
    failed, other = forwards.filter(state=Forward.State.FAILED), forwards.exclude(state=Forward.State.FAILED)
    return ExpressionWrapper(Q(Exists(failed)) & ~Q(Exists(other)), output_field=BooleanField())


def twin_of(document: Document, visible: QuerySet[Document]) -> Document | None:
    """The earlier document with the same bytes; of one that a person may not see they do not learn that it is there."""
    return visible.filter(pk=document.duplicate_of_id).first() if document.duplicate_of_id else None


def _narrowed(visible: QuerySet[Document], filters: Filters) -> QuerySet[Document]:
    documents = in_state(visible, filters.state)
    if filters.source:
        documents = documents.filter(source_id=filters.source)
    if filters.uploads:
        documents = documents.filter(source_id=None)
    if filters.kind:
        documents = documents.filter(kind=filters.kind)
    if filters.since:
        documents = documents.filter(received_at__gte=midnight(filters.since))
    if filters.until:
        documents = documents.filter(received_at__lt=midnight(filters.until + timedelta(days=1)))
    if filters.behind:
        documents = came_before(documents, filters.behind)
    if filters.duplicates:
        documents = documents.filter(duplicate_of__isnull=False, duplicate_of__in=visible, kept_both_at=None)
    return findings.warned(documents) if filters.warned else documents


def chosen(documents: QuerySet[Document], ids: Iterable[UUID]) -> list[Document]:
    """Of the documents asked for, those that are visible, each with the other half of its invoice."""
    wanted = Q(pk__in=list(ids))
    beside = Q(companion__in=documents.filter(wanted))
    return list(documents.filter(wanted | beside).order_by("-received_at", "-id"))


def shown_invoice(document: Document, companion: Document | None) -> EInvoice | None:
    """What the e-invoice says: the XML before the one inside a PDF. None when there is none that we can read."""
    halves = sorted([one for one in (document, companion) if one], key=lambda one: one.content_type == PDF)
    readings = [einvoice_of(one) for one in halves]
    return next((read for read in readings if read and not read.problem), None)


def siblings(document: Document) -> list[Document]:
    """The other documents of the same mail."""
    if document.email_id is None:
        return []
    others = Document.objects.filter(email_id=document.email_id, deleted_at=None).exclude(pk=document.pk)
    return list(others.order_by("part_path", "id"))


def for_operators() -> QuerySet[Document]:
    """Oldest first, deleted ones left out."""
    rows = Document.objects.filter(deleted_at=None).select_related("email", "einvoice", "companion")
    return rows.defer("email__text").order_by("received_at", "id")
