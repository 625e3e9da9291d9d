"""Named reads of channels and their logbook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.utils import timezone

from channels import rulebook
from channels.models import Channel, FetchRun, HostOutage, ReceivedMail
from documents.models import Document
from zenvoices.lib.keyset import Position
from zenvoices.lib.paging import with_words

#: the last three of a mail that a rule left out, of which nothing else is kept
SENDER_AND_SUBJECT: Final = (
    "email__sender_name", "email__sender_address", "email__subject",
    "error_detail__sender_name", "error_detail__sender", "error_detail__subject",
)  # fmt: skip
#: A row is looked at each second while it is fetched: more documents than these are not counted.
DOCUMENTS_COUNTED: Final = 1_000
#: what a person's fetch brought is told this long
RESULT_STAYS: Final = timedelta(minutes=10)


def listed_channels(ids: Iterable[UUID], *, count_documents: bool = True) -> list[Channel]:
    """These, in this order, each with what `_listed` counts, `open_run`, `last_run` and `asked_run`, which a person
    started and which ended just now. Two queries, ever."""
    wanted = list(ids)
    listed = _listed(Channel.objects.filter(pk__in=wanted), count_documents=count_documents)
    found = {channel.pk: channel for channel in _with_runs(listed)}
    return [found[pk] for pk in wanted if pk in found]


class RowCount(Subquery):
    """How many rows a query gives, which may have a limit."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _listed(channels: QuerySet[Channel], *, count_documents: bool = True) -> QuerySet[Channel]:
    """With `documents_count`, and `not_taken_in`: mails."""
    # A range of one: of an equality PostgreSQL believes that every channel has as many, and reads all documents of the
    # administration for one that has few.
    of_channel = Q(source_id__gte=OuterRef("pk"), source_id__lte=OuterRef("pk"))
    documents = Document.objects.filter(of_channel, deleted_at=None).order_by()
    counted = RowCount(documents.values("pk")[: DOCUMENTS_COUNTED + 1])
    standing = ReceivedMail.objects.filter(channel=OuterRef("pk"), standing=True).order_by()
    runs = FetchRun.objects.filter(channel=OuterRef("pk")).order_by("-queued_at", "-id").values("pk")
    return (
        channels.filter(deleted_at=None)
        .select_related("administration__environment")
        .annotate(
            documents_count=counted if count_documents else Value(0),
            not_taken_in=RowCount(standing.values("pk")),
            outage_code=Subquery(
                HostOutage.objects.filter(
                    Q(code=OuterRef("error_code")) | Q(code=""), host=OuterRef("host"), ended_at=None
                )
                .order_by("-code")
                .values("code")[:1]
            ),
            # The newest by their index, for each channel anew: a join would look at every run there ever was.
            open_run_id=Subquery(runs.filter(finished_at=None)[:1]),
            last_run_id=Subquery(runs.filter(finished_at__isnull=False)[:1]),
            asked_run_id=Subquery(_asked_lately(runs)[:1]),
        )
    )


def _asked_lately(runs: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """None is under way for a day: no older one is read."""
    now = timezone.now()
    ended = runs.filter(trigger=FetchRun.Trigger.MANUAL, finished_at__gte=now - RESULT_STAYS)
    return ended.filter(queued_at__gte=now - timedelta(days=1))


def _with_runs(channels: QuerySet[Channel]) -> list[Channel]:
    found: list[Any] = list(channels)
    kinds = ("open_run", "last_run", "asked_run")
    runs = FetchRun.objects.in_bulk({pk for one in found for kind in kinds if (pk := getattr(one, f"{kind}_id"))})
    for channel in found:
        for kind in kinds:
            setattr(channel, kind, runs.get(getattr(channel, f"{kind}_id")))
    return found


def logbook(
    channel: Channel, wanted: Q | None = None, *, before: Position | None = None, limit: int = 50
) -> list[FetchRun]:
    """Newest first, by keyset: a page costs the same at any depth. `wanted` narrows the runs."""
    rows = FetchRun.objects.filter(wanted or Q(), channel=channel)
    if before is not None:
        rows = rows.filter(queued_at__lte=before.at).exclude(queued_at=before.at, id__gte=before.id)
    return list(rows.order_by("-queued_at", "-id")[:limit])


def listed_channel(channel_id: UUID) -> Channel | None:
    """One line of the list, for the row that follows a fetch."""
    return next(iter(listed_channels([channel_id])), None)


def not_taken_in(channel: Channel, *, after: Position | None = None, limit: int = 100) -> list[ReceivedMail]:
    """What could not be had and is still waited for, oldest first."""
    rows = ReceivedMail.objects.filter(channel=channel, standing=True)
    return _page_of_mails(rows, after, limit)


def left_out(
    channel: Channel, key: str, value: str, *, after: Position | None = None, limit: int = 100
) -> list[ReceivedMail]:
    """What one rule left out and nobody asked for since, oldest first; of every rule without `key`."""
    rows = rulebook.left_out_by(channel, key, value) if key else rulebook.left_out(channel)
    return _page_of_mails(rows, after, limit)


def mails_of(run: FetchRun, words: str = "", *, after: Position | None = None, limit: int = 100) -> list[ReceivedMail]:
    """In the order they were looked at, each with its mail and parts; with `words` in its sender or subject."""
    return _page_of_mails(ReceivedMail.objects.filter(with_words(words, *SENDER_AND_SUBJECT), run=run), after, limit)


def _page_of_mails(rows: QuerySet[ReceivedMail], after: Position | None, limit: int) -> list[ReceivedMail]:
    if after is not None:
        rows = rows.filter(first_seen_at__gte=after.at).exclude(first_seen_at=after.at, id__lte=after.id)
    whole = rows.select_related("email").prefetch_related("parts__document__move__other")
    return list(whole.order_by("first_seen_at", "id")[:limit])
