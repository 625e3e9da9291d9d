"""Suppliers whose invoices come each month, and whose invoice of this month is missing.

A supplier is who sends: the registered domain, or the whole address at a public provider (documents.senders). A false
alarm is worse than a late one: three whole months in a row come first, and the latest day of the month on which one
ever came, with a week besides, has to pass. Who stays away for two months has ended, and is waited for no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from administrations import audit
from administrations.models import Administration, User
from documents.models import Document, Supplier
from zenvoices.lib.domains import sender_key
from zenvoices.lib.office_days import counted

MONTHS_NEEDED: Final = 3
#: days on which something came that are remembered: a year of weekly invoices
REMEMBERED: Final = 60
PATIENCE: Final = 7
ENDED_AFTER: Final = timedelta(days=62)


def expected_on(arrivals: Sequence[date]) -> date | None:
    """The day until which the next one may come; None without a rhythm. `arrivals`: different days, in order."""
    months = sorted({_month(day) for day in arrivals})
    if len(months) < MONTHS_NEEDED or months[-1] - months[-MONTHS_NEEDED] != MONTHS_NEEDED - 1:
        return None
    latest = max(day.day for day in arrivals)
    year, month = divmod(months[-1] + 1, 12)
    return date(year, month + 1, 1) + timedelta(days=latest - 1)


def is_missing(expected: date, today: date) -> bool:
    return counted(expected, today) > PATIENCE and today - expected <= ENDED_AFTER


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def note(administration_id: UUID, documents: Iterable[Document]) -> None:
    """Of documents that came, with their mails: on which days their suppliers sent. Texts of mails are no invoices."""
    days, names = defaultdict[str, set[date]](set), dict[str, str]()
    for document in documents:
        email = document.email
        if email and document.kind == Document.Kind.ATTACHMENT and (key := sender_key(email.sender_address)):
            days[key].add(timezone.localtime(document.received_at).date())
            names.setdefault(key, email.sender_name[:200])  # the newest comes first
    _keep(administration_id, days, names)


def _keep(administration_id: UUID, days: Mapping[str, set[date]], names: Mapping[str, str]) -> None:
    locked = Supplier.objects.select_for_update().order_by("key")
    known = {one.key: one for one in locked.filter(key__in=list(days))}
    new = [Supplier(administration_id=administration_id, key=key) for key in sorted(days.keys() - known.keys())]
    for supplier in [*known.values(), *new]:
        before = {date.fromisoformat(day) for day in supplier.arrivals}
        arrivals = sorted(before | days[supplier.key])[-REMEMBERED:]
        supplier.name, supplier.arrivals = names[supplier.key], [str(day) for day in arrivals]
        supplier.expected_on, supplier.missing_since = expected_on(arrivals), None
    Supplier.objects.bulk_create(new, ignore_conflicts=True)
    Supplier.objects.bulk_update(known.values(), ["name", "arrivals", "expected_on", "missing_since"])


def look(today: date, most: int) -> int:
    """Marks whose invoice is missing, in the scope of one administration. Returns how many began to be."""
    late = Supplier.objects.filter(expected_on__lt=today - timedelta(days=PATIENCE)).order_by("expected_on", "id")
    began = 0
    for supplier in late[:most]:
        since = supplier.expected_on if supplier.expected_on and is_missing(supplier.expected_on, today) else None
        ended = supplier.expected_on is not None and today - supplier.expected_on > ENDED_AFTER
        if ended or since != supplier.missing_since:
            began += since is not None
            expected = None if ended else supplier.expected_on
            Supplier.objects.filter(pk=supplier.pk).update(missing_since=since, expected_on=expected)
    return began


def missing() -> list[Supplier]:
    """Of the scope, the longest first."""
    return list(Supplier.objects.exclude(missing_since=None).order_by("missing_since", "name")[:200])


def count_missing() -> int:
    """Of the scope."""
    return Supplier.objects.exclude(missing_since=None).count()


@transaction.atomic
def not_expected(supplier: Supplier, by: User) -> None:
    """Its rhythm begins anew."""
    Supplier.objects.filter(pk=supplier.pk).update(arrivals=[], expected_on=None, missing_since=None)
    place = Administration.objects.get(pk=supplier.administration_id)
    audit.note("supplier.not_expected", place, supplier, by=by)
