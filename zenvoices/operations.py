"""Addresses for operators and load balancers: /healthz, /readyz, /metrics, /status."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import asdict

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from notifications.operator import open_alerts
from zenvoices import status as whole
from zenvoices.lib.addresses import address_of, is_loopback
from zenvoices.lib.health import readiness
from zenvoices.metrics import scrape


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """What only the operator can mend stands beside the parts, and does not take the process out of service."""
    parts = readiness()
    alerts = (
        [{"code": one.code, "since": one.since, "text": one.text_en} for one in open_alerts()]
        if parts["database"]
        else []
    )
    told = {"operator": alerts} if alerts else {}
    return JsonResponse(parts | told, status=200 if all(parts.values()) else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not _is_operator(request):
        return HttpResponseForbidden("loopback or a bearer token only", content_type="text/plain")
    return HttpResponse(scrape.text(), content_type=CONTENT_TYPE_LATEST)


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """In words, or as JSON for whoever accepts that (or asks for ?format=json). 503 when a part does not work."""
    if not _is_operator(request):
        return HttpResponseForbidden("loopback or a bearer token only", content_type="text/plain")
    lines = whole.lines()
    code = 200 if all(line.ok for line in lines) else 503
    wants_json = request.GET.get("format") == "json" or request.accepts("application/json") > request.accepts(
        "text/html"
    )
    if wants_json:
        told = [asdict(line) for line in lines]
        return JsonResponse({"ok": code == 200, "parts": told}, status=code)
    return HttpResponse(_in_words(lines), content_type="text/plain; charset=utf-8", status=code)


def _in_words(lines: Sequence[whole.Line]) -> str:
    """What does not work first."""
    ordered = sorted(lines, key=lambda line: line.ok)
    return "\n".join(_said(line) for line in ordered) + "\n"


def _said(line: whole.Line) -> str:
    if line.ok:
        return f"ok   {line.part}: {line.text}"
    since = f" Since {line.since:%Y-%m-%d %H:%M} UTC." if line.since else ""
    return f"NOT  {line.part}: {line.text}{since}\n     {line.next}"


def _is_operator(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme == "Bearer":
        return hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
    # A proxy in front of us is on loopback too, also one that nobody told us of.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not settings.TRUSTED_PROXY_COUNT and not forwarded and is_loopback(address_of(request.META))
