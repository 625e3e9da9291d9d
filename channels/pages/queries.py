"""Named reads of channels and their logbook."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from administrations.models import Environment
from channels.models import Channel, FetchRun, ReceivedMail
from documents.models import Document
from zenvoices.lib.keyset import Position


def channel_list() -> list[Channel]:
    """The channels of the scope, each with what `_listed` counts, `open_run` and `last_run`. Three queries, ever."""
    return _with_runs(_listed(Channel.objects.all()))


def channels_of_environment(environment: Environment) -> list[Channel]:
    """For the office-wide overview; call it inside `every_administration`."""
    own = Channel.objects.filter(administration__environment=environment)
    return _with_runs(_listed(own).order_by("administration__name", "name", "id"))


def _listed(channels: QuerySet[Channel]) -> QuerySet[Channel]:
    """With `documents_count`, and `not_taken_in`: mails."""
    counted = (
        Document.objects.filter(source_id=OuterRef("pk"), deleted_at=None)
        .order_by()
        .values("source_id")
        .annotate(n=Count("pk"))
        .values("n")
    )
    standing = (
        ReceivedMail.objects.filter(channel=OuterRef("pk"), standing=True)
        .order_by()
        .values("channel")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return (
        channels.filter(deleted_at=None)
        .select_related("administration__environment")
        .annotate(documents_count=Coalesce(Subquery(counted), 0), not_taken_in=Coalesce(Subquery(standing), 0))
    )


def _with_runs(channels: QuerySet[Channel]) -> list[Channel]:
    found = list(channels)
    ids = [channel.pk for channel in found]
    open_runs = {run.channel_id: run for run in FetchRun.objects.filter(channel__in=ids).exclude(state="finished")}
    newest = FetchRun.objects.filter(channel=OuterRef("channel"), state="finished").order_by("-queued_at", "-id")
    last = FetchRun.objects.filter(channel__in=ids, pk=Subquery(newest.values("pk")[:1]))
    last_runs = {run.channel_id: run for run in last}
    for channel in found:
        channel.open_run = open_runs.get(channel.pk)  # type: ignore[attr-defined]
        channel.last_run = last_runs.get(channel.pk)  # type: ignore[attr-defined]
    return found


def logbook(channel: Channel, *, before: Position | None = None, limit: int = 50) -> list[FetchRun]:
    """Newest first, by keyset: a page costs the same at any depth."""
    rows = FetchRun.objects.filter(channel=channel)
    if before is not None:
        rows = rows.filter(queued_at__lte=before.at).exclude(queued_at=before.at, id__gte=before.id)
    return list(rows.order_by("-queued_at", "-id")[:limit])


def listed_channel(channel_id: UUID) -> Channel | None:
    """One line of `channel_list`, for the row that follows a fetch."""
    return next(iter(_with_runs(_listed(Channel.objects.filter(pk=channel_id)))), None)


def not_taken_in(channel: Channel, *, after: Position | None = None, limit: int = 100) -> list[ReceivedMail]:
    """What could not be had and is still waited for, oldest first."""
    rows = ReceivedMail.objects.filter(channel=channel, standing=True)
    return _page_of_mails(rows, after, limit)


def mails_of(run: FetchRun, *, after: Position | None = None, limit: int = 100) -> list[ReceivedMail]:
    """In the order they were looked at, each with its mail and parts."""
    return _page_of_mails(ReceivedMail.objects.filter(run=run), after, limit)


def _page_of_mails(rows: QuerySet[ReceivedMail], after: Position | None, limit: int) -> list[ReceivedMail]:
    if after is not None:
        rows = rows.filter(first_seen_at__gte=after.at).exclude(first_seen_at=after.at, id__lte=after.id)
    whole = rows.select_related("email").prefetch_related("parts__document")
    return list(whole.order_by("first_seen_at", "id")[:limit])
