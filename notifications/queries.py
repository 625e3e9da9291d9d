"""Named reads. A person sees what is about administrations they may still enter."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from administrations.access import administrations_of, open_administrations_of
from administrations.models import Administration, User
from notifications.models import Notification
from zenvoices.lib import database_clock
from zenvoices.lib.counts import at_most, written
from zenvoices.lib.keyset import Position
from zenvoices.lib.scoping import every_administration

#: the hour at which the e-mails of the day leave
MORNING = 7


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


def due_emails(limit: int) -> list[tuple[UUID, datetime]]:
    """E-mails that have not left, oldest first, and since when; after a day they are old news. Inside
    `every_administration`. Of those who want each at once.
    """
    since = database_clock.now() - timedelta(days=1)
    due = Notification.objects.filter(email_due=True, created_at__gte=since, user__daily_email=False).order_by(
        "created_at", "id"
    )
    return list(due.values_list("pk", "created_at")[:limit])


def due_daily(limit: int) -> list[User]:
    """Who gets the e-mail of this morning, with what came before it. Inside `every_administration`."""
    due = _of_before_this_morning().filter(user__daily_email=True)
    return list(User.objects.filter(pk__in=due.values("user")).order_by("pk")[:limit])


def of_the_day(user: User, limit: int) -> list[Notification]:
    """What this person's e-mail of the morning tells, oldest first: rights may have gone since it was noted."""
    told = notifications_about(administrations_of(user), user)
    return list(_of_before_this_morning(told).order_by("created_at", "id")[:limit])


def _of_before_this_morning(rows: QuerySet[Notification] | None = None) -> QuerySet[Notification]:
    morning = this_morning()
    found = Notification.objects.all() if rows is None else rows
    since = database_clock.now() - timedelta(days=2)
    return found.filter(email_due=True, created_at__lt=morning, created_at__gte=since)


def this_morning() -> datetime:
    """The last that was."""
    now = timezone.localtime(database_clock.now())
    morning = now.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return morning - (timedelta(days=1) if morning > now else timedelta())
