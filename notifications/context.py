"""The bell in every page's frame."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from administrations.models import User
from notifications.queries import unread


def bell(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {"unread_notifications": unread(request)} if isinstance(user, User) else {}
