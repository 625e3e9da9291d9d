"""A line for each request: who asked (zenvoices.lib.addresses), for what, and how it ended.

Its id stands in whatever is logged meanwhile, in the tasks it queues (zenvoices.celery) and in the answer.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from zenvoices.lib.addresses import address_of
from zenvoices.lib.logs import route_of
from zenvoices.lib.own_addresses import PROBES

log = structlog.get_logger(__name__)
#: an id as proxies make them; anything else may be somebody's text
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class AccessLogMiddleware:
    """The first of all, so that it sees what the others answer. Paths are told as their route: values may be tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun, request_id, status = time.monotonic(), id_of(request.META), 500
        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                response = self.get_response(request)
                status = response.status_code
            finally:  # also where the page that tells of a fault breaks itself
                if request.path_info not in PROBES:
                    _say(request, status, time.monotonic() - begun)
        response["X-Request-ID"] = request_id
        return response


def _say(request: HttpRequest, status: int, seconds: float) -> None:
    log.info(
        "request",
        address=address_of(request.META),
        method=request.method,
        path=path_of(request),
        status=status,
        ms=round(1000 * seconds),
        browser=request.headers.get("User-Agent", ""),
    )


def id_of(environ: Mapping[str, Any]) -> str:
    """What a proxy of ours has given it, else a new one."""
    told = str(environ.get("HTTP_X_REQUEST_ID", ""))
    return told if settings.TRUSTED_PROXY_COUNT and _ID.fullmatch(told) else uuid.uuid4().hex


def path_of(request: HttpRequest) -> str:
    """Its route, with names where its values are; "" where it meets none."""
    if request.path_info.startswith(settings.STATIC_URL):
        return f"{settings.STATIC_URL}<path>"
    try:  # what was answered before it met one meets it here
        return route_of(request.resolver_match or resolve(request.path_info))
    except Resolver404:
        return ""
