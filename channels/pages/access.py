"""Channels are for Beheerders of Premium administrations."""

from __future__ import annotations

from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from administrations.access import AdministrationRequest, View, administration_view
from administrations.models import Role
from channels.models import Channel


def premium_view(view: View) -> View:
    """Opens the administration of the URL for its Beheerder; with another plan a page says why not.

    Of a channel that was deleted meanwhile (a notice, another tab) the list of channels says so.
    """

    @wraps(view)
    def opened(request: AdministrationRequest, **kwargs: Any) -> HttpResponseBase:
        if not request.administration.is_premium:
            return render(request, "channels/not_premium.html", status=403)
        try:
            return view(request, **kwargs)
        except Http404:
            if request.htmx or not _is_deleted(kwargs.get("channel_id")):  # type: ignore[attr-defined]
                raise
        messages.warning(request, _("The channel was deleted meanwhile."))
        return redirect("channels", request.administration.pk)

    return administration_view(Role.ADMIN)(opened)


def _is_deleted(channel_id: UUID | None) -> bool:
    return channel_id is not None and Channel.objects.filter(pk=channel_id, deleted_at__isnull=False).exists()


def channel_or_404(channel_id: UUID, *, deleted: bool = False) -> Channel:
    """A channel of the administration we are in."""
    found = Channel.objects.select_related("administration__environment")
    return get_object_or_404(found, pk=channel_id, deleted_at__isnull=not deleted)
