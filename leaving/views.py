"""*Exporteren*: everything of an administration as one file, for whoever manages it."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from administrations import audit
from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents import serving, storage
from leaving import exports, tasks
from leaving.models import Export
from zenvoices.lib import database_clock


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.ADMIN)
def export(request: AdministrationRequest) -> HttpResponse:
    if request.method == "POST":
        asked = exports.ask(request.administration, request.user)
        transaction.on_commit(partial(tasks.queue, asked), robust=True)
        return redirect("export", request.administration.pk)
    found = list(Export.objects.select_related("asked_by")[:10])
    is_part, is_open = _is_part(request), any(one.is_open for one in found)
    context = {"exports": found, "is_open": is_open, "is_part": is_part, "now": database_clock.now()}
    return render(request, "leaving/_exports.html" if is_part else "leaving/export.html", context)


def _is_part(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx and htmx.target == "exports")


@require_safe
@administration_view(Role.ADMIN)
def download(request: AdministrationRequest, export_id: UUID) -> HttpResponseBase:
    here = request.administration
    found = get_object_or_404(Export, pk=export_id, state=Export.State.READY, expires_at__gt=database_clock.now())
    try:
        response = serving.attachment(here.pk, found.sha256, f"{here.name}.zip", "application/zip")
    except storage.BlobMissing as missing:
        raise Http404 from missing
    if request.method != "HEAD":
        audit.note("administration.export_downloaded", here, here, by=request.user)
    return response
