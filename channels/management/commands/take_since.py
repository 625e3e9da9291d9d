"""After a restore: every channel takes the mails that came since a moment and are not in the ledger, read or not."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from channels.errors import ChannelError
from channels.fetching.take_since import ask_for
from channels.management.commands._lines import error_at
from channels.models import Channel
from zenvoices.lib.commands import OperatorCommand
from zenvoices.lib.scoping import administration_scope, every_administration


def moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"not a moment as 2027-03-31T23:00:00+00:00: {text}") from None
    return read if read.tzinfo else timezone.make_aware(read)


class Command(OperatorCommand):
    help = "Asks every channel for the mails that came since a moment and are not in the ledger, read or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=moment, required=True, help="when the backup was made, as 2027-03-31T23:00Z"
        )

    def handle(self, *, since: datetime, **options: Any) -> None:
        with every_administration():
            linked = Channel.objects.filter(deleted_at=None).exclude(state=Channel.State.DRAFT)
            channels = list(linked.select_related("administration").order_by("pk"))
        for channel in channels:
            with administration_scope(channel.administration_id):
                self._ask(channel, since)

    def _ask(self, channel: Channel, since: datetime) -> None:
        line: dict[str, Any] = {"channel": channel.pk, "outcome": "succeeded", "asked_for": 0, "error": None}
        try:
            number = ask_for(channel, since)
        except ChannelError as error:
            said = error_at(channel, error.code, dict(error.detail))
            self.say({**line, "outcome": "failed", "error": said}, failed=True)
        else:
            self.say(line | ({"outcome": "busy"} if number is None else {"asked_for": number}), failed=number is None)
