"""Telling people, exactly once per event."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from administrations.access import people_with_access
from administrations.models import Administration
from notifications.models import Notification


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence in both languages; `path` and `action` are where the person can do something about it."""

    text_nl: str
    text_en: str
    path: str = ""
    action_nl: str = ""
    action_en: str = ""


def tell_everyone_with_access(
    administration: Administration, *, kind: str, event: str, subject_id: UUID | None, message: Message
) -> int:
    """One notification for each person with access. The same `event` tells nobody twice. Returns how many were told.

    Call it in the transaction that makes the event true; the e-mails leave later (notifications.tasks).
    """
    now = timezone.now()
    rows = [
        Notification(
            administration=administration, user=person, kind=kind, event=event, subject_id=subject_id,
            text_nl=message.text_nl, text_en=message.text_en, path=message.path,
            action_nl=message.action_nl, action_en=message.action_en,
            created_at=now, email_due=person.email_notifications,
        )
        for person in people_with_access(administration)
    ]  # fmt: skip
    return len(Notification.objects.bulk_create(rows, ignore_conflicts=True))


def close_about(subject_id: UUID, kinds: list[str]) -> int:
    """The matter is over: e-mails not yet sent stay unsent. Returns how many open notifications it closed."""
    return Notification.objects.filter(subject_id=subject_id, kind__in=kinds, closed_at=None).update(
        closed_at=timezone.now(), email_due=False
    )
