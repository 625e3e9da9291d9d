"""Channels are for Beheerders of Premium administrations."""

from __future__ import annotations

from functools import wraps
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render

from administrations.access import AdministrationRequest, View, administration_view
from administrations.models import Role
from channels.models import Channel


def premium_view(view: View) -> View:
    """Opens the administration of the URL for its Beheerder; with another plan a page says why not."""

    @wraps(view)
    def opened(request: AdministrationRequest, **kwargs: Any) -> HttpResponseBase:
        if not request.administration.is_premium:
            return render(request, "channels/not_premium.html", status=403)
        return view(request, **kwargs)

    return administration_view(Role.ADMIN)(opened)


def channel_or_404(channel_id: UUID, *, deleted: bool = False) -> Channel:
    """A channel of the administration we are in."""
    found = Channel.objects.select_related("administration__environment")
    return get_object_or_404(found, pk=channel_id, deleted_at__isnull=not deleted)
