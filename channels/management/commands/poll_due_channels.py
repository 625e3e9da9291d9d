"""What the schedule does once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from kombu.exceptions import OperationalError

from channels import checking, expiry, tasks
from channels.expiry import IdleLink
from channels.fetching import runs, schedule
from channels.fetching.budget import Budget
from channels.fetching.schedule import Due
from channels.fetching.tick import tick
from channels.management.commands._lines import fetch_line
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.scoping import administration_scope, every_administration


class Command(OperatorCommand):
    help = "Takes the channels that are due and queues their fetches, or fetches them in this process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--inline", action="store_true", help="fetch here instead of queueing")

    def handle(self, **options: Any) -> None:
        inline, begun = options["inline"], timezone.now()
        wanted: list[Due] = []
        steps = tick(
            wanted.extend, *((_keep_alive, _tidy) if inline else (tasks.queue_keep_alive, tasks.settle_checks))
        )
        due, failed = steps.done.get("due", 0), bool(steps.failed)
        if inline:
            self.say({"due": due, "queued": 0}, failed=failed)
            while wanted:  # of those only that were due when we began, so that we come to an end
                for one in wanted:
                    self._fetch(one)
                with every_administration():
                    wanted = schedule.claim_due(begun)
            return
        try:
            tasks.offer(wanted)
        except OperationalError as problem:
            raise OperatorError("broker_failed", "The broker does not answer; the next tick offers again.") from problem
        self.say({"due": due, "queued": len(wanted)}, failed=failed)

    def _fetch(self, due: Due) -> None:
        with administration_scope(due.administration_id):
            run = runs.perform(due.run_id, Budget.of_a_run())
            if run is not None:
                self.say({"channel": run.channel_id, **fetch_line(run)})


def _keep_alive(idle: IdleLink) -> None:
    with administration_scope(idle.administration_id):
        expiry.keep_alive(idle.channel_id)


def _tidy() -> int:
    """Checks are for a worker: nobody waits for this command."""
    return len(checking.tidy())
