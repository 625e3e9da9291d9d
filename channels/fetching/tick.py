"""One tick of the schedule, step by step. What one step meets stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils import timezone

from administrations import audit
from channels import expiry, operator_reminders
from channels.expiry import IdleLink
from channels.fetching import ahead, room, schedule, silence, tally, upkeep
from channels.fetching.schedule import Due
from channels.fetching.spool import sweep_spool
from channels.models import FailingStep
from notifications import operator
from zenvoices.lib.bulkheads import Steps
from zenvoices.lib.scoping import every_administration


def tick(
    offer: Callable[[Sequence[Due]], object], keep_alive: Callable[[IdleLink], object], checks: Callable[[], int]
) -> Steps:
    """Offers what is due before any housekeeping, which may be slow.

    `offer` queues fetches, `keep_alive` the use of an idle link, `checks` sees to connection checks. Says how much each
    step did, and which failed.
    """
    steps, began = Steps(), timezone.now()
    with every_administration():
        steps.run("ahead", ahead.mend)  # what a wrong clock hides from the others
        steps.run("reap", upkeep.reap)  # what died holds places, and is due at once
        steps.run("due", lambda: _offer(schedule.claim_due(), offer))
        steps.run("lost", lambda: _offer(schedule.unstarted(), offer))
        steps.run("checks", checks)
        steps.run("tally", lambda: tally.take(began))
        steps.run("tell_outages", upkeep.tell_outages)
        steps.run("tell_nothing_fetched", upkeep.tell_nothing_fetched)
        steps.run("tell_nearly_full", room.tell_nearly_full)
        steps.run("remind_operator", operator_reminders.look)
        steps.run("end_alerts", operator.end_quiet)
        steps.run("look_ahead", lambda: expiry.look(keep_alive))
        steps.run("listen", silence.listen)
        steps.run("purge", upkeep.purge_deleted)
        steps.run("prune", upkeep.prune_logbook)
        steps.run("prune_audit", audit.prune)
        steps.run("sweep_spool", sweep_spool)
        steps.run("remember", lambda: _remember(steps))
    return steps


def _offer(found: list[Due], offer: Callable[[Sequence[Due]], object]) -> int:
    offer(found)
    return len(found)


def _remember(steps: Steps) -> None:
    """For whoever looks from outside: what fails now, and since when."""
    FailingStep.objects.filter(name__in=steps.done).delete()
    for name, problem in steps.failed.items():
        FailingStep.objects.update_or_create(name=name, defaults={"problem": problem})
