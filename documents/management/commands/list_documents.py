"""Every document of an administration, oldest first, one JSON object a line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from administrations.models import Administration
from documents.einvoices import read_waiting
from documents.models import Document, einvoice_of
from documents.pane import shown_of
from documents.queries import for_operators
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.scoping import administration_scope


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--administration", type=UUID, required=True, metavar="UUID")

    def handle(self, *args: Any, administration: UUID, **options: Any) -> None:
        if not Administration.objects.filter(pk=administration).exists():
            raise OperatorError("not_found", f"There is no administration {administration}.")
        with administration_scope(administration):
            read_waiting(only=administration)
            for document in for_operators().iterator(chunk_size=500):
                self.say(_line(document))


def _line(document: Document) -> dict[str, Any]:
    email = document.email
    return {
        "document": document.pk,
        "filename": document.filename,
        "content_type": document.content_type,
        "size": document.size,
        "sha256": document.sha256,
        "kind": document.kind,
        "email": None
        if email is None
        else {
            "message_id": email.message_id,
            "subject": email.subject,
            "sender": email.sender_address,
            "sha256": email.raw_sha256,
        },
        "channel": document.source_id,
        "duplicate_of": document.duplicate_of_id,
        "received_at": document.received_at.isoformat(),
        "einvoice": _einvoice(document),
        "shown": shown_of(document),
        "defects": document.defects,
    }


def _einvoice(document: Document) -> dict[str, Any] | None:
    read = einvoice_of(document)
    if read is None or read.problem:
        return None
    return {
        "syntax": read.syntax,
        "number": read.number,
        "supplier": read.supplier,
        "date": read.issued.isoformat() if read.issued else None,
        "currency": read.currency,
        "total": None if read.amount is None else f"{read.amount:.2f}",
    }
