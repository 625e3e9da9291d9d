"""Re-hashes every stored file against the database; exit 1 when one is missing or corrupt."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import structlog

from documents.storage import StorageProblem
from documents.sweeping import Verdict, verify
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.scoping import every_administration

log = structlog.get_logger(__name__)


class Command(OperatorCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = Verdict()
        try:
            with every_administration():
                for found in verify(verdict):
                    log.warning(found.problem, administration=str(found.administration_id), sha256=found.sha256)
        except StorageProblem as problem:
            raise OperatorError(problem.code, "The storage of documents does not answer.") from problem
        self.say(asdict(verdict), failed=not verdict.is_sound)
