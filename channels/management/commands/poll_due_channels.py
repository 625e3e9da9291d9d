"""What the schedule does once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from kombu.exceptions import OperationalError

from channels import tasks
from channels.fetching import runs, schedule
from channels.fetching.budget import Budget
from channels.fetching.schedule import Due
from channels.management.commands._lines import fetch_line
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.scoping import administration_scope


class Command(OperatorCommand):
    help = "Takes the channels that are due and queues their fetches, or fetches them in this process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--inline", action="store_true", help="fetch here instead of queueing")

    def handle(self, **options: Any) -> None:
        found = schedule.tick()
        wanted = [*found.due, *found.lost]
        if options["inline"]:
            self.say({"due": len(found.due), "queued": 0})
            for one in wanted:
                self._fetch(one)
            return
        try:
            for one in wanted:
                tasks.offer(one)
        except OperationalError as problem:
            raise OperatorError("broker_failed", "The broker does not answer; the next tick offers again.") from problem
        self.say({"due": len(found.due), "queued": len(wanted)})

    def _fetch(self, due: Due) -> None:
        with administration_scope(due.administration_id):
            run = runs.perform(due.run_id, Budget.of_a_run())
            if run is not None:
                self.say({"channel": run.channel_id, **fetch_line(run)})
