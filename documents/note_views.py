"""Writing a note at a document, and taking one's own away."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents import notes
from documents.listing import common
from documents.models import Document
from documents.opening import visible_document


@require_POST
@administration_view(Role.USER)
def write(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    document = visible_document(request, document_id)
    form = notes.NoteForm(request.POST)
    if form.is_valid():
        notes.write(document, form.cleaned_data["note"], request.user)
        form = notes.NoteForm()
    return _answer(request, document, form)


@require_POST
@administration_view(Role.USER)
def take_away(request: AdministrationRequest, document_id: UUID, note_id: UUID) -> HttpResponse:
    document = visible_document(request, document_id)
    notes.take_away(document, note_id, request.user)
    return _answer(request, document, notes.NoteForm())


def _answer(request: AdministrationRequest, document: Document, form: notes.NoteForm) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("document", request.administration.pk, document.pk)
    context = {"document": document, "notes": notes.notes_of(document), "note_form": form, "is_answer": True}
    return render(request, "documents/_notes.html", common(request) | context, status=422 if form.errors else 200)
