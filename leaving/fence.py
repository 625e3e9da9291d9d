"""Who works at an export or an erasure, as long as nobody took it over."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db.models import QuerySet

from leaving.models import Erasure, Export
from zenvoices.lib import database_clock

#: without a sign of life for so long nobody works at it: its worker was killed, or its message was lost
DEAD_AFTER: Final = timedelta(minutes=5)
ALIVE_SECONDS: Final = 10.0


class Superseded(Exception):
    """Somebody else works at it by now, or it was erased."""


@dataclass(slots=True)
class Worker:
    """`mine`: the row, as long as it is ours."""

    mine: QuerySet[Any]
    said_at: float = field(default_factory=time.monotonic)

    @classmethod
    def claiming(cls, row: Export | Erasure, queued: str, working: str) -> Worker | None:
        """None when somebody else took it up. `row.attempts` is the number of this try from here on."""
        rows, before = type(row)._default_manager.filter(pk=row.pk), row.attempts
        row.attempts += 1
        now = {"state": working, "attempts": row.attempts, "alive_at": database_clock.now()}
        claimed = rows.filter(state=queued, attempts=before).update(**now)
        return cls(rows.filter(state=working, attempts=row.attempts)) if claimed else None

    def alive(self) -> None:
        """To be called again and again. Raises Superseded."""
        if time.monotonic() - self.said_at > ALIVE_SECONDS:
            self.said_at = time.monotonic()
            self.update(alive_at=database_clock.now())

    def update(self, **values: object) -> None:
        """Raises Superseded."""
        if not self.mine.update(**values):
            raise Superseded
