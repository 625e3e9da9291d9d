"""The life of one run: started once, one lease, tried, finished with all that follows in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from channels import lease
from channels.errors import ChannelError, OurProblem, Throttled, TransientProblem
from channels.fetching import health, reconcile
from channels.fetching.budget import Budget
from channels.fetching.session import COUNTED, Outcome, fetch, set_counts
from channels.models import Channel, FetchRun, ReceivedPart
from documents.storage import StorageProblem
from zenvoices.lib import failpoints
from zenvoices.lib.statements import delete_once, save_once, select_once, update_once

log = structlog.get_logger(__name__)
#: What a finished run may change in its channel.
SETTLED = (
    "failures", "failing_since", "error_code", "error_detail", "last_success_at", "next_fetch_at",
    "state", "inactive_reason", "inactive_since", "first_validity", "first_next_uid", "reconciled_at",
)  # fmt: skip
#: What is looked at to decide that, besides.
LOOKED_AT = ("administration", "name", "host", "fence", "seen_validity", "seen_next_uid")
#: What a run writes when it ends.
ENDED = (
    *COUNTED, "state", "outcome", "started_at", "finished_at", "error_code", "error_detail",
    "total", "read_elsewhere", "read_elsewhere_uids", "reconciled", "repeats",
)  # fmt: skip
State, RunOutcome, Trigger = FetchRun.State, FetchRun.Outcome, FetchRun.Trigger


def perform(run_id: UUID, budget: Budget) -> FetchRun | None:
    """Carries a queued run out. None when another process started it, or its channel no longer wants it.

    Works inside the administration's scope. Never raises for what the mailbox does; the run says what happened.
    """
    run = _wanted(run_id)
    if run is None:
        return None
    held = lease.claim_unchanged(run.channel)
    as_read = held is not None
    held = held or lease.claim(run.channel_id)
    if held is None:
        return _finish_busy(run)
    if not _start(run):
        held.release()
        return None
    failpoints.reach("claimed")
    if not as_read or run.has_others:  # type: ignore[attr-defined]
        _close_dead_runs(run)
    if not as_read:
        _read_again(run)
    outcome = Outcome()
    error = _try(run, held, budget, outcome)
    if error is None and not outcome.more and reconcile.is_due(run, timezone.now()):
        _reconcile(run, held)
    failpoints.reach("before_finish")
    return _finish(run, held, outcome, error)


def _wanted(run_id: UUID) -> FetchRun | None:
    """The queued run, unless it was started before; one that its channel no longer wants is removed."""
    found = _queued(run_id)
    if not found:
        return None
    run = found[0]
    unwanted = run.channel.state != Channel.State.ACTIVE and run.trigger != Trigger.MANUAL
    if unwanted or run.channel.deleted_at or not run.channel.administration.is_premium:
        FetchRun.objects.filter(pk=run_id, state=State.QUEUED).delete()
        return None
    return run


@select_once
def _queued(run_id: UUID) -> QuerySet[FetchRun]:
    others = FetchRun.objects.filter(channel_id=OuterRef("channel_id"), state=State.RUNNING)
    runs = FetchRun.objects.select_related("channel__administration").annotate(has_others=Exists(others))
    return runs.order_by().filter(pk=run_id, state=State.QUEUED)


def _start(run: FetchRun) -> bool:
    """Only who holds the lease starts a run: what still runs when the lease is free is dead."""
    run.state, run.started_at = State.RUNNING, timezone.now()
    return bool(_set_running(run.pk, run.started_at))


@update_once
def _set_running(run_id: UUID, started_at: datetime) -> tuple[QuerySet[FetchRun], dict[str, Any]]:
    return FetchRun.objects.filter(pk=run_id, state=State.QUEUED), {"state": State.RUNNING, "started_at": started_at}


def _try(run: FetchRun, held: lease.Lease, budget: Budget, outcome: Outcome) -> ChannelError | None:
    """A scheduled slot is tried again after a pause when the line failed before anything came in."""
    pauses: Sequence[int] = settings.FETCH_RETRY_SECONDS if run.trigger == Trigger.SCHEDULE else ()
    for number, pause in enumerate((*pauses, None)):
        error = _attempt(run, held, budget, outcome, again=number > 0)
        if pause is None or outcome.counts.seen or not isinstance(error, TransientProblem):
            break
        time.sleep(pause)
    return error


def _attempt(run: FetchRun, held: lease.Lease, budget: Budget, outcome: Outcome, *, again: bool) -> ChannelError | None:
    """One session."""

    def work() -> None:
        if again:
            _read_again(run)
        fetch(run.channel, run, held, budget, outcome)

    return _guarded(run, work)


def _read_again(run: FetchRun) -> None:
    run.channel = Channel.objects.select_related("administration").get(pk=run.channel_id)


def _reconcile(run: FetchRun, held: lease.Lease) -> None:
    if problem := _guarded(run, lambda: reconcile.nightly(run, held)):
        reconcile.note_problem(run, problem)


def _guarded(run: FetchRun, work: Callable[[], None]) -> ChannelError | None:
    """The border where everything that can go wrong becomes one of our own errors."""
    try:
        work()
    except ChannelError as error:
        return error
    except StorageProblem as problem:
        log.error("storage failed", channel=str(run.channel_id), problem=problem.code)
        return OurProblem(problem.code)
    except (DatabaseError, InterfaceError) as problem:
        log.exception("database failed during a fetch", channel=str(run.channel_id))
        connection.close_if_unusable_or_obsolete()  # a restarted server knows nothing of it: the run ends on a new one
        return OurProblem("database_failed", problem=type(problem).__name__)
    except OSError as problem:
        log.exception("our own machine failed during a fetch", channel=str(run.channel_id))
        return OurProblem("storage_failed", problem=type(problem).__name__)
    except Exception as bug:
        log.exception("a fetch met something unknown", channel=str(run.channel_id))
        return OurProblem("internal", problem=type(bug).__name__)
    return None


def _finish(run: FetchRun, held: lease.Lease, outcome: Outcome, error: ChannelError | None) -> FetchRun:
    """Everything that follows from the run, the end of its lease included, in one transaction."""
    with transaction.atomic():
        (channel,) = _locked(run.channel_id)
        if channel.fence != held.fence:  # changed under us, or fetched by somebody else by now
            close_interrupted(run)
            run.refresh_from_db()
            return run
        channel.administration = run.channel.administration
        set_counts(run, outcome.counts)
        _close(run, error)
        _settle(channel, run, outcome, error)
        folded = _fold_quiet(run)
        save_once(run, ENDED)
        if folded and folded.seen:
            folded.delete()  # mails of the ledger may point at it
        elif folded:
            _remove(folded.pk)
    return run


@select_once
def _locked(channel_id: UUID) -> QuerySet[Channel]:
    channels = Channel.objects.select_for_update().only(*SETTLED, *LOOKED_AT).order_by()
    return health.with_trouble(channels).filter(pk=channel_id)


@delete_once
def _remove(run_id: UUID) -> QuerySet[FetchRun]:
    return FetchRun.objects.filter(pk=run_id)


def _settle(channel: Channel, run: FetchRun, outcome: Outcome, error: ChannelError | None) -> None:
    before = {name: getattr(channel, name) for name in SETTLED}
    if error is None:
        health.record_success(channel, run)
    else:
        health.record_failure(channel, run, error, partial=bool(outcome.counts.delivered))
    reconcile.note(channel, run)
    if channel.state == Channel.State.ACTIVE:
        channel.next_fetch_at = _next_fetch_at(channel, run, outcome, error)
    channel.lease_until, channel.lease_owner = None, ""
    changed = [name for name, value in before.items() if getattr(channel, name) != value]
    save_once(channel, [*changed, "lease_until", "lease_owner"])


def _next_fetch_at(channel: Channel, run: FetchRun, outcome: Outcome, error: ChannelError | None) -> datetime | None:
    planned, ended = channel.next_fetch_at, run.finished_at
    if isinstance(error, Throttled):
        stay_away = ended + timedelta(seconds=error.retry_after or 0) if ended else None
        return max(planned, stay_away) if planned and stay_away else planned
    return ended if outcome.more else planned  # a full mailbox goes on at once, after everybody's turn


def _close(run: FetchRun, error: ChannelError | None) -> None:
    run.state, run.finished_at = State.FINISHED, timezone.now()
    run.error_code, run.error_detail = (error.code, dict(error.detail)) if error else ("", {})
    if error:
        run.outcome = RunOutcome.FAILED
    else:
        run.outcome = RunOutcome.WARNING if run.failed or _left_closed(run) else RunOutcome.SUCCEEDED


def _left_closed(run: FetchRun) -> bool:
    """A part that took its opener along may be an invoice: somebody should look."""
    return bool(run.delivered) and ReceivedPart.objects.filter(mail__run=run, reason="not_opened").exists()


def _finish_busy(run: FetchRun) -> FetchRun | None:
    """None when another process has started it: then it is that one's to finish."""
    run.state, run.outcome, run.started_at = State.FINISHED, RunOutcome.BUSY, timezone.now()
    run.finished_at = run.started_at
    ended = FetchRun.objects.filter(pk=run.pk, state=State.QUEUED).update(
        state=run.state, outcome=run.outcome, started_at=run.started_at, finished_at=run.finished_at
    )
    return run if ended else None


