"""Notifications for tests."""

from __future__ import annotations

import uuid
from typing import Any

from administrations.models import Administration, User
from notifications.models import Notification
from zenvoices.lib.scoping import administration_scope


def make_notification(administration: Administration, user: User, **fields: Any) -> Notification:
    known = {
        "kind": "channel_deactivated", "text_nl": "Kanaal jan is inactief. Er wacht post.",
        "text_en": "Channel jan is inactive. Mail is waiting.", "action_nl": "Herstellen", "action_en": "Fix",
        "event": str(uuid.uuid4()),
    }  # fmt: skip
    with administration_scope(administration.pk):
        return Notification.objects.create(administration=administration, user=user, **known | fields)
