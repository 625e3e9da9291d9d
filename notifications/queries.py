"""Named reads. A person sees what is about administrations they may still enter."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from administrations.access import open_administrations_of
from administrations.models import Administration, User
from notifications.models import Notification
from zenvoices.lib.counts import at_most, written
from zenvoices.lib.keyset import Position
from zenvoices.lib.scoping import every_administration


def notifications_for(request: HttpRequest) -> QuerySet[Notification]:
    """Of who is signed in, newest first. Evaluate it inside `every_administration`."""
    assert isinstance(request.user, User)  # noqa: S101 (the caller looked)
    return notifications_about(open_administrations_of(request), request.user)


def notifications_about(administrations: QuerySet[Administration], user: User) -> QuerySet[Notification]:
    rows = Notification.objects.filter(user=user, administration__in=administrations)
    return rows.select_related("administration")


def unread(request: HttpRequest) -> str:
    """How many, as the bell says it: never more than it shows are counted."""
    with every_administration():
        return written(at_most(notifications_for(request).filter(read_at=None)))


def notification_page(request: HttpRequest, *, before: Position | None, limit: int) -> list[Notification]:
    rows = notifications_for(request)
    if before is not None:
        rows = rows.filter(created_at__lte=before.at).exclude(created_at=before.at, id__gte=before.id)
    return list(rows[:limit])


def due_emails(limit: int) -> list[UUID]:
    """E-mails that have not left, oldest first; after a day they are old news. Inside `every_administration`."""
    since = timezone.now() - timedelta(days=1)
    due = Notification.objects.filter(email_due=True, created_at__gte=since).order_by("created_at", "id")
    return list(due.values_list("pk", flat=True)[:limit])
