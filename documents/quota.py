"""How much an administration keeps: a sum that follows its rows, in their transactions, and what it may grow to."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet, Sum

from documents.models import Document, Email, StorageUse
from documents.storage import StorageProblem

#: of the quota; beyond it those who manage the administration are told
NEARLY_FULL = 0.8
GB = 1_000_000_000


def most_bytes() -> int:
    """That an administration may keep; 0 for no bound."""
    return int(settings.STORAGE_QUOTA_GB * GB)


def hold(administration_id: UUID, coming: int = 0) -> None:
    """Raises StorageProblem `storage_quota` when there is no room for so many bytes more; one look at one row."""
    most = most_bytes()
    if most and used(administration_id) + coming >= most:
        raise StorageProblem("storage_quota")


def used(administration_id: UUID) -> int:
    """Bytes of its mails as received, and of its documents that are not deleted."""
    kept = StorageUse.objects.filter(administration_id=administration_id)
    return kept.values_list("bytes", flat=True).first() or 0


def grew(administration_id: UUID, change: int) -> None:
    """To be called in the transaction that writes the rows; a negative number when they go."""
    if change and not _add(administration_id, change):
        StorageUse.objects.bulk_create([StorageUse(administration_id=administration_id)], ignore_conflicts=True)
        _add(administration_id, change)


def grew_by(documents: QuerySet[Document], sign: int = 1) -> None:
    for administration_id, change in documents.order_by().values_list("administration_id").annotate(all=Sum("size")):
        grew(administration_id, sign * change)


def _add(administration_id: UUID, change: int) -> int:
    return StorageUse.objects.filter(administration_id=administration_id).update(bytes=F("bytes") + change)


def count_anew(administration_id: UUID) -> int:
    """The sum from all rows, for whoever doubts it."""
    mails = Email.objects.filter(administration_id=administration_id).aggregate(all=Sum("raw_size"))["all"] or 0
    kept = Document.objects.filter(administration_id=administration_id, deleted_at=None)
    return mails + (kept.aggregate(all=Sum("size"))["all"] or 0)
