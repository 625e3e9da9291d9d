from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from documents import storage, tasks
from documents.models import Document, Email
from documents.services import Origin, add_document, add_emails, new_email
from tests.cast import Cast
from tests.documents.files import pdf
from zenvoices.lib.scoping import administration_scope

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNEL = UUID("aaaaaaaa-0000-4000-8000-000000000001")


class Shelf:
    """Puts mails and documents into one administration, each an hour older than the one before."""

    def __init__(self, administration_id: UUID) -> None:
        self.administration_id = administration_id
        self.count = 0

    def email(self, **changes: Any) -> Email:
        raw = changes.pop("raw", b"Subject: Factuur\r\n\r\nHierbij.")
        facts: dict[str, Any] = {
            "origin": Origin(CHANNEL, "facturen@devries.test", uuid4()),
            "raw_size": len(raw),
            "message_id": f"<{uuid4()}@meel.test>",
            "subject": "Factuur november",
            "sender_name": "Meelfabriek",
            "sender_address": "facturen@meel.test",
            "recipients": "facturen@devries.test",
            "sent_at": NOON,
            "text": "Hierbij de factuur.",
            "received_at": NOON,
        }
        with administration_scope(self.administration_id):
            sha256 = storage.put_bytes(self.administration_id, raw)
            (email,) = add_emails([new_email(self.administration_id, raw_sha256=sha256, **(facts | changes))])
            return email

    def document(self, data: bytes = b"", **changes: Any) -> Document:
        self.count += 1
        data = data or pdf(f"Factuur {self.count}")
        email = changes.get("email")
        facts: dict[str, Any] = {
            "origin": Origin(email.source_id, email.source_name, email.source_run_id) if email else Origin(),
            "email": None,
            "kind": "attachment" if email else "upload",
            "filename": f"factuur-{self.count}.pdf",
            "content_type": "application/pdf",
            "part_path": str(self.count),
            "received_at": NOON - timedelta(hours=self.count),
        }
        with administration_scope(self.administration_id):
            sha256 = storage.put_bytes(self.administration_id, data)
            return add_document(self.administration_id, sha256=sha256, size=len(data), **(facts | changes))


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def shelf(cast: Cast) -> Shelf:
    return Shelf(cast.bakery.pk)


@pytest.fixture
def foreign_shelf(cast: Cast) -> Shelf:
    return Shelf(cast.foreign.pk)


@pytest.fixture
def find(cast: Cast) -> Callable[[Document], Document]:
    def again(document: Document) -> Document:
        with administration_scope(document.administration_id):
            return Document.objects.get(pk=document.pk)

    return again


@pytest.fixture
def worked_at_once() -> Iterator[None]:
    """What is queued is done at once."""
    conf = tasks.prepare.app.conf
    conf.task_always_eager = conf.task_eager_propagates = True
    yield
    conf.task_always_eager = conf.task_eager_propagates = False
