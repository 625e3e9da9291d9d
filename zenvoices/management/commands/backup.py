"""Database and documents into a folder, while the portal runs; the keys stay out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from documents.storage import StorageProblem, told
from zenvoices.backups.manifest import BackupProblem
from zenvoices.backups.whole import backup
from zenvoices.lib.commands import OperatorCommand, OperatorError


class Command(OperatorCommand):
    help = "Backs database and documents up into FOLDER; again into the same one copies what is new."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *, folder: Path, **options: Any) -> None:
        os.umask(0o077)  # everybody's invoices
        try:
            made = backup(folder)
        except BackupProblem as problem:
            raise OperatorError(problem.code, problem.text) from problem
        except StorageProblem as problem:
            raise OperatorError(problem.code, f"The storage of documents gave an error: {told(problem)}.") from problem
        except OSError as problem:
            raise OperatorError("folder_failed", f"{folder} could not be written: {problem.strerror}.") from problem
        self.say({"documents": made.documents, "bytes": made.bytes, "rows": made.rows})
        if made.lacking:
            text = (
                f"{len(made.lacking)} documents were nowhere to be had; the log names them. Run backup again: what was "
                "deleted meanwhile is then no matter. What stays lacking, verify_storage names too."
            )
            raise OperatorError("documents_lacking", text)
