"""What the schedule does once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from kombu.exceptions import OperationalError

from channels import checking, expiry, tasks
from channels.expiry import IdleLink
from channels.fetching import runs, schedule
from channels.fetching.budget import Budget
from channels.fetching.schedule import Due, Ended
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
            wanted.append, *((_keep_alive, _tidy) if inline else (tasks.queue_keep_alive, tasks.settle_checks))
        )
        due, failed = steps.done.get("due", 0), bool(steps.failed)
        if inline:
            self.say({"due": due, "queued": 0}, failed=failed)
            for one in wanted:  # grows while we fetch
                wanted += self._fetch(one, begun)
            return
        try:
            for one in wanted:
                tasks.offer(one)
        except OperationalError as problem:
            raise OperatorError("broker_failed", "The broker does not answer; the next tick offers again.") from problem
        self.say({"due": due, "queued": len(wanted)}, failed=failed)

    def _fetch(self, due: Due, begun: datetime) -> list[Due]:
        """Returns who gets its place: of those only that were due when we began, so that we come to an end."""
        with administration_scope(due.administration_id):
            run = runs.perform(due.run_id, Budget.of_a_run())
            if run is None:
                return []
            self.say({"channel": run.channel_id, **fetch_line(run)})
        with every_administration():
            return schedule.hand_on(Ended(run.channel.host, run.administration_id), begun)


def _keep_alive(idle: IdleLink) -> None:
    with administration_scope(idle.administration_id):
        expiry.keep_alive(idle.channel_id)


def _tidy() -> int:
    """Checks are for a worker: nobody waits for this command."""
    return len(checking.tidy())
