"""Uploaden & Inlezen: the list, one document beside it, deleting and bringing back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
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
from documents import services
from documents.forms import FilterForm
from documents.models import Document
from documents.opening import chosen_documents, place_inside, visible_document
from documents.pane import pane, prepare
from documents.queries import (
    Place,
    inbox,
    moment_from_text,
    moment_to_text,
    sources,
    visible_documents,
)
from documents.uploads import ACCEPT
from zenvoices.lib.own_addresses import own_path


@require_safe
@administration_view(Role.SUBMITTER)
def documents(request: AdministrationRequest) -> HttpResponse:
    target = _target(request)
    if target in ("inbox-list", "older"):
        template = "documents/_list.html" if target == "inbox-list" else "documents/_rows.html"
        return _varied(render(request, template, _list(request)))
    return _varied(render(request, "documents/documents.html", _whole_page(request, None)))


@require_safe
@administration_view(Role.SUBMITTER)
def document(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    found = visible_document(request, document_id)
    if _target(request) == "reading":
        context = _common(request) | _pane(request, found) | {"opened": True}
        return _varied(render(request, "documents/_document.html", context))
    return _varied(render(request, "documents/documents.html", _whole_page(request, found)))


@require_safe
@administration_view(Role.SUBMITTER)
def preview_pages(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """A document that nobody looked at before: this reads its e-invoice and draws the first page."""
    found = visible_document(request, document_id)
    prepare(found)
    again = visible_document(request, document_id)
    context = _common(request) | pane(again, _visible(request), "", draw=True, inside=place_inside(request))
    if context["shown"] == "unknown":  # too many are drawn at once: the page asks again by itself
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    return render(request, "documents/_shown.html", context)


@require_safe
@administration_view(Role.SUBMITTER)
def mail_looks(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """What a mail says, of which nobody knows yet how it looked: this makes its page."""
    context = pane(visible_document(request, document_id), _visible(request), "email", draw=True)
    if context["email"] is None:
        raise Http404
    if context["looks"] is None:
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    return render(request, "documents/_mail_looks.html", _common(request) | context)


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
        messages.info(request, _("Select the documents first."))
    return redirect(_back(request))


@require_POST
@administration_view(Role.USER)
def restore(request: AdministrationRequest, moment: str) -> HttpResponse:
    deleted_at = moment_from_text(moment)
    together = deleted_at is not None and services.deleted_together(deleted_at)
    count = services.restore_documents(deleted_at, request.user) if deleted_at else 0
    if not count:
        raise Http404
    text = ngettext("%(count)d document is back", "%(count)d documents are back", count) % {"count": count}
    messages.success(request, f"{text}. {_together()}" if together else text)
    return redirect("documents", request.administration.pk)


def _together() -> str:
    return _("An invoice's PDF and XML go together.")


def _target(request: HttpRequest) -> str:
    """The part of the page that htmx asks for; "" for a whole page, also when htmx restores history."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return htmx.target or "" if htmx and not htmx.history_restore_request else ""


def _varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _back(request: AdministrationRequest) -> str:
    """The list as it was filtered, when the form says so."""
    there = own_path(request.POST.get("next", ""))
    home = reverse("documents", args=[request.administration.pk])
    return there if there.startswith(home) else home


def _common(request: AdministrationRequest) -> dict[str, Any]:
    """What rows and pane both need: the filters travel along in every address."""
    kept = request.GET.copy()
    for name in ("older", "tab", "inside"):
        kept.pop(name, None)
    query = kept.urlencode()
    return {
        "here": request.administration,
        "may_delete": may(request.role, Role.USER),
        "query": f"?{query}" if query else "",
        "list_url": reverse("documents", args=[request.administration.pk]) + (f"?{query}" if query else ""),
    }


def _visible(request: AdministrationRequest) -> QuerySet[Document]:
    return visible_documents(request.user, request.role)


def _list(request: AdministrationRequest) -> dict[str, Any]:
    rows = _visible(request)
    named = sources(rows)
    form = FilterForm(request.GET, named)
    filters = form.filters()
    after = Place.read(request.GET.get("older", ""))
    page = inbox(rows, filters, after)
    return _common(request) | {
        "form": form,
        "filters": filters,
        "sources": named,
        "page": page,
        "is_continued": after is not None,
    }


def _whole_page(request: AdministrationRequest, opened: Document | None) -> dict[str, Any]:
    """Beside the list stands the opened document, else the newest; a phone shows the newest only when opened."""
    context = _list(request)
    beside = opened or next(iter(context["page"].documents), None)
    context |= {"opened": opened is not None, "accept": ACCEPT, "selected": beside}
    return context | (_pane(request, beside) if beside else {})


def _pane(request: AdministrationRequest, found: Document) -> dict[str, Any]:
    return pane(found, _visible(request), request.GET.get("tab", ""), inside=place_inside(request))
