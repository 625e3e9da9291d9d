"""The audit trail of documents: deleted, brought back and taken along. Looking is no line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import User
from documents.models import Document, Email
from documents.services import UPLOAD, add_document
from documents.storage import put_bytes
from tests.cast import Cast
from tests.documents.files import pdf
from tests.trail import told
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]


def kept(cast: Cast, filename: str, email: Email | None = None) -> Document:
    data = pdf(filename)
    with administration_scope(cast.bakery.pk):
        sha256 = put_bytes(cast.bakery.pk, data)
        facts: dict[str, Any] = {"kind": "attachment", "content_type": "application/pdf", "received_at": timezone.now()}
        return add_document(
            cast.bakery.pk, origin=UPLOAD, email=email, filename=filename, size=len(data), sha256=sha256, **facts
        )


def by_gerda(*lines: tuple[str, str]) -> list[tuple[str, str, str]]:
    return [("Gerda Bakker", code, name) for code, name in lines]


def test_deleted_and_brought_back(cast: Cast, signed_in: SignIn) -> None:
    gerda, one, two = signed_in(cast.gerda), kept(cast, "een.pdf"), kept(cast, "twee.pdf")
    for _ in range(2):  # what is deleted already is not deleted again
        gerda.post(reverse("documents-delete", args=[cast.bakery.pk]), {"ids": [one.pk, two.pk]})
    with administration_scope(cast.bakery.pk):
        one.refresh_from_db()
    moment = reverse("documents-restore", args=[cast.bakery.pk, str(int(one.deleted_at.timestamp() * 1_000_000))])
    gerda.post(moment)
    lines = told(cast.bakery)
    assert sorted(lines[:2]) == by_gerda(("document.deleted", "een.pdf"), ("document.deleted", "twee.pdf"))
    assert sorted(lines[2:]) == by_gerda(("document.restored", "een.pdf"), ("document.restored", "twee.pdf"))


@pytest.mark.proof
def test_downloads_are_told_and_looking_is_not(cast: Cast, signed_in: SignIn) -> None:
    with administration_scope(cast.bakery.pk):
        raw = put_bytes(cast.bakery.pk, b"Subject: Factuur\r\n\r\nHierbij.")
        email = Email.objects.create(administration=cast.bakery, subject="Factuur 12", raw_sha256=raw, raw_size=1)
    gerda, found = signed_in(cast.gerda), kept(cast, "factuur.pdf", email)
    here = [cast.bakery.pk, found.pk]
    for name in ("document", "document-preview", "document-looks", "document-body"):
        gerda.get(reverse(name, args=here))
    gerda.get(reverse("documents", args=[cast.bakery.pk]))
    gerda.get(reverse("document-page", args=[*here, 1, 160]))
    gerda.head(reverse("document-download", args=here))
    assert told(cast.bakery) == []
    for name in ("document-download", "document-email-file", "document-email-pdf"):
        gerda.get(reverse(name, args=here))
    gerda.post(reverse("documents-zip", args=[cast.bakery.pk]), {"ids": [found.pk]})
    assert told(cast.bakery) == by_gerda(
        ("document.downloaded", "factuur.pdf"),
        ("email.downloaded", "Factuur 12"),
        ("email.downloaded", "Factuur 12"),
        ("document.zipped", "factuur.pdf"),
    )
