"""Uploading: one file at a time from the page's script, or several from a plain form."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from administrations.access import AdministrationRequest, administration_view, may
from administrations.models import Role
from documents.phrases import upload_problem
from documents.queries import twin_of, visible_documents
from documents.tasks import queue_preparation
from documents.uploads import ACCEPT, MOST_PAGES, PASSES, Result, take_in, take_in_pages


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.SUBMITTER)
def upload(request: AdministrationRequest) -> HttpResponse:
    results = _take_in(request) if request.method == "POST" else []
    refused = [result for result in results if result.problem]
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"results": [_told(request, result) for result in results]}, status=422 if refused else 200)
    taken = len(results) - len(refused)
    if taken:
        text = ngettext("%(count)d document uploaded", "%(count)d documents uploaded", taken) % {"count": taken}
        messages.success(request, text)
        if not refused:
            return redirect("documents", request.administration.pk)
    context: dict[str, Any] = {
        "accept": ACCEPT,
        "refused": [(result.filename, upload_problem(result.problem)) for result in refused],
        "may_ask": may(request.role, Role.USER),
        "nothing_chosen": request.method == "POST" and not results,
    }
    failed = request.method == "POST" and not (results and not refused)
    return render(request, "documents/upload.html", context, status=422 if failed else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.SUBMITTER)
def upload_pages(request: AdministrationRequest) -> HttpResponse:
    """Photographs of one paper become one PDF."""
    photos = request.FILES.getlist("photos")
    result = _take_in_pages(request, photos) if photos else None
    if request.headers.get("Accept") == "application/json" and result:
        return JsonResponse({"results": [_told(request, result)]}, status=422 if result.problem else 200)
    if result and result.document:
        messages.success(request, _("The photos are in, as one PDF."))
        return redirect("document", request.administration.pk, result.document.pk)
    context = {
        "here": request.administration,
        "most": MOST_PAGES,
        "refused": (result.filename, upload_problem(result.problem)) if result else None,
        "nothing_chosen": request.method == "POST" and not photos,
    }
    return render(request, "documents/upload_pages.html", context, status=422 if request.method == "POST" else 200)


def _take_in_pages(request: AdministrationRequest, photos: list[UploadedFile]) -> Result:
    name = _("Photos") + f" {timezone.localtime():%Y-%m-%d %H.%M}.pdf"
    result = take_in_pages(request.administration.pk, photos, request.user, name)
    if result.document:
        transaction.on_commit(partial(queue_preparation, request.administration.pk, [result.document]))
    return result


def _take_in(request: AdministrationRequest) -> list[Result]:
    results = take_in(request.administration.pk, request.FILES.getlist("files"), request.user)
    documents = [result.document for result in results if result.document]
    transaction.on_commit(partial(queue_preparation, request.administration.pk, documents))
    return results


def _told(request: AdministrationRequest, result: Result) -> dict[str, Any]:
    document = result.document
    if document is None:
        text, again = upload_problem(result.problem), result.problem in PASSES
        return {"filename": result.filename, "url": None, "text": text, "again": again}
    known = twin_of(document, visible_documents(request.user, request.role))
    text = _("Uploaded. We already have this file: possibly duplicate.") if known else _("Uploaded")
    url = reverse("document", args=[request.administration.pk, document.pk])
    return {"filename": document.filename, "url": url, "text": text}
