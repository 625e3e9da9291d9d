"""Notes at a document: lines of the people who work on it. Those of a PDF and its XML are one list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from administrations import audit
from administrations.models import Administration, User
from documents.models import Document, Note
from zenvoices.lib.fields import NameField
from zenvoices.lib.scoping import administration_scope


class NoteForm(forms.Form):
    note = NameField(label=_("Note"), max_length=500)


def notes_of(document: Document) -> list[Note]:
    """Oldest first."""
    return list(Note.objects.filter(document__in=_halves(document)).select_related("author"))


@transaction.atomic
def write(document: Document, text: str, by: User) -> Note:
    place = Administration.objects.get(pk=document.administration_id)
    audit.note("document.note_written", place, document, by=by)
    return Note.objects.create(administration=place, document=document, author=by, text=text)


@transaction.atomic
def take_away(document: Document, note_id: UUID, by: User) -> None:
    """Nothing when it is gone already, or somebody else's."""
    gone, _each = Note.objects.filter(pk=note_id, document__in=_halves(document), author=by).delete()
    if gone:
        place = Administration.objects.get(pk=document.administration_id)
        audit.note("document.note_deleted", place, document, by=by)


def count_at(documents: Iterable[Document]) -> None:
    """Sets `note_count` of each, both halves of an invoice together, in one query."""
    halves = {document: _halves(document) for document in documents}
    wanted = [key for keys in halves.values() for key in keys]
    written = Counter(Note.objects.filter(document__in=wanted).order_by().values_list("document_id", flat=True))
    for document, keys in halves.items():
        document.note_count = sum(written[key] for key in keys)  # type: ignore[attr-defined]


def carry(here: UUID, arrived: Mapping[UUID, Document]) -> None:
    """With documents that moved from `here`, by what they were there; in the scope where they went."""
    with administration_scope(here):
        notes = list(Note.objects.filter(document__in=list(arrived)))
    Note.objects.filter(document__in=[document.pk for document in arrived.values()]).delete()
    for note in notes:
        there = arrived[note.document_id]
        note.pk, note.document, note.administration_id = uuid4(), there, there.administration_id
    Note.objects.bulk_create(notes)


def _halves(document: Document) -> list[Any]:
    return [key for key in (document.pk, document.companion_id) if key]
