"""Counts that people read at a glance: no more than these are counted, and beyond it says *99+*."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet

MOST_COUNTED: Final = 99


def at_most(rows: QuerySet[Any, Any]) -> int:
    """How many there are; one more than MOST_COUNTED stands for all above it.

    In their order, which has an index: to meet so few in none, PostgreSQL would read everybody's from the beginning.
    """
    return len(rows.values_list("pk")[: MOST_COUNTED + 1])


def written(count: int) -> str:
    """ "" for none, and "99+" for more."""
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")
