"""Where a page of a keyset list ends, as an address carries it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.dateparse import parse_datetime

#: what lies outside is nobody's, and the edges of the calendar overflow when a zone or a day is added
FIRST_YEAR, LAST_YEAR = 1970, 2200


@dataclass(frozen=True, slots=True)
class Position:
    """The moment and the id of the last line shown."""

    at: datetime
    id: UUID

    @property
    def mark(self) -> str:
        return f"{self.at.isoformat()},{self.id}"

    @classmethod
    def read(cls, text: str) -> Position | None:
        """None for nonsense, which begins at the top."""
        at, _comma, last_id = text.replace(" ", "+").partition(",")
        try:
            moment = parse_datetime(at)
            known = moment and moment.tzinfo and FIRST_YEAR <= moment.year <= LAST_YEAR
            return cls(moment, UUID(last_id)) if moment and known else None
        except ValueError:
            return None
