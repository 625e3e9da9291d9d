"""The life of one run: started (starting.py), tried, ended (ending.py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from channels import lease
from channels.errors import ChannelError, OurProblem, TransientProblem
from channels.fetching import ending, reconcile, starting
from channels.fetching.budget import Budget
from channels.fetching.counts import Outcome
from channels.fetching.session import fetch
from channels.models import FetchRun
from documents.storage import StorageProblem
from zenvoices.lib import failpoints

log = structlog.get_logger(__name__)
Trigger = FetchRun.Trigger


def perform(run_id: UUID, budget: Budget) -> FetchRun | None:
    """Carries a queued run out. None when another process started it, or its channel no longer wants it or is gone.

    Works inside the administration's scope. Never raises for what the mailbox does; the run says what happened.
    """
    started = starting.start(run_id)
    if not isinstance(started, starting.Started):
        return started
    outcome, error = carry_out(started, budget)
    return ending.finish(*started, outcome, error)


def carry_out(started: starting.Started, budget: Budget) -> tuple[Outcome, ChannelError | None]:
    """All of a run but its end."""
    run, held = started
    failpoints.reach("claimed")
    outcome = Outcome()
    error = _try(run, held, budget, outcome)
    if error is None and not outcome.more and reconcile.is_due(run, timezone.now()):
        _reconcile(run, held)
    failpoints.reach("before_finish")
    return outcome, error


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
            starting.read_again(run)
        fetch(run.channel, run, held, budget, outcome)

    return _guarded(run, work)


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
