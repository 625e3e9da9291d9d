"""Quiet runs: nothing came and nothing was the matter. In the logbook those in a row are one line.

Most runs are. Those of the threads of a worker end in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from channels.fetching import health
from channels.fetching.recorder import Counts, Outcome
from channels.lease import Lease
from channels.models import Channel, FetchRun
from zenvoices.lib.together import together

#: Notes that stand in the run that found it, and in no later one.
SAID_ONCE = frozenset({"stays_unread", "move_not_possible", "label_not_possible", "target_missing"})
State, RunOutcome, Trigger = FetchRun.State, FetchRun.Outcome, FetchRun.Trigger
#: of a run whose rows already say the rest
_ENDED: Final = {
    "state": State.FINISHED, "outcome": RunOutcome.SUCCEEDED, "read_elsewhere": 0, "read_elsewhere_uids": [],
}  # fmt: skip
#: what decides whether a quiet run that ends changes anything else in its channel
_LOOKED_AT: Final = (
    "fence", "lease_until", "state", "goes_on", "failures", "failing_since", "error_code", "first_validity",
    "seen_validity",
)  # fmt: skip


class _Asked(NamedTuple):
    run_id: UUID
    channel_id: UUID
    fence: int

    @property
    def lease(self) -> tuple[UUID, int]:
        return self.channel_id, self.fence


class _Ended(NamedTuple):
    finished_at: datetime
    #: the quiet run that was folded into it
    before: FetchRun | None


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


def end(run: FetchRun, held: Lease, outcome: Outcome) -> bool:
    """Ends a run that met no error, and its lease with it. False, and nothing is done, when it is not that simple."""
    if outcome.more or outcome.counts != Counts() or run.total or not _tells_nothing(run):
        return False
    ended = together(_end_all, _Asked(run.pk, run.channel_id, held.fence))
    if ended is None:
        return False
    run.state, run.outcome, run.finished_at = State.FINISHED, RunOutcome.SUCCEEDED, ended.finished_at
    if ended.before is not None:
        fold(run, ended.before)
    return True


def _end_all(asked: Sequence[_Asked]) -> list[_Ended | None]:
    """None for what is not simple."""
    now = timezone.now()
    with transaction.atomic():
        befores = _simple(asked)
        _finish({one.run_id: before for one, before in befores.items()}, now)
        channels = Channel.objects.filter(pk__in=[one.channel_id for one in befores])
        channels.update(last_success_at=now, lease_until=None, lease_owner="")
    return [_Ended(now, befores[one]) if one in befores else None for one in asked]


def _simple(asked: Sequence[_Asked]) -> dict[_Asked, FetchRun | None]:
    """Those that can end here, with the run that is to be folded into each.

    Under the locks of their channels and runs. What somebody else has locked is passed over, so nobody waits for a lock
    while holding another.
    """
    before_of = _newest_before(asked)
    asked = [one for one in asked if one.lease in before_of]
    ids = {*(one.run_id for one in asked), *(before for before in before_of.values() if before)}
    runs = {run.pk: run for run in FetchRun.objects.filter(pk__in=ids).select_for_update(skip_locked=True)}
    simple: dict[_Asked, FetchRun | None] = {}
    for one in asked:
        run, before_id = runs.get(one.run_id), before_of[one.lease]
        before = runs.get(before_id) if before_id else None
        is_whole = run is not None and run.state == State.RUNNING and bool(before) == bool(before_id)
        if is_whole and not (before and before.seen):  # to that one mails of the ledger may point
            simple[one] = before if before and is_quiet(before) else None
    return simple


def _newest_before(asked: Sequence[_Asked]) -> dict[tuple[UUID, int], UUID | None]:
    """By the lease that is held: the run before, if any, of each channel in which nothing else is to be changed."""
    newest = last_besides([one.run_id for one in asked], OuterRef("pk"))
    channels = health.with_trouble(Channel.objects.filter(pk__in=[one.channel_id for one in asked]))
    channels = channels.annotate(before=Subquery(newest.values("pk"))).only(*_LOOKED_AT)
    channels = channels.select_for_update(skip_locked=True, no_key=True).order_by()
    return {(each.pk, each.fence): each.before for each in channels if _is_well(each)}


def _is_well(channel: Channel) -> bool:
    """All that a quiet run changes in it is when it succeeded last, and the end of its lease."""
    is_ill = channel.failures or channel.failing_since or channel.error_code
    has_numbers = bool(channel.first_validity) or not channel.seen_validity
    is_idle = channel.lease_until is None or channel.goes_on or channel.state != Channel.State.ACTIVE
    return has_numbers and not (is_ill or is_idle or channel.in_outage or channel.is_told_of)  # type: ignore[attr-defined]


def _finish(befores: Mapping[UUID, FetchRun | None], now: datetime) -> None:
    """By run: what is to be folded into it."""
    folded = {run_id: before.pk for run_id, before in befores.items() if before}
    before = FetchRun.objects.filter(pk__in=list(folded.values()), channel=OuterRef("channel")).order_by()
    first = {"repeats": Subquery(before.values("repeats")) + 1, "started_at": Subquery(before.values("started_at"))}
    FetchRun.objects.filter(pk__in=list(folded)).update(**_ENDED, finished_at=now, **first)
    FetchRun.objects.filter(pk__in=list(folded.values())).delete()
    FetchRun.objects.filter(pk__in=list(befores.keys() - folded.keys())).update(**_ENDED, finished_at=now)
