"""One fetch in the foreground: the worker's code, without a broker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from administrations import audit
from channels import wanted
from channels.fetching import runs
from channels.fetching.budget import Budget
from channels.management.commands._lines import fetch_line, opened_channel, uuid_argument
from channels.models import FetchRun
from zenvoices.lib.commands import OperatorCommand, OperatorError


class Command(OperatorCommand):
    help = "Fetches a channel now, on until nothing unread is left. Counts as a fetch by hand."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", type=uuid_argument)

    def handle(self, **options: Any) -> None:
        with opened_channel(options["channel"]) as channel:
            audit.note("operator.fetched", channel.administration, channel)
            run = runs.perform(wanted.new_manual_run(channel).pk, Budget.until_empty())
            if run is None and not channel.administration.is_premium:
                raise OperatorError("not_premium", "Channels need a Premium administration.")
            if run is None:
                raise OperatorError("not_found", f"The channel {channel.pk} was deleted meanwhile.")
            self.say(fetch_line(run), failed=run.outcome == FetchRun.Outcome.FAILED)
