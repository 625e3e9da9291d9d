"""Reads the e-invoices of documents that were not read yet; may be stopped and run again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser
from django.utils import timezone

from administrations import audit
from administrations.models import Administration
from documents.einvoices import read_waiting
from zenvoices.lib.commands import OperatorCommand, OperatorError


class Command(OperatorCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--administration", type=UUID, metavar="UUID", help="of this one only")
        parser.add_argument("--again", action="store_true", help="also those that were read before")

    def handle(self, *args: Any, administration: UUID | None, again: bool, **options: Any) -> None:
        place = Administration.objects.filter(pk=administration).first() if administration else None
        if administration and place is None:
            raise OperatorError("not_found", f"There is no administration {administration}.")
        audit.note("operator.einvoices_read", place)
        tally = read_waiting(only=administration, before=timezone.now() if again else None)
        self.say(asdict(tally), failed=bool(tally.failed))
