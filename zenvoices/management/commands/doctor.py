"""Tries every part of the installation; exit 1 when one does not work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from zenvoices.doctor import database, machine, services
from zenvoices.doctor.parts import Part, examine
from zenvoices.lib.commands import OperatorCommand

PARTS: Final = (
    Part("settings", services.fitting),
    Part("database", database.answers),
    Part("database_role", database.role),
    Part("policies", database.policies),
    Part("migrations", database.migrations),
    Part("broker", services.broker),
    Part("storage", services.storage),
    Part("smtp", services.mail),
    Part("keys", services.keys),
    Part("clock", machine.clock),
    Part("dns", machine.dns),
    Part("tls", machine.tls),
    Part("space", machine.space),
    Part("schedule", services.schedule),
    Part("workers", services.workers),
    Part("operator", machine.operator),
)


class Command(OperatorCommand):
    help = "Tries every part of the installation and says the next step where one does not work."

    def handle(self, **options: Any) -> None:
        for finding in examine(PARTS):
            self.say(asdict(finding), failed=not finding.ok)
