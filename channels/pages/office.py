"""The first page of an office: one line for each administration, and what can be done with many of them at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from administrations.access import EnvironmentRequest, administration_in, environment_view
from channels.pages.bulk import ACTIONS, MOST, Done, channels_for, left_said, passed_over
from channels.pages.channel_list import STOP_POLLING
from channels.pages.clients import clients, clients_of
from channels.pages.rows import ICONS
from channels.pages.standing import listed
from zenvoices.lib.own_addresses import own_path
from zenvoices.lib.paging import PAGE, searched
from zenvoices.lib.scoping import every_administration


@require_safe
@environment_view
def office(request: EnvironmentRequest) -> HttpResponse:
    words = searched(request.GET)
    with every_administration():
        some = listed(clients_of(request.environment, words), request.GET)
        context: dict[str, Any] = {
            "clients": clients(some.page),
            "page": some.page,
            "counts": some.counts,
            "words": words,
            "group": some.group,
            "environment": request.environment,
            "icons": ICONS,
        }
        return render(request, "channels/office.html", context)


@require_safe
@environment_view
def office_client(request: EnvironmentRequest, client_id: UUID) -> HttpResponse:
    """One line, which follows what goes on in it."""
    administration_in(request.environment, client_id)
    with every_administration():
        client = next(iter(clients(clients_of(request.environment, "").filter(pk=client_id))), None)
        if client is None:  # deleted meanwhile
            raise Http404
        context = {"client": client, "environment": request.environment, "announce": True}
        status = 200 if client.is_busy else STOP_POLLING
        return render(request, "channels/_client.html", context, status=status)


@require_POST
@environment_view
def office_act(request: EnvironmentRequest) -> HttpResponse:
    """Asks first, with how many channels it is about."""
    name, back = request.POST.get("act", ""), _back(request)
    if name not in ACTIONS:
        return redirect(back)
    ids, shown = _ids(request), _shown(request)
    with every_administration():
        channels = channels_for(ACTIONS[name], request.environment, ids, shown)
        if left := shown - {channel.pk for channel in channels}:
            messages.warning(request, left_said(passed_over(name, request.environment, left)))
        elif not channels:
            messages.info(request, _("None of these administrations has a channel for that. Nothing was done."))
        if not channels:
            return redirect(back)
        if "sure" not in request.POST:
            among = {channel.administration_id for channel in channels}
            context = {"act": name, "ids": ids, "channels": channels, "among": len(among), "back": back}
            context["shown"] = " ".join(str(channel.pk) for channel in channels)
            context["language_next"] = back
            return render(request, "channels/office_sure.html", context | {"environment": request.environment})
        _say(request, name, ACTIONS[name].do(channels, request.user))
    return redirect(back)


def _ids(request: EnvironmentRequest) -> list[UUID]:
    try:
        return [UUID(given) for given in request.POST.getlist("ids")[:PAGE]]
    except ValueError as wrong:
        raise Http404 from wrong


def _shown(request: EnvironmentRequest) -> set[UUID]:
    """The channels that whoever says yes was asked about."""
    try:
        return {UUID(given) for given in request.POST.get("shown", "").split()[:MOST]}
    except ValueError as wrong:
        raise Http404 from wrong


def _back(request: EnvironmentRequest) -> str:
    return own_path(request.POST.get("next", "")) or reverse("office", args=[request.environment.pk])


def _say(request: EnvironmentRequest, name: str, done: Done) -> None:
    if done.begun:
        messages.success(request, _begun(name, done.begun))
    if done.left:
        messages.warning(request, _left(name, done.left))


def _begun(name: str, count: int) -> str:
    facts: dict[str, Any] = {"n": count}
    if name == "fetch":
        return ngettext("%(n)s channel is being retrieved.", "%(n)s channels are being retrieved.", count) % facts
    return (
        ngettext(
            "The connection of %(n)s channel is being checked.",
            "The connections of %(n)s channels are being checked.",
            count,
        )
        % facts
    )


def _left(name: str, count: int) -> str:
    facts: dict[str, Any] = {"n": count}
    if name == "fetch":
        return (
            ngettext(
                "%(n)s channel waits: it follows by itself within half an hour.",
                "%(n)s channels wait: they follow by themselves within half an hour.",
                count,
            )
            % facts
        )
    return (
        ngettext(
            "%(n)s channel is not looked at yet. Do the same again in a minute.",
            "%(n)s channels are not looked at yet. Do the same again in a minute.",
            count,
        )
        % facts
    )
