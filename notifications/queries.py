"""Named reads. A person sees what is about administrations they may still enter."""

from __future__ import annotations

from django.db.models import QuerySet

from administrations.access import administrations_of
from administrations.models import User
from notifications.models import Notification
from zenvoices.lib.scoping import every_administration


def notifications_for(user: User) -> QuerySet[Notification]:
    """Newest first. Evaluate it inside `every_administration`."""
    return Notification.objects.filter(user=user, administration__in=administrations_of(user)).select_related(
        "administration"
    )


def unread_count(user: User) -> int:
    with every_administration():
        return notifications_for(user).filter(read_at=None).count()
