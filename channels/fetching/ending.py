"""How a run ends: its outcome, what follows for its channel, and quiet runs folded, all in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from channels import lease
from channels.errors import ChannelError, OurProblem, Throttled
from channels.fetching import health, ours, outages, reconcile, run_log, silence
from channels.fetching.recorder import COUNTED, Outcome, set_counts
from channels.models import Channel, FetchRun, ReceivedPart
from documents.phrases import CUT
from zenvoices.lib.statements import delete_once, save_once, select_once

#: Notes that stand in the run that found it, and in no later one.
SAID_ONCE = frozenset({"stays_unread", "move_not_possible", "label_not_possible", "target_missing"})
#: What a finished run may change in its channel.
SETTLED = (
    "failures", "failing_since", "error_code", "error_detail", "last_success_at", "next_fetch_at", "goes_on",
    "state", "inactive_reason", "inactive_since", "first_validity", "first_next_uid", "reconciled_at", "silent_since",
)  # fmt: skip
#: What is looked at to decide that, besides.
LOOKED_AT = ("administration", "name", "host", "fence", "seen_validity", "seen_next_uid")
#: What a run writes when it ends.
ENDED = (
    *COUNTED, "state", "outcome", "started_at", "finished_at", "error_code", "error_detail",
    "total", "read_elsewhere", "read_elsewhere_uids", "reconciled", "repeats", "notes",
)  # fmt: skip
State, RunOutcome, Trigger = FetchRun.State, FetchRun.Outcome, FetchRun.Trigger


def finish(run: FetchRun, held: lease.Lease, outcome: Outcome, error: ChannelError | None) -> FetchRun | None:
    """Everything that follows from the run, the end of its lease included, in one transaction.

    None when its channel was erased meanwhile, and the run with it.
    """
    begun = run.started_at
    with transaction.atomic():
        found = _locked(run.channel_id)
        if not found:
            return None
        channel = found[0]
        if channel.fence != held.fence:  # changed under us, or fetched by somebody else by now
            close_interrupted(run)
            run.refresh_from_db()
            return run
        channel.administration = run.channel.administration
        error = outages.judged(channel, error) if error else None
        set_counts(run, outcome.counts)
        _close(run, error)
        _settle(channel, run, outcome, error)
        folded = _fold_quiet(run)
        save_once(run, ENDED)
        if folded and folded.seen:
            folded.delete()  # mails of the ledger may point at it
        elif folded:
            _remove(folded.pk)
    if error is None and channel.in_outage:  # type: ignore[attr-defined]
        outages.end(channel.host)
    elif error is not None:
        ours.tell_operator(channel, error)
    run_log.ended(run, begun)
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
    if run.documents:
        silence.ended(channel)
    reconcile.note(channel, run)
    channel.goes_on = outcome.more and not isinstance(error, Throttled)
    if channel.state == Channel.State.ACTIVE:
        channel.next_fetch_at = _next_fetch_at(channel, run, error)
    channel.lease_until, channel.lease_owner = None, ""
    changed = [name for name, value in before.items() if getattr(channel, name) != value]
    save_once(channel, [*changed, "lease_until", "lease_owner"])


def _next_fetch_at(channel: Channel, run: FetchRun, error: ChannelError | None) -> datetime | None:
    planned, ended = channel.next_fetch_at, run.finished_at
    if isinstance(error, Throttled):
        stay_away = ended + timedelta(seconds=error.retry_after or 0) if ended else None
        return max(planned, stay_away) if planned and stay_away else planned
    return ended if channel.goes_on else planned  # a full mailbox goes on at once, after everybody's turn


def _close(run: FetchRun, error: ChannelError | None) -> None:
    run.state, run.finished_at = State.FINISHED, timezone.now()
    run.error_code, run.error_detail = (error.code, dict(error.detail)) if error else ("", {})
    is_odd = _note_odd_parts(run)
    if error:
        run.outcome = RunOutcome.FAILED
    else:
        run.outcome = RunOutcome.WARNING if run.failed or is_odd else RunOutcome.SUCCEEDED


def _note_odd_parts(run: FetchRun) -> bool:
    """Says in the run that files were cut or mended. True when somebody should look: a part that took its opener
    along may be an invoice, and one that is cut off is only half of one."""
    if not run.delivered:
        return False
    odd = ReceivedPart.objects.filter(Q(reason="not_opened") | ~Q(defects=[]), mail__run=run)
    found = list(odd.values_list("reason", "defects"))
    defects = {code for _, codes in found for code in codes}
    if defects & CUT:
        run.notes = [*run.notes, "files_cut"]
    if defects - CUT:
        run.notes = [*run.notes, "files_mended"]
    return bool(defects & CUT) or any(reason == "not_opened" for reason, _ in found)


def finish_busy(run: FetchRun) -> FetchRun | None:
    """None when another process has started it: then it is that one's to finish."""
    run.state, run.outcome, run.started_at = State.FINISHED, RunOutcome.BUSY, timezone.now()
    run.finished_at = run.started_at
    ended = FetchRun.objects.filter(pk=run.pk, state=State.QUEUED).update(
        state=run.state, outcome=run.outcome, started_at=run.started_at, finished_at=run.finished_at
    )
    if not ended:
        return None
    run_log.ended(run, run.started_at)
    return run


def is_quiet(run: FetchRun) -> bool:
    return (
        run.trigger == Trigger.SCHEDULE
        and run.outcome == RunOutcome.SUCCEEDED
        and not (run.delivered or run.ignored or run.failed or run.read_elsewhere or run.reconciled)
        and not SAID_ONCE.intersection(run.notes)
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


def close_dead_runs(run: FetchRun) -> None:
    """We hold the lease, so whoever else is said to be fetching this channel is dead."""
    for dead in FetchRun.objects.filter(channel_id=run.channel_id, state=State.RUNNING).exclude(pk=run.pk):
        close_interrupted(dead)


def close_interrupted(run: FetchRun) -> None:
    """A run whose process died: our own fault, counted for nobody. Its numbers are what it had committed."""
    _close(run, OurProblem("interrupted"))
    # Only while it runs: it may have ended since it was read.
    closed = FetchRun.objects.filter(pk=run.pk, state=State.RUNNING).update(
        state=run.state, outcome=run.outcome, finished_at=run.finished_at,
        error_code=run.error_code, error_detail=run.error_detail,
    )  # fmt: skip
    if closed:
        run_log.ended(run, run.started_at)
