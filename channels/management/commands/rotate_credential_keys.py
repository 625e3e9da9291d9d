"""Re-encrypts every secret with the first key."""

from __future__ import annotations

from typing import Any

from administrations import audit, two_factor
from channels.links import vault
from zenvoices.lib.commands import OperatorCommand, OperatorError
from zenvoices.lib.crypto import KeyProblem
from zenvoices.lib.scoping import every_administration


class Command(OperatorCommand):
    help = "Re-encrypts every secret with the first key of CREDENTIAL_KEYS. May be stopped and run again."

    def handle(self, **options: Any) -> None:
        try:
            audit.note("operator.keys_rotated", None)
            with every_administration():
                self.say({"rotated": vault.rotate() + two_factor.rotate()})
        except KeyProblem as problem:
            raise OperatorError("key_missing", f"A secret does not open: {problem}.") from problem
