"""How a run ends: its outcome, what follows for its channel, and quiet runs folded, all in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels import lease
from channels.errors import ChannelError, OurProblem, Throttled
from channels.fetching import health, ours, outages, quiet, reconcile, run_log, silence
from channels.fetching.counts import COUNTED, Outcome, set_counts
from channels.models import Channel, FetchRun, ReceivedPart
from documents.phrases import CUT

#: What a finished run may change in its channel.
SETTLED = (
    "failures", "failing_since", "error_code", "error_detail", "last_success_at", "next_fetch_at", "goes_on",
    "state", "inactive_reason", "inactive_since", "first_validity", "first_next_uid", "reconciled_at", "silent_since",
)  # fmt: skip
#: What is looked at to decide that, besides.
LOOKED_AT = ("administration", "name", "host", "fence", "lease_until", "seen_validity", "seen_next_uid")
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
        channels = Channel.objects.select_for_update().only(*SETTLED, *LOOKED_AT).order_by()
        channel = health.with_trouble(channels).filter(pk=run.channel_id).first()
        if channel is None:
            return None
        if channel.fence != held.fence or channel.lease_until is None:  # changed under us, or by somebody else by now
            close_interrupted(run)
            run.refresh_from_db()
            return run
        channel.administration = run.channel.administration
        error = outages.judged(channel, error) if error else None
        set_counts(run, outcome.counts)
        _close(run, error)
        _settle(channel, run, outcome, error)
        folded = _fold_quiet(run)
        run.save(update_fields=ENDED)
        if folded:
            folded.delete()
    if error is None and channel.in_outage:  # type: ignore[attr-defined]
        outages.end(channel.host)
    elif error is not None:
        ours.tell_operator(channel, error)
    run_log.ended(run, begun)
    return run


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
    channel.save(update_fields=[*changed, "lease_until", "lease_owner"])


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


def _fold_quiet(run: FetchRun) -> FetchRun | None:
    """A quiet scheduled run takes the quiet one just before it into itself: the caller saves one, deletes the other."""
    before = quiet.last_besides([run.pk], run.channel_id).first() if quiet.is_quiet(run) else None
    if before is None or not quiet.is_quiet(before):
        return None
    quiet.fold(run, before)
    return before


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
