"""Nothing arrives: a channel that has a rhythm and falls silent is said, once a day; a step of the tick.

A channel that fails is no silent one: of that people are told elsewhere.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from channels import notices, rhythm
from channels.fetching import suppliers
from channels.models import Channel
from channels.words.notices import Kind
from documents.models import Document
from zenvoices.lib import bulkheads
from zenvoices.lib.days import midnight

LISTENED_TO_A_TICK: Final = 500
#: documents looked at for one channel: of a usual day, and at first of its past
DOCUMENTS_READ: Final = 500


def listen() -> int:
    """Looks at each channel of a Premium administration once a day. Returns how many fell silent."""
    today = timezone.localdate()
    unheard = Q(listened_on=None) | Q(listened_on__lt=today)
    channels = Channel.objects.filter(unheard, deleted_at=None, administration__plan="premium").order_by("id")
    found = list(channels.values_list("pk", "listened_on")[:LISTENED_TO_A_TICK])
    return bulkheads.each(found, lambda one: _listen_to(*one, today))


@transaction.atomic
def _listen_to(channel_id: UUID, heard: date | None, today: date) -> bool:
    """A conditional UPDATE says who does, so two schedules tell once."""
    mine = Channel.objects.filter(pk=channel_id, listened_on=heard, deleted_at=None).update(listened_on=today)
    if not mine:
        return False
    channel = Channel.objects.select_for_update(of=("self",)).select_related("administration__environment")
    found = channel.get(pk=channel_id)
    arrivals = _arrivals(found, heard)
    is_silent = _works(found) and rhythm.is_silent(arrivals, found.active_since, today)
    silent_since = arrivals[-1] if is_silent else None
    began = silent_since is not None and found.silent_since is None
    if silent_since is None:
        ended(found)
    found.arrivals, found.silent_since = [str(day) for day in arrivals], silent_since
    suppliers.listen(found, today)
    found.save(update_fields=["arrivals", "silent_since", "suppliers_heard_on"])
    if began:
        notices.tell_silent(found)
    return began


def ended(channel: Channel) -> None:
    """Something came. The caller saves `silent_since`."""
    if channel.silent_since is not None:
        channel.silent_since = None
        notices.close(channel, Kind.SILENT)


def _works(channel: Channel) -> bool:
    return channel.state == Channel.State.ACTIVE and not channel.error_code and channel.failing_since is None


def _arrivals(channel: Channel, heard: date | None) -> list[date]:
    """The days on which documents came, the last ones, those since the last look added."""
    documents = Document.objects.filter(source_id=channel.pk).order_by("-received_at")
    if heard is not None:
        documents = documents.filter(received_at__gte=midnight(heard))
    moments = documents.values_list("received_at", flat=True)[:DOCUMENTS_READ]
    fresh = {timezone.localtime(moment).date() for moment in moments}
    known = {date.fromisoformat(day) for day in channel.arrivals}
    return sorted(known | fresh)[-rhythm.REMEMBERED :]
