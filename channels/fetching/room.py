"""Those who manage an administration are told in time that its storage fills up; a step of the tick."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from channels.words import storage as words
from channels.words.notices import Kind
from documents import quota
from documents.models import StorageUse
from notifications.services import Message, Said, close_about, in_both_languages, tell_administrators
from zenvoices.lib import bulkheads

TOLD_A_TICK: Final = 200


def tell_nearly_full() -> int:
    """Once for each time that it fills up. Two looks into an index; returns how many were told, or have room again."""
    from_here = int(quota.most_bytes() * quota.NEARLY_FULL)
    told = StorageUse.objects.exclude(told_at=None)
    over = told.filter(bytes__lt=from_here) if from_here else told
    done = bulkheads.each(list(_some(over)), _has_room)
    if not from_here:
        return done
    full = StorageUse.objects.filter(bytes__gte=from_here, told_at=None)
    return done + bulkheads.each(list(_some(full)), _tell)


def _some(uses: QuerySet[StorageUse]) -> QuerySet[StorageUse]:
    return uses.select_related("administration__environment").order_by("pk")[:TOLD_A_TICK]


@transaction.atomic
def _tell(use: StorageUse) -> bool:
    now = timezone.now()
    if not StorageUse.objects.filter(pk=use.pk, told_at=None).update(told_at=now):
        return False  # by another schedule
    tell_administrators(
        use.administration,
        kind=Kind.NEARLY_FULL,
        event=f"{use.administration_id}:storage:{now:%Y%m%d%H%M%S%f}",
        subject_id=use.administration_id,
        message=_message(use),
    )
    return True


@transaction.atomic
def _has_room(use: StorageUse) -> bool:
    close_about(use.administration_id, [Kind.NEARLY_FULL])
    return bool(StorageUse.objects.filter(pk=use.pk).update(told_at=None))


def _message(use: StorageUse) -> Message:
    name = use.administration.name

    def say() -> Said:
        return Said(words.subject(name), *words.text(name, use.bytes, quota.most_bytes()), words.action())

    return in_both_languages(reverse("documents", args=[use.administration_id]), say)
