from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from documents import services as documents
from documents.models import Document, Email
from documents.services import Origin, add_document, add_emails, delete_documents, pair_saved, restore_documents
from tests.cast import Cast
from zenvoices.lib.scoping import administration_scope

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def new_email(cast: Cast, **changes: Any) -> Email:
    facts: dict[str, Any] = {
        "origin": Origin(uuid4(), "facturen@devries.test", uuid4()),
        "raw_sha256": "e" * 64,
        "raw_size": 10,
        "message_id": "<1@test>",
        "subject": "Factuur 2026-114",
        "sender_name": "Meelfabriek",
        "sender_address": "facturen@meel.test",
        "recipients": "facturen@devries.test",
        "sent_at": NOON,
        "text": "Hierbij de factuur.",
        "received_at": NOON,
    }
    (email,) = add_emails([documents.new_email(cast.bakery.pk, **(facts | changes))])
    return email


def new_document(cast: Cast, **changes: Any) -> Document:
    facts: dict[str, Any] = {
        "origin": Origin(),
        "email": None,
        "kind": Document.Kind.ATTACHMENT,
        "filename": "factuur.pdf",
        "content_type": "application/pdf",
        "size": 3,
        "sha256": "a" * 64,
        "received_at": NOON,
    }
    return add_document(cast.bakery.pk, **(facts | changes))


def test_add_email_cuts_to_the_columns_and_drops_what_a_database_refuses(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        email = new_email(
            cast,
            origin=Origin(None, "k" * 200, None),
            message_id="m" * 2000,
            subject="Factuur\x00 \ud800",
            sender_address="a" * 400,
        )
        email.refresh_from_db()

    assert (len(email.source_name), len(email.message_id), len(email.sender_address)) == (120, 998, 320)
    assert email.subject == "Factuur ?"


def test_the_second_document_with_the_same_bytes_names_the_first(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        first = new_document(cast)
        second = new_document(cast, received_at=NOON + timedelta(hours=1))
        third = new_document(cast, received_at=NOON + timedelta(hours=2))

    assert [first.duplicate_of, second.duplicate_of, third.duplicate_of] == [None, first, first]


def test_a_deleted_document_or_one_of_another_administration_is_no_original(cast: Cast) -> None:
    with administration_scope(cast.foreign.pk):
        add_document(
            cast.foreign.pk,
            origin=Origin(),
            email=None,
            kind="upload",
            filename="x.pdf",
            content_type="application/pdf",
            size=3,
            sha256="a" * 64,
            received_at=NOON,
        )
    with administration_scope(cast.bakery.pk):
        delete_documents([new_document(cast)], cast.gerda)
        assert new_document(cast).duplicate_of is None


def test_an_xml_and_a_pdf_with_the_same_stem_are_companions(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        email = new_email(cast)
        pdf = new_document(cast, email=email, part_path="2", filename="Factuur-1.PDF")
        other = new_document(cast, email=email, part_path="3", filename="voorwaarden.pdf", sha256="b" * 64)
        xml = new_document(cast, email=email, part_path="4", filename="factuur-1.xml", content_type="application/xml")
        pair_saved([pdf, other, xml])

        found = {one.filename: one.companion for one in Document.objects.all()}
    assert found == {"Factuur-1.PDF": xml, "factuur-1.xml": pdf, "voorwaarden.pdf": None}


def test_the_only_xml_and_the_only_pdf_are_no_companions_before_the_xml_was_read(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        email = new_email(cast)
        pdf = new_document(cast, email=email, part_path="2")
        xml = new_document(cast, email=email, part_path="3", filename="ubl.xml", content_type="application/xml")
        pair_saved([xml, pdf])

    assert (pdf.companion, xml.companion) == (None, None)


@pytest.mark.parametrize("names", [["a.pdf", "b.pdf", "c.xml"], ["a.pdf"], ["a.xml", "b.xml", "c.pdf"], []])
def test_what_may_be_anything_is_left_alone(cast: Cast, names: list[str]) -> None:
    with administration_scope(cast.bakery.pk):
        email = new_email(cast)
        made = [
            new_document(
                cast,
                email=email,
                part_path=str(number),
                filename=name,
                content_type="application/pdf" if name.endswith("pdf") else "application/xml",
            )
            for number, name in enumerate(names)
        ]
        pair_saved(made)

    assert [one.companion for one in made] == [None] * len(names)


def test_deleting_can_be_undone(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        kept, gone = new_document(cast), new_document(cast)
        before = delete_documents([new_document(cast)], cast.gerda)
        moment = delete_documents([gone], cast.gerda)

        assert list(Document.objects.filter(deleted_at=None)) == [kept]
        assert restore_documents(moment, cast.gerda) == 1
        assert set(Document.objects.filter(deleted_at=None)) == {kept, gone}
        assert Document.objects.filter(deleted_at=before).count() == 1
