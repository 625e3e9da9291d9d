"""Quiet runs: nothing came and nothing was the matter. In the logbook those in a row are one line.

Most runs are. Those of a bundle end in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from channels.fetching import health, run_log
from channels.fetching.counts import Counts, Outcome
from channels.lease import Lease
from channels.models import Channel, FetchRun

#: Notes that stand in the run that found it, and in no later one.
SAID_ONCE = frozenset({"stays_unread", "move_not_possible", "label_not_possible", "target_missing"})
State, RunOutcome, Trigger = FetchRun.State, FetchRun.Outcome, FetchRun.Trigger
#: of a run whose rows already say the rest
_ENDED: Final = {
    "state": State.FINISHED, "outcome": RunOutcome.SUCCEEDED, "read_elsewhere": 0, "read_elsewhere_uids": [],
}  # fmt: skip
#: of a channel of which a quiet run that ends changes nothing but when it succeeded last, and the end of its lease
_IS_WELL: Final = Q(
    ~Q(first_validity="") | Q(seen_validity=""), state=Channel.State.ACTIVE, goes_on=False, failures=0,
    failing_since=None, error_code="", lease_until__isnull=False, in_outage=False, is_told_of=False,
)  # fmt: skip
#: what decides whether the run before is quiet, and what is folded
_BEFORE: Final = (
    "state", "outcome", "trigger", "seen", "delivered", "ignored", "failed", "read_elsewhere", "reconciled", "notes",
    "repeats", "started_at",
)  # fmt: skip


class Through(NamedTuple):
    """A run that has done its work and has not ended."""

    run: FetchRun
    held: Lease
    outcome: Outcome

    @property
    def lease(self) -> tuple[UUID, int]:
        return self.held.channel_id, self.held.fence


def is_quiet(run: FetchRun) -> bool:
    return run.outcome == RunOutcome.SUCCEEDED and _tells_nothing(run)


def _tells_nothing(run: FetchRun) -> bool:
    return (
        run.trigger == Trigger.SCHEDULE
        and not (run.delivered or run.ignored or run.failed or run.read_elsewhere or run.reconciled)
        and not SAID_ONCE.intersection(run.notes)
    )


def fold(run: FetchRun, before: FetchRun) -> None:
    """The caller saves one, and deletes the other."""
    run.repeats, run.started_at = before.repeats + 1, before.started_at


def last_besides(runs: Sequence[UUID], channel_id: OuterRef | UUID) -> QuerySet[FetchRun]:
    """The newest run of the channel that is none of these."""
    return FetchRun.objects.filter(channel_id=channel_id).exclude(pk__in=runs).order_by("-queued_at", "-id")[:1]


def found_nothing(through: Through) -> bool:
    """Of one that met no error: whether it can be among those that end in one go."""
    run, outcome = through.run, through.outcome
    return not outcome.more and outcome.counts == Counts() and not run.total and _tells_nothing(run)


def end_all(some: Sequence[Through]) -> list[FetchRun]:
    """Ends those that are simple, and their leases with them: the rest is as it was. In `every_administration`."""
    now = timezone.now()
    with transaction.atomic():
        befores = _simple(some)
        _finish(befores, now)
        ended = [one.run for one in some if one.run.pk in befores]
        channels = Channel.objects.filter(pk__in=[run.channel_id for run in ended])
        channels.update(last_success_at=now, lease_until=None, lease_owner="")
    for run in ended:
        run.state, run.outcome, run.finished_at = State.FINISHED, RunOutcome.SUCCEEDED, now
        run_log.ended(run, run.started_at)
        if before := befores[run.pk]:
            fold(run, before)
    return ended


def _simple(some: Sequence[Through]) -> dict[UUID, FetchRun | None]:
    """The runs that can end here, with the run that is to be folded into each.

    Under the locks of their channels and runs. What somebody else has locked is passed over, so nobody waits for a lock
    while holding another.
    """
    before_of = _newest_before(some)
    some = [one for one in some if one.lease in before_of]
    ids = {*(one.run.pk for one in some), *(before for before in before_of.values() if before)}
    locked = FetchRun.objects.filter(pk__in=ids).only(*_BEFORE).select_for_update(skip_locked=True)
    runs = {run.pk: run for run in locked.order_by()}
    simple: dict[UUID, FetchRun | None] = {}
    for one in some:
        run, before_id = runs.get(one.run.pk), before_of[one.lease]
        before = runs.get(before_id) if before_id else None
        is_whole = run is not None and run.state == State.RUNNING and bool(before) == bool(before_id)
        if is_whole and not (before and before.seen):  # to that one mails of the ledger may point
            simple[one.run.pk] = before if before and is_quiet(before) else None
    return simple


def _newest_before(some: Sequence[Through]) -> dict[tuple[UUID, int], UUID | None]:
    """By the lease that is held: the run before, if any, of each channel in which nothing else is to be changed."""
    newest = last_besides([one.run.pk for one in some], OuterRef("pk"))
    channels = health.with_trouble(Channel.objects.filter(pk__in=[one.run.channel_id for one in some]))
    channels = channels.filter(_IS_WELL).annotate(before=Subquery(newest.values("pk")))
    channels = channels.select_for_update(skip_locked=True, no_key=True).order_by()
    return {(pk, fence): before for pk, fence, before in channels.values_list("pk", "fence", "before")}


def _finish(befores: Mapping[UUID, FetchRun | None], now: datetime) -> None:
    """By run: what is to be folded into it."""
    folded = {run_id: before.pk for run_id, before in befores.items() if before}
    before = FetchRun.objects.filter(pk__in=list(folded.values()), channel=OuterRef("channel")).order_by()
    first = {"repeats": Subquery(before.values("repeats")) + 1, "started_at": Subquery(before.values("started_at"))}
    FetchRun.objects.filter(pk__in=list(folded)).update(**_ENDED, finished_at=now, **first)
    FetchRun.objects.filter(pk__in=list(folded.values())).only("pk").delete()  # it reads them
    FetchRun.objects.filter(pk__in=list(befores.keys() - folded.keys())).update(**_ENDED, finished_at=now)
