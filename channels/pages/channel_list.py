"""Beheer / Administratie / Kanalen: the list and what its rows can do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from administrations.access import (
    AdministrationRequest,
    EnvironmentRequest,
    administration_view,
    administrations_in,
    environment_view,
)
from administrations.models import Role
from channels import services, tasks, wanted
from channels.models import Channel
from channels.pages import queries
from channels.pages.access import channel_or_404, premium_view
from channels.pages.rows import row_of
from channels.pages.standing import listed, standing
from documents import suppliers
from zenvoices.lib.paging import PAGE, SHORT_PAGE, searched, with_words
from zenvoices.lib.scoping import every_administration

#: htmx stops asking at this status (and still shows what came with it)
STOP_POLLING = 286
#: by the search box
_LOOKED_IN = ("name", "username", "host")


@require_safe
@administration_view(Role.ADMIN)
def channels(request: AdministrationRequest) -> HttpResponse:
    if not request.administration.is_premium:
        return render(request, "channels/not_premium.html")
    found = Channel.objects.filter(with_words(searched(request.GET), *_LOOKED_IN))
    context = _listed(request, found, most=SHORT_PAGE) | {"missing": suppliers.count_missing()}
    return render(request, "channels/list.html", context)


@require_safe
@premium_view
def channel_row(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    return _row(request, channel_id)


@require_POST
@premium_view
def channel_fetch(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    """Returns at once; the row follows the fetch."""
    channel = channel_or_404(channel_id)
    if channel.state == Channel.State.DRAFT:
        messages.warning(request, _("Activate %(name)s first: a draft is never retrieved.") % {"name": channel.name})
        return redirect("channels", request.administration.pk)
    run = wanted.request_fetch(channel, request.user)
    # The schedule offers it again when the broker does not answer now.
    transaction.on_commit(lambda: tasks.enqueue(run), robust=True)
    if request.htmx:  # type: ignore[attr-defined]
        return _row(request, channel_id)
    return redirect(f"{reverse('channels', args=[channel.administration_id])}#channel-{channel.pk}")


@require_POST
@premium_view
def channel_pause(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id)
    if channel.state == Channel.State.ACTIVE:
        services.pause(channel, request.user)
    messages.success(request, _("%(name)s is paused. Nothing is retrieved until you activate it.") % vars(channel))
    return redirect("channels", channel.administration_id)


@require_POST
@premium_view
def channel_delete(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id)
    services.delete(channel, request.user)
    undo = reverse("channel-undo-delete", args=[channel.administration_id, channel.pk])
    said = _("%(name)s is deleted. Its documents stay in Upload & read.") % vars(channel)
    messages.success(request, said, extra_tags=f"undo:{undo}")
    return redirect("channels", channel.administration_id)


@require_POST
@premium_view
def channel_undo_delete(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = channel_or_404(channel_id, deleted=True)
    if not services.undo_delete(channel, request.user):
        raise Http404
    messages.success(request, _("%(name)s is back.") % vars(channel))
    return redirect("channels", channel.administration_id)


@require_safe
@environment_view
def environment_channels(request: EnvironmentRequest) -> HttpResponse:
    """The office-wide overview: the channels of every administration."""
    with every_administration():
        found = Channel.objects.filter(with_words(searched(request.GET), *_LOOKED_IN, "administration__name"))
        found = found.filter(administration__in=administrations_in(request.environment))
        context = _listed(request, found, "administration__name", most=PAGE) | {"environment": request.environment}
        return render(request, "channels/environment.html", context)


def _listed(request: HttpRequest, found: QuerySet[Channel], *by: str, most: int) -> dict[str, Any]:
    """A page of them: those in trouble first, then `by` and by name."""
    found = found.filter(deleted_at=None).annotate(standing=standing()).order_by("-standing", *by, "name", "id")
    some = listed(found, request.GET, most)
    rows = [row_of(channel) for channel in queries.listed_channels(each.pk for each in some.page)]
    words = searched(request.GET)
    return {"rows": rows, "page": some.page, "counts": some.counts, "group": some.group, "words": words}


def _row(request: AdministrationRequest, channel_id: UUID) -> HttpResponse:
    channel = queries.listed_channel(channel_id)
    if channel is None:
        raise Http404
    row = row_of(channel)
    context = {"row": row, "announce": True}
    return render(request, "channels/_row.html", context, status=200 if row.run else STOP_POLLING)
