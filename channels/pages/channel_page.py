"""A channel's own page: how it stands, what must be done, its last thirty days and its last fetches."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from administrations.access import AdministrationRequest
from channels.models import Channel
from channels.pages import queries
from channels.pages.access import premium_view
from channels.pages.logbook_lines import days_of
from channels.pages.month import month_of
from channels.pages.rows import row_of
from channels.pages.standing import Standing, standing
from channels.pages.who import who_must_act

LAST_RUNS = 8


@require_safe
@premium_view
def channel_page(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = queries.listed_channel(channel_id)
    if channel is None:
        raise Http404
    row = row_of(channel)
    stands = Channel.objects.annotate(stands=standing()).values_list("stands", flat=True).get(pk=channel_id)
    context = {
        "channel": channel,
        "row": row,
        "who": who_must_act(row, Standing(stands)),
        "month": month_of(channel),
        "days": days_of(channel, queries.logbook(channel, limit=LAST_RUNS)),
    }
    return render(request, "channels/channel.html", context)
