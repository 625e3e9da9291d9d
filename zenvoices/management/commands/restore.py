"""Puts a backup back: its hashes first, then the documents, then the database in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from documents.storage import StorageProblem, told
from zenvoices.backups.manifest import BackupProblem
from zenvoices.backups.whole import restore
from zenvoices.lib.commands import OperatorCommand, OperatorError


class Command(OperatorCommand):
    help = "Puts the backup in FOLDER into this installation. Stop web, workers and beat before."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="into an installation that holds data, which is lost"
        )
        parser.add_argument("--lacking", action="store_true", help="a backup in which documents were lacking, too")

    def handle(self, *, folder: Path, replace: bool, lacking: bool, **options: Any) -> None:
        try:
            made = restore(folder, replace=replace, lacking=lacking)
        except BackupProblem as problem:
            raise OperatorError(problem.code, problem.text) from problem
        except StorageProblem as problem:
            raise OperatorError(problem.code, f"The storage of documents gave an error: {told(problem)}.") from problem
        except OSError as problem:
            raise OperatorError("folder_failed", f"{folder} could not be read: {problem.strerror}.") from problem
        self.say({"documents": made.documents, "bytes": made.bytes, "rows": made.rows})
