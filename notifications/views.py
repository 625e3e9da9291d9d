"""Meldingen: the list behind the bell. It belongs to the person, over all their administrations."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from notifications.models import Notification
from notifications.queries import notification_page, notifications_for, unread
from notifications.services import in_language, mark_read, two_lines
from zenvoices.lib.keyset import Position
from zenvoices.lib.own_addresses import own_path
from zenvoices.lib.scoping import every_administration

PAGE = 50


@dataclass(frozen=True, slots=True)
class Entry:
    notification: Notification
    text: str
    action: str
    what: str
    do: str

    @classmethod
    def of(cls, notification: Notification, language: str) -> Entry:
        text, action = in_language(notification, language)
        return cls(notification, text, action, *two_lines(notification, language))


@require_safe
@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    with every_administration():
        found = notification_page(request, before=Position.read(request.GET.get("before", "")), limit=PAGE + 1)
    entries = [Entry.of(one, get_language() or "nl") for one in found[:PAGE]]
    more = Position(found[PAGE - 1].created_at, found[PAGE - 1].pk).mark if len(found) > PAGE else ""
    context = {"entries": entries, "unread": unread(request), "more": more}
    return render(request, "notifications/list.html", context)


@require_safe
@login_required
def open_one(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Reads it, and goes where something can be done about it. Of what is over, by the button of an e-mail of then, the
    list says so: what it was about may be gone.
    """
    notification = _mark(request, notification_id)
    is_open = notification.closed_at is None
    return redirect((own_path(notification.path) if is_open else None) or "notifications")


@require_POST
@login_required
def read_one(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    _mark(request, notification_id)
    return redirect("notifications")


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    with every_administration():
        notifications_for(request).filter(read_at=None).update(read_at=timezone.now())
    return redirect("notifications")


def _mark(request: HttpRequest, notification_id: UUID) -> Notification:
    with every_administration():
        notification = get_object_or_404(notifications_for(request), pk=notification_id)
        mark_read(notification)
    return notification
