"""Copies every stored file from DOCUMENT_STORAGE_ALSO to DOCUMENT_STORAGE; may be stopped and run again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from documents import relocating, storage
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.scoping import every_administration


class Command(OperatorCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        to, *source = storage.places()
        if not source:
            raise OperatorError(
                "nothing_to_move",
                "DOCUMENT_STORAGE_ALSO is empty: name the storage where the documents come from, here and everywhere.",
            )
        try:
            with every_administration():
                moved = relocating.move(to, *source)
        except storage.StorageProblem as problem:
            text = f"One of {storage.names()} does not do as it should ({storage.told(problem)})."
            raise OperatorError(problem.code, text) from problem
        self.say(asdict(moved) | {"complete": moved.is_complete}, failed=not moved.is_complete)
