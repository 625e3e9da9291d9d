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
                done = vault.rotate() + two_factor.rotate()
        except KeyProblem as problem:
            raise OperatorError("key_missing", f"{problem}.") from problem
        self.say({"rotated": done.rotated})
        if done.closed:
            text = (
                f"No key of CREDENTIAL_KEYS opens {done.closed} secrets; the log names each with the id of its key."
                " Add that key from the safe place and run this again; else a password is typed again at its channel,"
                " and whoever signs in with an app sets it up anew."
            )
            raise OperatorError("key_missing", text)
