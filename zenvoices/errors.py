"""Pages for what went wrong, never a stack trace."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from administrations.access import TwoFactorNeeded
from zenvoices.lib.rates import too_many


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's own view renders without a request, so without language and frame."""
    most = settings.DATA_UPLOAD_MAX_NUMBER_FILES if isinstance(exception, TooManyFilesSent) else None
    return render(request, "400.html", {"most_files": most}, status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Who only lacks a second step is led to set it up; htmx goes there with the whole page."""
    if not isinstance(exception, TwoFactorNeeded):
        return render(request, "403.html", status=403)
    there = reverse("two-factor-needed", args=[exception.environment_id])
    if request.headers.get("HX-Request") or request.headers.get("Accept") == "application/json":
        return HttpResponse(status=403, headers={"HX-Redirect": there})
    return redirect(there)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """For allauth's own limits, which all count in minutes."""
    return too_many(request, 60)
