"""Turns ids of an address or a form into documents that this person may see; everything else is 404."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from administrations.access import AdministrationRequest
from documents.forms import FilterForm, channel_asked_for
from documents.listing import filters_for
from documents.models import Document
from documents.moments import moment_from_text
from documents.queries import Selection, chosen, selection, visible_documents

MOST_AT_ONCE = 500
#: what is acted on in one request, of all that a filter finds
MOST_FOUND = 2_000


def visible_document(request: AdministrationRequest, document_id: UUID) -> Document:
    rows = visible_documents(request.user, request.role)
    return get_object_or_404(rows.select_related("email", "einvoice", "uploaded_by", "question"), pk=document_id)


def place_inside(request: HttpRequest) -> int | None:
    """Which PDF of an e-invoice the address asks for; None when it does not."""
    given = request.GET.get("inside", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 3 else None


def chosen_documents(request: AdministrationRequest) -> list[Document]:
    """The ticked ones, each with the other half of its invoice; all that the filter finds, when the form says so."""
    try:
        ids = [UUID(key) for key in request.POST.getlist("ids")[:MOST_AT_ONCE]]
    except ValueError as wrong:
        raise Http404 from wrong
    if request.POST.get("found"):
        ids += found(request, QueryDict(request.POST.get("filters", "")), request.POST.get("before", "")).ids
    rows = visible_documents(request.user, request.role)
    halves: dict[UUID, Document] = {}
    for start in range(0, len(ids), MOST_AT_ONCE):  # databases bound the number of parameters
        halves |= {one.pk: one for one in chosen(rows, ids[start : start + MOST_AT_ONCE])}
    return list(halves.values())


def why_none(request: HttpRequest) -> str:
    """For a button that has nothing to do: nothing was ticked, or what was ticked is gone."""
    if request.POST.get("ids") or request.POST.get("found"):
        return _("That is not there any more: it was deleted or moved meanwhile.")
    return _("Select the documents first.")


def found(request: AdministrationRequest, asked: QueryDict, until: str) -> Selection:
    """Of the lines that a filter finds, the newest MOST_FOUND; none that came after the list was made."""
    rows, moment = visible_documents(request.user, request.role), moment_from_text(until)
    if moment is None:
        return Selection([])
    filters = filters_for(request.role, FilterForm(asked, channel_asked_for(asked)))
    return selection(rows.filter(received_at__lte=moment), filters, MOST_FOUND)
