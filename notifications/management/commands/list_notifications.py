"""What a person was told, newest first."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from administrations.access import administrations_of
from administrations.models import User
from notifications.queries import notifications_about
from notifications.services import in_language
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.scoping import every_administration


class Command(OperatorCommand):
    help = "Prints the notifications of a person, newest first, in the person's language."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="EMAIL")

    def handle(self, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["user"].strip()).first()
        if user is None:
            raise OperatorError("user_unknown", f"nobody signs in with {options['user']}")
        language = user.language or settings.LANGUAGE_CODE
        with every_administration():
            for notification in notifications_about(administrations_of(user), user).iterator():
                self.say(
                    {
                        "kind": notification.kind,
                        "administration": notification.administration_id,
                        "channel": notification.subject_id,
                        "text": in_language(notification, language)[0],
                        "created_at": notification.created_at,
                        "read_at": notification.read_at,
                    }
                )