def is_quiet(run: FetchRun) -> bool:
    return (
        run.trigger == Trigger.SCHEDULE
        and run.outcome == RunOutcome.SUCCEEDED
        and not (run.delivered or run.ignored or run.failed or run.read_elsewhere or run.reconciled)
    )


def _fold_quiet(run: FetchRun) -> FetchRun | None:
    """A quiet scheduled run takes the quiet one just before it into itself: the caller saves one, deletes the other."""
    if not is_quiet(run):
        return None
    others = _last_but(run.channel_id, run.pk)
    if not others or others[0].state != State.FINISHED or not is_quiet(others[0]):
        return None
    (before,) = others
    run.repeats, run.started_at = before.repeats + 1, before.started_at
    return before


@select_once
def _last_but(channel_id: UUID, run_id: UUID) -> QuerySet[FetchRun]:
    return FetchRun.objects.filter(channel_id=channel_id).exclude(pk=run_id).order_by("-queued_at", "-id")[:1]


def _close_dead_runs(run: FetchRun) -> None:
    """We hold the lease, so whoever else is said to be fetching this channel is dead."""
    for dead in FetchRun.objects.filter(channel_id=run.channel_id, state=State.RUNNING).exclude(pk=run.pk):
        close_interrupted(dead)


def close_interrupted(run: FetchRun) -> None:
    """A run whose process died: our own fault, counted for nobody. Its numbers are what it had committed."""
    _close(run, OurProblem("interrupted"))
    # Only while it runs: it may have ended since it was read.
    FetchRun.objects.filter(pk=run.pk, state=State.RUNNING).update(
        state=run.state, outcome=run.outcome, finished_at=run.finished_at,
        error_code=run.error_code, error_detail=run.error_detail,
    )  # fmt: skip
