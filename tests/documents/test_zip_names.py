"""Names in a ZIP by the parts that a person chose."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from administrations.models import User
from documents import einvoices, zip_names
from documents.models import Document
from documents.zip_names import Part
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.files import invoice
from zenvoices.lib.scoping import administration_scope

SignIn = Callable[[User], Client]
EVERYTHING = [Part.DATE, Part.SUPPLIER, Part.NUMBER, Part.SENDER, Part.FILENAME]


def named(document: Document, *parts: Part) -> str:
    with administration_scope(document.administration_id):
        return zip_names.names([Document.objects.get(pk=document.pk)], parts)[0]


def unzipped(answer: Any) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        return sorted(archive.namelist())


def test_an_e_invoice_says_supplier_number_and_date(shelf: Shelf) -> None:
    document = shelf.document(invoice("peppol-invoice"), email=shelf.email(), filename="f.xml", content_type="text/xml")
    with administration_scope(document.administration_id):
        read = einvoices.read(document)
    assert read
    assert named(document, *EVERYTHING) == f"{read.issued} {read.supplier} {read.number} Meelfabriek f.xml"


def test_other_documents_are_called_after_their_mail_and_file(shelf: Shelf) -> None:
    mailed = shelf.document(email=shelf.email(), filename="Factuur 12.pdf")
    assert named(mailed, *EVERYTHING) == "2026-11-22 Meelfabriek Factuur 12.pdf"
    assert named(mailed, Part.SUPPLIER, Part.NUMBER) == "Meelfabriek Factuur 12.pdf"
    uploaded = shelf.document(filename="bon.pdf")
    assert named(uploaded, Part.SENDER) == "bon.pdf"
    assert named(uploaded, Part.DATE) == "2026-11-22.pdf"


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd.pdf"),
        ('Meel: "bakker" <x>', "Meel_ _bakker_ _x_.pdf"),
        ("CON", "_CON.pdf"),
        ("bol.com", "bol.com.pdf"),
        ("Meel B.V.", "Meel B.V.pdf"),
        ("x" * 300, "x" * 251 + ".pdf"),
    ],
)
def test_whatever_a_sender_calls_itself_the_name_is_safe(shelf: Shelf, sender: str, name: str) -> None:
    assert named(shelf.document(email=shelf.email(sender_name=sender)), Part.SENDER) == name


def test_the_choice_is_kept_for_the_person(cast: Cast, shelf: Shelf, signed_in: SignIn) -> None:
    chosen = [shelf.document(email=shelf.email(), filename=f"{number}.pdf").pk for number in (1, 2)]
    names, download = (reverse(name, args=[cast.bakery.pk]) for name in ("documents-zip-names", "documents-zip"))
    gerda, bert = signed_in(cast.gerda), signed_in(cast.bert)
    gerda.post(names, {"part_1": "date", "part_2": "sender", "part_3": "date"})

    assert unzipped(gerda.post(download, {"ids": chosen})) == [
        "2026-11-22 Meelfabriek (2).pdf", "2026-11-22 Meelfabriek.pdf",
    ]  # fmt: skip
    assert unzipped(bert.post(download, {"ids": chosen})) == ["1.pdf", "2.pdf"]
    assert '<option value="sender" selected>' in gerda.get(names).content.decode()
    assert gerda.post(names, {"part_1": "nonsense"}).status_code == 422
    gerda.post(names, {"part_1": ""})
    assert unzipped(gerda.post(download, {"ids": chosen})) == ["1.pdf", "2.pdf"]


@pytest.mark.parametrize("parts", [[Part.SUPPLIER, Part.NUMBER, Part.DATE]])
def test_many_cost_as_many_queries_as_one(
    shelf: Shelf, parts: Sequence[Part], django_assert_num_queries: Callable[[int], Any]
) -> None:
    made = [shelf.document(email=shelf.email()) for _ in range(5)]
    with administration_scope(shelf.administration_id):
        found = list(Document.objects.filter(pk__in=[one.pk for one in made]))
        with django_assert_num_queries(2):  # their mails and their e-invoices
            zip_names.names(found, parts)
