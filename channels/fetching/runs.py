"""The life of one run: started once, one lease, tried; channels/fetching/ending.py ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from channels import lease
from channels.errors import ChannelError, OurProblem, TransientProblem
from channels.fetching import ending, reconcile, run_log
from channels.fetching.budget import Budget
from channels.fetching.recorder import Outcome
from channels.fetching.session import fetch
from channels.models import Channel, FetchRun
from documents.storage import StorageProblem
from zenvoices.lib import failpoints
from zenvoices.lib.statements import select_once, update_once

log = structlog.get_logger(__name__)
State, Trigger = FetchRun.State, FetchRun.Trigger


def perform(run_id: UUID, budget: Budget) -> FetchRun | None:
    """Carries a queued run out. None when another process started it, or its channel no longer wants it or is gone.

    Works inside the administration's scope. Never raises for what the mailbox does; the run says what happened.
    """
    run = _wanted(run_id)
    if run is None:
        return None
    held = lease.claim_unchanged(run.channel)
    as_read = held is not None
    held = held or lease.claim(run.channel_id)
    if held is None:
        return ending.finish_busy(run)
    if not _start(run):
        held.release()
        return None
    failpoints.reach("claimed")
    if not as_read or run.has_others:  # type: ignore[attr-defined]
        ending.close_dead_runs(run)
    if not as_read:
        _read_again(run)
    outcome = Outcome()
    error = _try(run, held, budget, outcome)
    if error is None and not outcome.more and reconcile.is_due(run, timezone.now()):
        _reconcile(run, held)
    failpoints.reach("before_finish")
    return ending.finish(run, held, outcome, error)


def _wanted(run_id: UUID) -> FetchRun | None:
    """The queued run, unless it was started before; one that its channel no longer wants is removed."""
    found = _queued(run_id)
    if not found:
        return None
    run = found[0]
    unwanted = run.channel.state != Channel.State.ACTIVE and run.trigger != Trigger.MANUAL
    if unwanted or run.channel.deleted_at or not run.channel.administration.is_premium:
        if FetchRun.objects.filter(pk=run_id, state=State.QUEUED).delete()[0]:
            run_log.never_began(run)
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
        if pause is None or outcome.counts.seen or not _is_tried_again(error):
            break
        time.sleep(pause)
    return error


def _is_tried_again(error: ChannelError | None) -> bool:
    """Not a sign-in that was refused in whatever words: each try may bring the account nearer to being locked."""
    return isinstance(error, TransientProblem) and error.code != "sign_in_refused"


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
