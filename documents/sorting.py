"""In which order the list stands, and a place in it.

What a line is sorted by is kept in its row, of every line: an order that joined tables for it, or had empty places,
would read the whole list for each page. The comparisons are those of integers, dates and texts, which PostgreSQL takes
to an index behind row-level security too; that of numeric it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet, TextChoices
from django.db.models.fields.tuple_lookups import (
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)
from django.utils.translation import pgettext_lazy

from documents.models import Document
from documents.moments import moment_from_text, moment_to_text

#: no amount is larger
_MOST: Final = 10**18


class Sort(TextChoices):
    ARRIVAL = "", pgettext_lazy("sort", "Arrival")
    DATE = "date", pgettext_lazy("sort", "Date")
    SUPPLIER = "supplier", pgettext_lazy("sort", "Supplier")
    AMOUNT = "amount", pgettext_lazy("sort", "Amount")


#: the column that goes before the moment of arrival
_COLUMN = {Sort.DATE: "sort_date", Sort.SUPPLIER: "sort_name", Sort.AMOUNT: "sort_amount"}


@dataclass(frozen=True)
class Place:
    """Of a line: everything behind it in its order comes after it. `value` is that of the order's column."""

    received_at: datetime
    id: UUID
    value: date | str | int | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f"_{self.value}"
        return f"{moment_to_text(self.received_at)}_{self.id.hex}{value}"

    @classmethod
    def of(cls, document: Document, sort: Sort) -> Place:
        column = _COLUMN.get(sort)
        return cls(document.received_at, document.pk, getattr(document, column) if column else None)

    @classmethod
    def read(cls, text: str, sort: Sort = Sort.ARRIVAL) -> Place | None:
        """None for nonsense, which begins at the top."""
        moment, _, rest = text.partition("_")
        key, _, value = rest.partition("_")
        received_at = moment_from_text(moment)
        try:
            return cls(received_at, UUID(key), _value(value, sort)) if received_at else None
        except (ValueError, OverflowError):
            return None


def ordered(rows: QuerySet[Document], sort: Sort, after: Place | None = None) -> QuerySet[Document]:
    """Suppliers from A to Z and then the oldest first; everything else the newest or largest first."""
    names = _columns(sort)
    if after is not None:
        rows = _on_one_side(rows, sort, after, TupleGreaterThan if _rises(sort) else TupleLessThan)
    return rows.order_by(*names) if _rises(sort) else rows.order_by(*(f"-{name}" for name in names))


def up_to(rows: QuerySet[Document], sort: Sort, last: Place) -> QuerySet[Document]:
    """What is not behind `last`."""
    return _on_one_side(rows, sort, last, TupleLessThanOrEqual if _rises(sort) else TupleGreaterThanOrEqual)


def came_before(rows: QuerySet[Document], place: Place) -> QuerySet[Document]:
    """What is behind it in the order of arrival."""
    return _on_one_side(rows, Sort.ARRIVAL, place, TupleLessThan)


def _columns(sort: Sort) -> list[str]:
    return [*([_COLUMN[sort]] if sort in _COLUMN else []), "received_at", "id"]


def _rises(sort: Sort) -> bool:
    return sort == Sort.SUPPLIER


def _on_one_side(rows: QuerySet[Document], sort: Sort, of: Place, compare: Any) -> QuerySet[Document]:
    values = [*([of.value] if sort in _COLUMN else []), of.received_at, of.id]
    return rows.filter(compare(tuple(F(name) for name in _columns(sort)), tuple(values)))


def _value(text: str, sort: Sort) -> date | str | int | None:
    """Raises ValueError."""
    if sort == Sort.DATE:
        return date.fromisoformat(text)
    if sort == Sort.AMOUNT:
        amount = int(text[:20])
        return max(-_MOST, min(amount, _MOST))
    if sort == Sort.SUPPLIER:
        if not text or "\0" in text:
            raise ValueError(text)
        return text[:120]
    return None
