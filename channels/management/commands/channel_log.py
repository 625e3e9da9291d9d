"""A channel's logbook, newest first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from channels.management.commands._lines import fetch_line, opened_channel, uuid_argument
from channels.pages.queries import logbook
from zenvoices.lib.commands import OperatorCommand


class Command(OperatorCommand):
    help = "Prints the runs of a channel, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", type=uuid_argument)
        parser.add_argument("--limit", type=int, default=50)

    def handle(self, **options: Any) -> None:
        with opened_channel(options["channel"]) as channel:
            for run in logbook(channel, limit=options["limit"]):
                more = ("repeats", "trigger", "started_at", "finished_at")
                self.say({**fetch_line(run), **{name: getattr(run, name) for name in more}})
