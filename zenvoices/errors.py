"""Pages for what went wrong, never a stack trace."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse

from administrations.access import TwoFactorNeeded
from documents.storage import StorageProblem, told
from zenvoices.lib.own_addresses import own_path, page_before
from zenvoices.lib.rates import too_many

log = structlog.get_logger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's own view renders without a request, so without language and frame."""
    most = settings.DATA_UPLOAD_MAX_NUMBER_FILES if isinstance(exception, TooManyFilesSent) else None
    return render(request, "400.html", {"most_files": most}, status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Whoever pressed a button of a page that lay open reads what became of it, and goes back to that page."""
    back = page_before(request) if request.method == "POST" else ""
    return render(request, "404.html", {"back": back}, status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Who only lacks a second step is led to set it up; htmx goes there with the whole page."""
    if not isinstance(exception, TwoFactorNeeded):
        return render(request, "403.html", status=403)
    there = reverse("two-factor-needed", args=[exception.environment_id])
    if request.headers.get("HX-Request") or request.headers.get("Accept") == "application/json":
        return HttpResponse(status=403, headers={"HX-Redirect": there})
    return redirect(there)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Whoever signs in in a second tab is signed in already, and that tab's word against forgery is of before."""
    if request.user.is_authenticated and request.path == reverse("account_login"):
        return redirect(own_path(request.POST.get("next", "")) or "home")
    return render(request, "403_csrf.html", status=403)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """For allauth's own limits, which all count in minutes."""
    return too_many(request, 60)


class StorageMiddleware:
    """Whoever asks for a file while our storage is away is told so, on whichever page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StorageProblem):
            return None
        log.error("the storage of documents failed", problem=exception.code, said=told(exception))
        return render(request, "503.html", status=503)


class NotAllowedMiddleware:
    """Whoever comes by address to what only takes a form reads where to go on: Django's answer is an empty page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_looked_at = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if not isinstance(response, HttpResponseNotAllowed) or not is_looked_at:
            return response
        page = render(request, "405.html", status=405)
        page.headers["Allow"] = response.headers["Allow"]
        return page
