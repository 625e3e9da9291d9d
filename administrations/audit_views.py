"""*Activiteiten*: the audit trail of an administration, and of a whole environment."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from administrations import audit
from administrations.access import AdministrationRequest, EnvironmentRequest, administration_view, environment_view
from administrations.audit_csv import rows_of
from administrations.audit_list import AuditFilter, Trail, mark
from administrations.audit_words import changes, sentence, who
from administrations.models import Administration, Environment, Role
from zenvoices.lib.csv_files import streamed


@require_safe
@administration_view(Role.ADMIN)
def of_administration(request: AdministrationRequest) -> HttpResponse:
    return _page(request, request.administration, "administration")


@require_safe
@environment_view
def of_environment(request: EnvironmentRequest) -> HttpResponse:
    return _page(request, request.environment, "environment")


@require_safe
@administration_view(Role.ADMIN)
def csv_of_administration(request: AdministrationRequest) -> HttpResponseBase:
    return _csv(request, request.administration)


@require_safe
@environment_view
def csv_of_environment(request: EnvironmentRequest) -> HttpResponseBase:
    return _csv(request, request.environment)


def _page(request: HttpRequest, place: Administration | Environment, level: str) -> HttpResponse:
    form = AuditFilter(request.GET)
    entries, more = Trail(place, form.narrowed()).page(mark(request.GET.get("before", "")))
    kept = request.GET.copy()
    kept.pop("before", None)
    found: dict[str, Any] = {
        "place": place,
        "level": level,
        "form": form,
        "lines": [{"entry": one, "who": who(one), "said": sentence(one), "changes": changes(one)} for one in entries],
        "more": str(more or ""),  # a number would be written with thousands separators
        "query": kept.urlencode(),
        "narrowed": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "administrations/activity.html", found)


def _csv(request: HttpRequest, place: Administration | Environment) -> HttpResponseBase:
    trail = Trail(place, AuditFilter(request.GET).narrowed())
    if request.method != "HEAD":
        audit.note("audit.exported", place, place)
    return streamed(rows_of(trail.all()), _("activity") + ".csv")
