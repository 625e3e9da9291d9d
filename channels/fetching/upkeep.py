"""What the schedule keeps in order besides fetching. Each works on one channel, run or outage after another, so that
what is the matter with one stops no other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from channels import notices
from channels.fetching import ending, health, outages
from channels.fetching.places import open_runs
from channels.lease import expired
from channels.links import tokens
from channels.models import Channel, ChannelSecret, FetchRun, HostOutage, ReceivedMail
from channels.words.notices import Kind
from notifications.models import Notification
from zenvoices.lib import bulkheads, database_clock

PURGE_AFTER: Final = timedelta(seconds=60)
PURGED_A_TICK: Final = 50
PRUNED_A_TICK: Final = 500
ERASED_AT_ONCE: Final = 1_000
TOLD_A_TICK: Final = 200


def reap() -> int:
    """Closes runs whose process died and lets their channels be fetched again at once. Returns how many."""
    dead = Q(channel__lease_until__lt=Now()) | Q(channel__lease_until=None)
    long_ago = timezone.now() - timedelta(seconds=settings.FETCH_LEASE_SECONDS)
    runs = open_runs().filter(dead, state=FetchRun.State.RUNNING, started_at__lt=long_ago)
    return bulkheads.each(list(runs), _close_dead)


def _close_dead(run: FetchRun) -> bool:
    ending.close_interrupted(run)
    Channel.objects.filter(pk=run.channel_id, state=Channel.State.ACTIVE).update(next_fetch_at=timezone.now())
    return True


def purge_deleted() -> int:
    """Erases what was deleted and not undone: secrets first, then the channel with its logbook and ledger.

    Its link ends at the provider before, outside the transaction; a provider that is down holds up nothing.
    """
    fetched_by_nobody = Q(lease_until__isnull=True) | expired()
    gone = Channel.objects.filter(fetched_by_nobody, deleted_at__lt=database_clock.now() - PURGE_AFTER)
    # In any order: one that cannot be erased is not the first for ever.
    return bulkheads.each(list(gone.order_by("?")[:PURGED_A_TICK]), _purge)


def _purge(channel: Channel) -> bool:
    tokens.forget(channel)
    _erase_in_slices(ReceivedMail.objects.filter(channel=channel).order_by("content_sha256"))
    _erase_in_slices(FetchRun.objects.filter(channel=channel))
    return _erase(channel.pk)


def _erase_in_slices(rows: QuerySet[Any]) -> None:
    """Each a short transaction: years of mails are too much for one, and for memory.

    In the order of an index, or each slice begins by reading everybody's.
    """
    while ids := list(rows.values_list("pk", flat=True)[:ERASED_AT_ONCE]):
        rows.filter(pk__in=ids).delete()


@transaction.atomic
def _erase(channel_id: UUID) -> bool:
    """Under the row's lock, so that an undo either came before and counts, or comes too late."""
    channel = Channel.objects.select_for_update().filter(pk=channel_id).exclude(deleted_at=None).first()
    if channel is None:
        return False
    ChannelSecret.objects.filter(channel=channel).delete()
    notices.close_everything(channel)
    channel.delete()
    return True


def prune_logbook() -> int:
    """Takes away old runs, but the last of each channel. What the ledger knows of their mails stays."""
    later = FetchRun.objects.filter(channel=OuterRef("channel"), queued_at__gt=OuterRef("queued_at")).order_by()
    # Any later one, unsorted, and one value, not EXISTS: PostgreSQL would sort or join all runs of the channel.
    old = FetchRun.objects.alias(later=Subquery(later.values("pk")[:1])).exclude(later=None)
    old = old.filter(finished_at__lt=logbook_reaches_to())
    ids = list(old.order_by("finished_at").values_list("pk", flat=True)[:PRUNED_A_TICK])
    FetchRun.objects.filter(pk__in=ids).delete()
    return len(ids)


def logbook_reaches_to() -> datetime:
    return database_clock.now() - timedelta(days=settings.LOGBOOK_KEPT_DAYS)


def tell_outages() -> int:
    """Tells everybody concerned of a mail host *in storing*; not the fetch that found it, which has a lease to keep."""
    outages = HostOutage.objects.filter(ended_at=None, told_at=None)
    return bulkheads.each(list(outages), _tell_outage)


def _tell_outage(outage: HostOutage) -> int:
    affected = Channel.objects.filter(host=outage.host, state=Channel.State.ACTIVE, deleted_at=None)
    channels = list(affected.select_related("administration__environment"))
    event = f"outage:{outage.pk}"
    try:
        bulkheads.each(channels, lambda channel: notices.tell(channel, Kind.OUTAGE, event))
    finally:
        HostOutage.objects.filter(pk=outage.pk).update(told_at=timezone.now())
        if outage.code:  # those who met it first were told that it was theirs
            notices.close_all(affected.filter(error_code=outage.code), Kind.ATTENTION)
        if not HostOutage.objects.filter(pk=outage.pk, ended_at=None).exists():  # while we were telling
            outages.close_notices(outage.host)
    return len(channels)


def tell_nothing_fetched() -> int:
    """Those who manage a channel that fetches nothing for hours, unless they know: whoever's fault it is."""
    known = Notification.objects.filter(
        subject_id=OuterRef("pk"), closed_at=None,
        kind__in=[Kind.ATTENTION, Kind.OUTAGE, Kind.NOTHING_FETCHED],
    ).exclude(event__contains=f":{notices.TO_COME}")  # fmt: skip
    silent = Channel.objects.filter(
        health.fetches_nothing(), ~Exists(known),
        state=Channel.State.ACTIVE, deleted_at=None, administration__plan="premium",
    )  # fmt: skip
    channels = silent.select_related("administration__environment").order_by("failing_since", "pk")
    return bulkheads.each(list(channels[:TOLD_A_TICK]), notices.tell_nothing_fetched)
