"""Notes at a document: who may write, read and take away, and where they go along."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from documents import moving, notes
from documents.models import Document, Note
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.trail import told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]


def write(client: Client, document: Document, text: str, **more: Any) -> Any:
    return client.post(reverse("document-note", args=[document.administration_id, document.pk]), {"note": text}, **more)


def shown(client: Client, document: Document) -> list[tuple[str, str]]:
    page = client.get(reverse("document", args=[document.administration_id, document.pk])).content.decode()
    return re.findall(r'<span class="grow">(.*?) <span class="muted">([^,]*),', page)


def counted(client: Client, document: Document) -> str:
    page = client.get(reverse("documents", args=[document.administration_id])).content.decode()
    found = re.search(rf'id="notes-{document.pk}"( hidden)?>.*?</svg> *(\d*)', page, re.DOTALL)
    assert found
    return found[2]


def test_a_note_stands_at_the_document_and_is_counted_in_its_row(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document, gerda, bert = shelf.document(), signed_in(cast.gerda), signed_in(cast.bert)
    assert counted(gerda, document) == "0"
    write(gerda, document, "  Wacht op\nakkoord <b> ")
    write(bert, document, "Akkoord")
    lines = [("Wacht op akkoord &lt;b&gt;", "Gerda Bakker"), ("Akkoord", "Bert de Vries")]
    assert shown(gerda, document) == lines
    assert counted(gerda, document) == "2"
    assert told(cast.bakery) == [
        (name, "document.note_written", document.filename) for name in ("Gerda Bakker", "Bert de Vries")
    ]


def test_only_who_wrote_it_takes_it_away(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document()
    with administration_scope(cast.bakery.pk):
        note = notes.write(document, "Wacht", cast.gerda)
    there = reverse("document-note-delete", args=[cast.bakery.pk, document.pk, note.pk])
    gerda = signed_in(cast.gerda)
    signed_in(cast.anna).post(there)
    assert shown(gerda, document) == [("Wacht", "Gerda Bakker")]
    for _ in range(2):
        gerda.post(there)
    assert shown(gerda, document) == []
    assert [code for _, code, _ in told(cast.bakery)] == ["document.note_written", "document.note_deleted"]


def test_a_script_gets_the_notes_and_the_count_of_the_row(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document, gerda = shelf.document(), signed_in(cast.gerda)
    page = write(gerda, document, "Wacht", headers={"HX-Request": "true"}).content.decode()
    assert ("<html" in page, "Wacht" in page, f'id="notes-{document.pk}" hx-swap-oob="true"' in page) == (
        False, True, True,
    )  # fmt: skip
    answer = write(gerda, document, " \n ", headers={"HX-Request": "true"})
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (422, True)
    assert write(gerda, document, "x" * 501, headers={"HX-Request": "true"}).status_code == 422


def test_a_submitter_sees_no_notes(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document = shelf.document(uploaded_by=cast.arie)
    write(signed_in(cast.gerda), document, "Bel Arie")
    page = signed_in(cast.arie).get(reverse("document", args=[cast.bakery.pk, document.pk])).content.decode()
    assert "Bel Arie" not in page


def test_both_halves_of_an_invoice_have_the_same_notes(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    xml = shelf.document(b"<x/>", content_type="application/xml", filename="f.xml")
    paper = shelf.document(filename="f.pdf")
    with administration_scope(cast.bakery.pk):
        Document.objects.filter(pk=xml.pk).update(companion=paper)
        Document.objects.filter(pk=paper.pk).update(companion=xml)
    gerda = signed_in(cast.gerda)
    write(gerda, xml, "Wacht")
    assert (shown(gerda, paper), counted(gerda, paper)) == ([("Wacht", "Gerda Bakker")], "1")


def test_notes_go_along_when_a_document_moves_and_comes_back(cast: Cast, shelf: Shelf) -> None:
    document, here, there = shelf.document(), cast.bakery, cast.basic
    with administration_scope(here.pk):
        notes.write(document, "een", cast.gerda)
    for text in ("twee", "drie"):
        with administration_scope(here.pk):
            (arrived,) = moving.move(list(Document.objects.filter(deleted_at=None)), here, there, cast.anna).arrived
        here, there = there, here
        with administration_scope(here.pk):
            notes.write(arrived, text, cast.anna)
    with administration_scope(cast.bakery.pk):
        found = Note.objects.filter(document=document).values_list("text", "author__name")
        assert list(found) == [("een", "Gerda Bakker"), ("twee", "Anna Jansen"), ("drie", "Anna Jansen")]


def test_nobody_writes_at_a_document_of_another_office(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    document, client = shelf.document(), signed_in(cast.charlie)
    assert client.post(reverse("document-note", args=[cast.foreign.pk, document.pk]), {"note": "x"}).status_code == 404
