"""Turns ids of an address or a form into documents that this person may see; everything else is 404."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from administrations.access import AdministrationRequest
from documents.models import Document
from documents.queries import chosen, visible_documents

MOST_AT_ONCE = 500


def visible_document(request: AdministrationRequest, document_id: UUID) -> Document:
    rows = visible_documents(request.user, request.role)
    return get_object_or_404(rows.select_related("email", "einvoice", "uploaded_by"), pk=document_id)


def place_inside(request: HttpRequest) -> int | None:
    """Which PDF of an e-invoice the address asks for; None when it does not."""
    given = request.GET.get("inside", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 3 else None


def chosen_documents(request: AdministrationRequest) -> list[Document]:
    try:
        ids = [UUID(key) for key in request.POST.getlist("ids")[:MOST_AT_ONCE]]
    except ValueError as wrong:
        raise Http404 from wrong
    return chosen(visible_documents(request.user, request.role), ids)
