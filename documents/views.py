"""Uploaden & Inlezen: the list, one document beside it, deleting and bringing back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from administrations.access import AdministrationRequest, administration_view, may
from administrations.models import Role
from administrations.templatetags.frame import UNDO
from documents import services, worklist
from documents.listing import common, counts, listing, visible
from documents.models import Document
from documents.moments import moment_from_text, moment_to_text
from documents.opening import chosen_documents, place_inside, visible_document, why_none
from documents.pane import pane, prepare
from documents.queries import is_deleted
from documents.uploads import ACCEPT
from zenvoices.lib.own_addresses import own_path

#: what htmx asks for, by its target
_PARTS = {
    "inbox-list": "documents/_list.html",
    "older": "documents/_rows.html",
    "arrived": "documents/_arrived_rows.html",
}


@require_safe
@administration_view(Role.SUBMITTER)
def documents(request: AdministrationRequest) -> HttpResponse:
    if template := _PARTS.get(_target(request)):
        return _varied(_part(request, template))
    return _varied(render(request, "documents/documents.html", _whole_page(request, None)))


@require_safe
@administration_view(Role.SUBMITTER)
def document(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    try:
        found = visible_document(request, document_id)
    except Http404:
        if request.htmx or not is_deleted(document_id, request.user, request.role):  # type: ignore[attr-defined]
            raise
        messages.warning(request, _("This document was deleted or moved meanwhile."))
        return redirect("documents", request.administration.pk)
    if may(request.role, Role.USER) and request.method == "GET" and not _is_fetched_ahead(request):
        worklist.opened(found)
    if _target(request) == "reading":
        context = common(request) | _pane(request, found) | {"opened": True}
        context |= {"counts": counts(request), "is_part": True}
        return _varied(render(request, "documents/_document.html", context))
    return _varied(render(request, "documents/documents.html", _whole_page(request, found)))


@require_safe
@administration_view(Role.SUBMITTER)
def preview_pages(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """A document that nobody looked at before: this reads its e-invoice and draws the first page."""
    found = visible_document(request, document_id)
    prepare(found)
    again = visible_document(request, document_id)
    context = common(request) | pane(again, visible(request), "", draw=True, inside=place_inside(request))
    if context["shown"] == "unknown":  # too many are drawn at once: the page asks again by itself
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    return render(request, "documents/_shown.html", context)


@require_safe
@administration_view(Role.SUBMITTER)
def mail_looks(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """What a mail says, of which nobody knows yet how it looked: this makes its page."""
    context = pane(visible_document(request, document_id), visible(request), "email", draw=True)
    if context["email"] is None:
        raise Http404
    if context["looks"] is None:
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    return render(request, "documents/_mail_looks.html", common(request) | context)


@require_POST
@administration_view(Role.USER)
def delete(request: AdministrationRequest) -> HttpResponse:
    found = chosen_documents(request)
    if found:
        moment = services.delete_documents(found, request.user)
        undo = reverse("documents-restore", args=[request.administration.pk, moment_to_text(moment)])
        count = len(found)
        text = ngettext("%(count)d document deleted", "%(count)d documents deleted", count) % {"count": count}
        if services.deleted_together(moment):
            text = f"{text}. {_together()}"
        messages.success(request, text, extra_tags=UNDO + undo)
    else:
        messages.info(request, why_none(request))
    return redirect(back(request))


@require_POST
@administration_view(Role.USER)
def restore(request: AdministrationRequest, moment: str) -> HttpResponse:
    deleted_at = moment_from_text(moment)
    if deleted_at is None:
        raise Http404
    together = services.deleted_together(deleted_at)
    count = services.restore_documents(deleted_at, request.user)
    if not count:
        return too_late(request)
    text = ngettext("%(count)d document is back", "%(count)d documents are back", count) % {"count": count}
    messages.success(request, f"{text}. {_together()}" if together else text)
    return redirect("documents", request.administration.pk)


def _together() -> str:
    return _("An invoice's PDF and XML go together.")


def _target(request: HttpRequest) -> str:
    """The part of the page that htmx asks for; "" for a whole page, also when htmx restores history."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return htmx.target or "" if htmx and not htmx.history_restore_request else ""


def _part(request: AdministrationRequest, template: str) -> HttpResponse:
    context = listing(request) | {"is_part": True}
    if template == _PARTS["arrived"] and context["page"].older:  # more than fit on top of what is shown
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, template, context)


def _is_fetched_ahead(request: HttpRequest) -> bool:
    """By a browser that guesses where somebody will click; nobody looks at it yet."""
    return "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))


def _varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def too_late(request: AdministrationRequest) -> HttpResponse:
    """For what was undone already, or can no longer be."""
    messages.info(request, _("There is nothing left to undo."))
    return redirect("documents", request.administration.pk)


def back(request: AdministrationRequest) -> str:
    """The list as it was filtered, when the form says so."""
    there = own_path(request.POST.get("next", ""))
    home = reverse("documents", args=[request.administration.pk])
    return there if there.startswith(home) else home


def _whole_page(request: AdministrationRequest, opened: Document | None) -> dict[str, Any]:
    """Beside the list stands the opened document, else the newest; a phone shows the newest only when opened."""
    context = listing(request)
    beside = opened or next(iter(context["page"].documents), None)
    context |= {"opened": opened is not None, "accept": ACCEPT, "selected": beside}
    return context | (_pane(request, beside) if beside else {})


def _pane(request: AdministrationRequest, found: Document) -> dict[str, Any]:
    return pane(found, visible(request), request.GET.get("tab", ""), inside=place_inside(request))
