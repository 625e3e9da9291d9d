"""Compares the mails on the server with the ledger, at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from channels.errors import ChannelError
from channels.fetching import reconcile
from channels.management.commands._lines import error_at, opened_channel, uuid_argument
from zenvoices.lib.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Compares the mails on a channel's server with the ledger; takes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", type=uuid_argument)

    def handle(self, **options: Any) -> None:
        with opened_channel(options["channel"]) as channel:
            line = {"channel": channel.pk, "outcome": "succeeded", **asdict(reconcile.Numbers()), "error": None}
            try:
                found = reconcile.by_hand(channel)
            except ChannelError as error:
                said = error_at(channel, error.code, dict(error.detail))
                self.say({**line, "outcome": "failed", "error": said}, failed=True)
            else:
                self.say(line | (asdict(found.numbers) if found else {"outcome": "busy"}))
