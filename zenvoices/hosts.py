"""Under which host we answer: probes under any, since a load balancer asks by address; pages under our own alone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from zenvoices.lib.own_addresses import PROBES


class HostMiddleware:
    """Before anything that asks for the host: another one would be an error in the log for every scan."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            request.META["HTTP_HOST"] = urlsplit(settings.BASE_URL).netloc
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:
            with translation.override(translation.get_language_from_request(request)):
                return render(request, "400_host.html", status=400)
        return self.get_response(request)
