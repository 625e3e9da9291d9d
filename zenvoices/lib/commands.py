"""The base of operator commands: JSON lines on stdout, the log on stderr, exit codes 0, 1 and 2."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from zenvoices.lib.origin import Origin, working_for

log = structlog.get_logger(__name__)


class OperatorError(Exception):
    """The operation failed: exit 1, with code and sentence as JSON on stdout."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class OperatorCommand(BaseCommand):
    """`handle` calls `say` for each object; wrong use (CommandError) exits 2.

    `say(..., failed=True)` marks a command that says its own outcome and still exits 1.
    """

    requires_migrations_checks = False
    #: They load every page of the portal, which takes longer than most commands; `check` and the tests run them.
    requires_system_checks = ()

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.failed = False
        try:
            with working_for(Origin(command=self.name)), structlog.contextvars.bound_contextvars(command=self.name):
                output = super().execute(*args, **options)
        except OperatorError as error:
            self.say({"error": {"code": error.code, "text": error.text}}, failed=True)
            output = None
        except CommandError as error:
            error.returncode = 2
            raise
        except (DatabaseError, InterfaceError) as problem:
            log.exception("the database failed during a command")
            text = f"The database did not answer as it should ({type(problem).__name__}); the log has the rest."
            self.say({"error": {"code": "database_failed", "text": text}}, failed=True)
            output = None
        if self.failed:
            sys.exit(1)
        return output

    @property
    def name(self) -> str:
        """As it is called: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    def say(self, line: dict[str, Any], *, failed: bool = False) -> None:
        """At once: a killed command loses what waits in a buffer. Ends the command when nobody takes what it says."""
        self.failed = self.failed or failed
        try:
            self.stdout.write(json.dumps(line, ensure_ascii=False, default=_plain))
            self.stdout.flush()
        except OSError as problem:
            _drop_what_waits()
            log.error("what the command says could not be written", reason=problem.strerror)
            sys.exit(1)


def _drop_what_waits() -> None:
    """Python would try once more to write it as the process ends, and print a trace."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _plain(value: object) -> str:
    """Times as ISO 8601, identifiers and lazy texts as they read."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def secret_from(variable: str) -> str:
    """The value of the environment variable that a command line names, so that no secret stands in `ps`."""
    value = os.environ.get(variable, "")
    if not value:
        raise CommandError(f"the environment variable {variable} is not set")
    return value
