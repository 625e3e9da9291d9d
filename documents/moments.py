"""A moment as an address carries it: what was done together is found again by it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_to_text(moment: datetime) -> str:
    """Microseconds since 1970: exact, and harmless in an address."""
    return str((moment - EPOCH) // timedelta(microseconds=1))


def moment_from_text(text: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{1,17}", text):
        return None
    return EPOCH + timedelta(microseconds=int(text))
