"""How a channel is doing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from channels.management.commands._lines import error_at, opened_channel, uuid_argument
from zenvoices.lib.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Prints a channel's state, its failures in a row, its next fetch and how many mails were not taken in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", type=uuid_argument)

    def handle(self, **options: Any) -> None:
        with opened_channel(options["channel"]) as channel:
            self.say(
                {
                    "channel": channel.pk,
                    "state": channel.state,
                    "failures": channel.failures,
                    "next_fetch_at": channel.next_fetch_at,
                    "last_success_at": channel.last_success_at,
                    "error": error_at(channel, channel.error_code, channel.error_detail),
                    "not_taken_in": channel.ledger.filter(standing=True).count(),
                }
            )
