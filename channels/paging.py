"""Where a page of a keyset list ends, as an address carries it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.dateparse import parse_datetime

from channels.queries import Position


def position(text: str) -> Position | None:
    """`<moment>,<id>` of the last line shown; None for nonsense, which begins at the top."""
    at, _comma, last_id = text.replace(" ", "+").partition(",")
    try:
        moment = parse_datetime(at)
        return Position(moment, UUID(last_id)) if moment and moment.tzinfo else None
    except ValueError:
        return None


def mark(moment: datetime, last_id: UUID) -> str:
    return f"{moment.isoformat()},{last_id}"
