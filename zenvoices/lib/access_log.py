"""A line for each request: who asked (zenvoices.lib.addresses), for what, and how it ended. Secrets are hidden."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from zenvoices.lib.addresses import address_of

log = structlog.get_logger(__name__)


class AccessLogMiddleware:
    """The first of all, so that it sees what the others answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.monotonic()
        response = self.get_response(request)
        log.info(
            "request",
            address=address_of(request.META),
            method=request.method,
            path=request.get_full_path(),
            status=response.status_code,
            seconds=round(time.monotonic() - begun, 3),
            browser=request.headers.get("User-Agent", ""),
            referrer=request.headers.get("Referer", ""),
        )
        return response
