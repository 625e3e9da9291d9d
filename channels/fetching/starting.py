"""How a queued run starts: under a lease, once. Of a bundle those that are simple start in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, prefetch_related_objects
from django.utils import timezone

from channels import lease
from channels.fetching import ending, run_log
from channels.fetching.ledger import UNSETTLED
from channels.models import Channel, FetchRun, ReceivedMail

State, Trigger = FetchRun.State, FetchRun.Trigger


class Started(NamedTuple):
    """`run.channel` is as it is under the lease."""

    run: FetchRun
    held: lease.Lease


class Asked(NamedTuple):
    """A run, as the message says whose it is."""

    administration_id: UUID
    run_id: UUID


def start_all(asked: Sequence[Asked]) -> list[Started | None]:
    """None for what is not simple: start() knows. In `every_administration`: nobody is given another's run."""
    now = timezone.now()
    with transaction.atomic():
        runs = _simple(asked)
        leases = lease.claim_all([run.channel for run in runs])
        FetchRun.objects.filter(pk__in=[run.pk for run in runs]).update(state=State.RUNNING, started_at=now)
        prefetch_related_objects([run.channel for run in runs], "secrets")
    started: dict[UUID, Started] = {}
    for run, held in zip(runs, leases, strict=True):
        run.state, run.started_at = State.RUNNING, now
        run.channel.is_settled = not run.has_unsettled  # type: ignore[attr-defined]
        started[run.pk] = Started(run, held)
    return [started.pop(one.run_id, None) for one in asked]


def _simple(asked: Sequence[Asked]) -> list[FetchRun]:
    """Locked runs of locked channels, one of each: wanted, and nobody fetches there or died doing so.

    What somebody else has locked is passed over, so nobody waits for a lock while holding another.
    """
    wanted = set(asked)
    others = FetchRun.objects.filter(state=State.RUNNING, channel_id=OuterRef("channel_id"))
    unsettled = ReceivedMail.objects.filter(UNSETTLED, channel_id=OuterRef("channel_id"))
    queued = FetchRun.objects.filter(pk__in=[one.run_id for one in asked], state=State.QUEUED)
    queued = queued.annotate(has_others=Exists(others), has_unsettled=Exists(unsettled))
    queued = queued.select_for_update(skip_locked=True, no_key=True, of=("self", "channel"))
    simple: dict[UUID, FetchRun] = {}
    for run in queued.select_related("channel__administration").order_by("channel_id"):
        is_free = run.channel.lease_until is None and not run.has_others
        if is_free and _is_wanted(run) and Asked(run.administration_id, run.pk) in wanted:
            simple[run.channel_id] = run
    return list(simple.values())


def _is_wanted(run: FetchRun) -> bool:
    """By its channel, now."""
    channel = run.channel
    is_active = channel.state == Channel.State.ACTIVE or run.trigger == Trigger.MANUAL
    return is_active and not channel.deleted_at and channel.administration.is_premium


def start(run_id: UUID) -> Started | FetchRun | None:
    """One run, in the scope of its administration.

    The run when somebody else fetches its channel: then it has ended as busy. None when another process started it, or
    its channel no longer wants it or is gone.
    """
    run = _wanted(run_id)
    if run is None:
        return None
    held = lease.claim(run.channel_id)
    if held is None:
        return ending.finish_busy(run)
    if not set_running(run):
        held.release()
        return None
    ending.close_dead_runs(run)
    read_again(run)
    return Started(run, held)


def _wanted(run_id: UUID) -> FetchRun | None:
    """The queued run, unless it was started before; one that its channel no longer wants is removed."""
    queued = FetchRun.objects.filter(pk=run_id, state=State.QUEUED)
    run = queued.select_related("channel__administration").first()
    if run is None:
        return None
    if _is_wanted(run):
        return run
    if queued.delete()[0]:
        run_log.never_began(run)
    return None


def set_running(run: FetchRun) -> bool:
    """Only who holds the lease starts a run: what still runs when the lease is free is dead."""
    run.state, run.started_at = State.RUNNING, timezone.now()
    queued = FetchRun.objects.filter(pk=run.pk, state=State.QUEUED)
    return bool(queued.update(state=run.state, started_at=run.started_at))


def read_again(run: FetchRun) -> None:
    run.channel = Channel.objects.select_related("administration").get(pk=run.channel_id)
