"""The days on which something could be expected from a business."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

#: (month, day) in between offices are closed: these days do not count, and of July and August one in three does
CLOSED_FROM, CLOSED_UNTIL = (12, 20), (1, 6)
SUMMER: Final = (7, 8)
#: what lies longer ago is nobody's rhythm
FORGOTTEN: Final = timedelta(days=800)


def counted(earlier: date, later: date) -> int:
    """The days from one to the other that count."""
    earlier = max(earlier, later - FORGOTTEN)
    days = [earlier + timedelta(days=number + 1) for number in range((later - earlier).days)]
    summer = sum(day.month in SUMMER for day in days)
    closed = sum((day.month, day.day) >= CLOSED_FROM or (day.month, day.day) <= CLOSED_UNTIL for day in days)
    return len(days) - closed - summer + summer // 3
